"""How strongly each single loss depends on each earlier state: the per-loss matrix ∂L_τ/∂h_t.

All losses are carried through ONE backward recurrence, as an extra batch axis K, instead of one backward pass each
(see ``carrying``). A loss at τ matters only for t ≤ τ: half of the work falls away.

    δ_t^τ = ∂L_τ/∂h_t directly (only at t = τ) + J_{t+1}ᵀ δ_{t+1}^τ,    Σ_τ δ_t^τ = dL/dh_t

Letters: T time, B batch, H hidden, K losses, R layers and directions.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rnncore.cells import CELLS
from rnncore.diagnostics.carrying import Stack, carry_each
from rnncore.diagnostics.gradient_flow import sequence_norms
from rnncore.diagnostics.jacobian import part_of
from rnncore.diagnostics.probed import Opened, Probed
from rnncore.probe.layers import LayerTrace
from rnncore.probe.order import TimeOrder
from rnncore.probe.trace import Trace
from rnncore.records import Array, PerLoss, Record

if TYPE_CHECKING:
    from rnncore.config import RunConfig
    from rnncore.training.trainer import Trainer

MOST_BYTES = 64 << 20
"""Of gradients that are held at once; where all losses would take more, they are carried in several groups."""
MOST_LOSSES, FEWEST_LOSSES = 128, 16
"""Rows of the matrix: what a screen tells apart, and what makes a picture at all."""
LIVE_PRODUCTS = 1e9
"""Multiplications of one turn while a run trains, some ten milliseconds: what T = 64, H = 128 takes with 7 sequences.
Where a training step takes more, a turn may take ``LIVE_SHARE`` of it."""
LIVE_SHARE = 0.25


@dataclass(frozen=True)
class Extent:
    """How much of a window is looked at: the last ``steps`` steps, each ``stride``-th loss, ``sequences``."""

    steps: int
    stride: int
    sequences: int

    @property
    def places(self) -> range:
        """The losses and steps kept, counted from the first of ``steps``; the last one is always among them."""
        return range((self.steps - 1) % self.stride, self.steps, self.stride)


def affordable(steps: int, sequences: int, weights: int, products: float = LIVE_PRODUCTS) -> Extent:
    """The largest extent whose recurrence takes about so many multiplications, at most twice as many.

    Sequences are let go first, then losses (down to ``FEWEST_LOSSES``), then the window's early steps.

    Args:
        steps: T of the window.
        sequences: B at most.
        weights: of the recurrences that a gradient runs through, all layers together.
        products: multiplications: losses · steps / 2 · sequences · weights.
    """
    stride = -(-steps // MOST_LOSSES)
    each = steps / 2 * weights  # of one loss and one sequence
    fewer = max(1, min(sequences, int(products / (each * -(-steps // stride)))))
    if each * fewer * -(-steps // stride) > products:
        stride = max(stride, min(steps // FEWEST_LOSSES, -(-int(each * steps) // int(products))))
    losses = -(-steps // stride)
    if each * losses > products:
        steps = min(steps, max(FEWEST_LOSSES, int(2 * products / (weights * losses))))
        stride = max(1, steps // FEWEST_LOSSES)
    return Extent(steps, stride, fewer)


@torch.no_grad()
def per_loss_matrix(
    layers: Sequence[LayerTrace],
    *,
    grad_output: Tensor | None = None,
    masks: Sequence[Tensor | None] = (),
    residual: bool = False,
    extent: Extent | None = None,
    scale: float = 1.0,
    step: int = 0,
    batch: int | None = None,
    most_bytes: int = MOST_BYTES,
) -> PerLoss:
    """The per-loss matrix ‖∂L_τ/∂h_t‖ (and for c) of a probed step, for every layer and direction.

    >>> with rnncore.probe(model) as probe:
    ...     criterion(model(x), y).backward()
    >>> per_loss_matrix(probe["lstm"].layers).hidden[0, 9, 4]  # ‖∂L_9/∂h_4‖ in the first layer

    The loss must be a sum over steps whose part at τ reads the top layer's output at τ: L_τ is then what reaches the
    layers through that output. ``sum_error`` of the record says whether that holds.

    Args:
        layers: bottom first, see ``rnncore.probe``: ``probe[name].layers``, or one of several modules each.
        grad_output: the losses' direct gradient on the top layer's output, (T, B, directions·H); by default that of
            the loss whose backward pass ran inside the probe.
        masks: what each layer's output was multiplied with on its way up, (T, B or more, H) or None: dropout.
        residual: each layer's input was added to its output, from the second layer on.
        extent: how much of the window; None for all of it.
        scale: factor on all gradients: T·B turns those of a mean loss into those of one sequence's summed loss.
        step: completed training steps.
        batch: sequences of the whole batch, if the probe opened a part of them.
        most_bytes: of gradients held at once; where all losses would take more, they are carried in several groups.
    """
    start = time.perf_counter()
    top = _direct(layers) if grad_output is None else grad_output
    whole = Stack(layers, top, masks or [None] * len(layers), residual)
    window, present = whole.top.shape[:2]
    extent = extent or Extent(window, 1, present)
    if not whole.one_way:  # a reverse direction begins at the end: there are no early steps to leave out
        extent = Extent(window, extent.stride, extent.sequences)
    look = slice(window - extent.steps, window), slice(0, extent.sequences)
    stack = Stack(
        [LayerTrace(*[_part(trace, *look) for trace in layer.directions]) for layer in layers],
        whole.top[look],
        [None if mask is None else mask[look] for mask in whole.masks],
        residual,
    )
    if grad_output is None:
        own = [(trace.grad_hidden, trace.grad_cell) for trace in whole.traces]
        totals = [(hidden[look], None if cell is None else cell[look]) for hidden, cell in own]
    else:
        carried = sorted(stack.carried_down(stack.top), key=itemgetter(0))
        totals = [(one.grad_hidden, one.grad_cell) for _, one in carried]
    hidden, cells = carry_each(stack, extent.places, most_bytes)
    of_hidden = [total for total, _ in totals]
    of_cell = [total for _, total in totals if total is not None]
    kept = window - extent.steps + np.array(extent.places)
    return PerLoss(
        step=step,
        cell=whole.traces[0].cell_type.name,
        rows=row_names(layers),
        window=window,
        steps=extent.steps,
        stride=extent.stride,
        batch=batch or present,
        sequences=min(extent.sequences, present),
        losses=kept,
        reads=kept,
        hidden=_stored(hidden.norms * scale, whole.top),
        cells=_stored(cells.norms * scale, whole.top),
        hidden_sum=_norms(hidden.sums, extent, scale),
        hidden_total=_norms(of_hidden, extent, scale),
        cell_sum=_norms(cells.sums, extent, scale),
        cell_total=_norms(of_cell, extent, scale),
        sum_error=float(np.maximum(_apart(hidden.sums, of_hidden), _apart(cells.sums, of_cell))),
        cost_ms=1000 * (time.perf_counter() - start),
    )


def row_names(layers: Sequence[LayerTrace]) -> tuple[str, ...]:
    """What a record's rows are called: ``layer 1``, or ``layer 1, reverse``."""
    ways = ("", ", reverse")
    return tuple(
        f"layer {index + 1}{ways[way]}" for index, layer in enumerate(layers) for way in range(len(layer.directions))
    )


def _direct(layers: Sequence[LayerTrace]) -> Tensor:
    """The loss's direct gradient on the top layer's output, (T, B, directions·H)."""
    parts = [trace.grad_output for trace in layers[-1].directions]
    return parts[0] if len(parts) == 1 else torch.cat(parts, -1)


def _part(trace: Trace, steps: slice, sequences: slice) -> Trace:
    """Some steps and sequences of a trace, as one that starts where the steps before ended."""
    forward, lengths = part_of(trace.replayed, steps, sequences), trace.lengths
    order = TimeOrder(len(forward.hidden), trace.order.reverse, None if lengths is None else lengths[sequences])
    return Trace(trace.name, trace.cell_type, trace.weights, forward, order, trace.replay_error)


def _norms(gradients: Sequence[Tensor], extent: Extent, scale: float) -> Array:
    """(T, B, H) each → (R, N)."""
    kept = slice(extent.places.start, None, extent.places.step)
    rows = [_stored(sequence_norms(one[kept], scale), one) for one in gradients]
    return np.stack(rows) if rows else np.zeros((0, len(extent.places)))


def _stored(values: Array, like: Tensor) -> Array:
    """In the traces' own precision; infinite beyond float32's range."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32 if like.dtype == torch.float32 else np.float64)


def _apart(sums: Sequence[Tensor], totals: Sequence[Tensor]) -> float:
    """The largest difference, relative to the largest gradient."""
    if not sums:
        return 0.0
    largest = max(float(total.abs().max()) for total in totals)
    difference = max(float((one - total).abs().max()) for one, total in zip(sums, totals, strict=True))
    return difference / largest if largest else difference


class PerLossMeasure(Probed):
    """The per-loss matrix of the training step itself, as much of it as is quickly found."""

    name, share, patience = "per_loss", 0.04, 2.0

    def __init__(self, config: RunConfig):
        model, steps = config.model, config.task.sequence_length
        weights = (2 * model.num_layers - 1) * CELLS[model.cell].blocks * model.hidden_size**2
        wanted = min(config.watch.probe_sequences, config.training.batch_size)
        of_step = 3 * steps * config.training.batch_size * weights  # forward, and twice backward
        self.extent = affordable(steps, wanted, weights, max(LIVE_PRODUCTS, LIVE_SHARE * of_step))
        self.sequences = self.extent.sequences

    def records(self, trainer: Trainer, opened: Opened) -> Iterable[Record]:
        """One matrix per layer."""
        record = per_loss_matrix(
            opened.stack(trainer),
            masks=trainer.model.dropout_masks,
            residual=trainer.model.residual,
            extent=self.extent,
            scale=float(trainer.positions),  # the trained loss is the mean over so many
            step=trainer.step,
            batch=trainer.config.training.batch_size,
        )
        return [dataclasses.replace(record, cost_ms=record.cost_ms + 1000 * opened.seconds)]

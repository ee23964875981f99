"""Many losses carried back through time at once: the norms of each loss's gradients, and the sum of all gradients.

A loss at τ matters only for t ≤ τ. Where all layers read forwards, ``carry_each`` therefore walks back through time
once, all layers in step, with a growing set of rows: at t those of the losses at t and behind it. Nothing of a step is
kept but its norms, and what it adds to the sum. Where a layer reads in both directions, or sequences end at different
steps, every loss may matter everywhere, and the traces' own recurrence carries them in blocks.

Letters: T time, B batch, H hidden, K losses, N steps whose norms are kept, R layers and directions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from rnncore.probe.layers import LayerTrace
from rnncore.probe.trace import Gradients, Trace
from rnncore.records import Array

L = TypeVar("L")
Masks = Sequence[Tensor | None]
"""What each layer's output was multiplied with on its way up (dropout), (T, B, H) or None."""


class HasInput(Protocol):
    """Gradients of a layer, its input's among them."""

    @property
    def grad_input(self) -> Tensor:
        """dL/dx_t, (..., T, B, D)."""


G = TypeVar("G", bound=HasInput)


def walk_down(
    layers: Sequence[L], arriving: Tensor, masks: Masks, backward: Callable[[L, Tensor], G], residual: bool = False
) -> Iterator[tuple[int, G]]:
    """Carry gradients down a stack: each layer's ``backward``, and dropout's mask between two layers.

    Args:
        layers: bottom first.
        arriving: at the top layer's output, (..., T, B, directions·H); B may be less than the masks have.
        masks: what each layer's output was multiplied with on its way up.
        residual: each layer's input was added to its output, from the second layer on.

    Yields:
        A layer's place, and what its ``backward`` gives (with ``grad_input``); the top one first.
    """
    for index in range(len(layers) - 1, -1, -1):
        found = backward(layers[index], arriving)
        yield index, found
        if index:
            mask, below = masks[index - 1], found.grad_input + arriving if residual else found.grad_input
            arriving = below if mask is None else below * mask[:, : arriving.shape[-2]]


class Carried:
    """What arrives at one kind of state of R layers and directions.

    Attributes:
        places: the N steps whose losses are carried by themselves, and at which norms are kept.
        sums: R sums of all losses' gradients, (T, B, H) each.
    """

    def __init__(self, states: Sequence[Tensor], places: range):
        self.places, self.sums = places, [torch.zeros_like(state) for state in states]
        batch, device = (states[0].shape[1], states[0].device) if states else (1, None)
        shape = len(states), len(places), len(places), batch  # steps by losses, the last loss first
        self._norms = torch.zeros(shape, dtype=torch.float64, device=device)

    def take(self, row: int, gradients: Tensor, t: int, first: int) -> None:
        """Gradients at step t of neighbouring losses, (K, B, H), the last one first.

        Args:
            row: which layer and direction.
            gradients: may be overwritten afterwards.
            t: the step.
            first: how many kept losses lie behind the first of them.
        """
        self.sums[row][t] += gradients.sum(0)
        if t in self.places:
            out = self._norms[row, self.places.index(t), first : first + len(gradients)]
            torch.linalg.vector_norm(gradients, dim=-1, dtype=out.dtype, out=out)  # squares of float32 would underflow

    @property
    def norms(self) -> Array:
        """[r, k, n]: of loss k at step ``places[n]``, over units, root mean square over sequences."""
        return self._norms.square().mean(-1).sqrt().flip(-1).transpose(1, 2).cpu().numpy()


@dataclass(frozen=True)
class Stack:
    """What losses are carried through.

    Attributes:
        layers: one trace per layer, bottom first.
        top: the losses' direct gradient on the top layer's output, (T, B, directions·H).
        masks: between the layers.
        residual: each layer's input was added to its output, from the second layer on.
    """

    layers: Sequence[LayerTrace]
    top: Tensor
    masks: Masks
    residual: bool = False

    @property
    def traces(self) -> list[Trace]:
        """All layers and directions, bottom first."""
        return [trace for layer in self.layers for trace in layer.directions]

    @property
    def one_way(self) -> bool:
        """Whether a loss at τ reaches no step behind it, in all layers alike."""
        return all(layer.reverse is None and layer.forward.lengths is None for layer in self.layers)

    def carried_down(self, arriving: Tensor) -> Iterator[tuple[int, Gradients]]:
        """Carry (T, B, directions·H), or (K, T, B, directions·H), through time and down the stack.

        Yields:
            Which of the traces, and its gradients; the top layer first.
        """
        row = len(self.traces)
        for _, found in walk_down(self.layers, arriving, self.masks, LayerTrace.backward, self.residual):
            for one in found.directions[::-1]:
                row -= 1
                yield row, one


def carry_each(stack: Stack, places: range, most_bytes: int) -> tuple[Carried, Carried]:
    """Every loss by itself: what arrives at h, and at c (of no rows for cells without one).

    Args:
        stack: layers and losses.
        places: steps whose losses are carried by themselves, and whose norms are kept; the losses of other steps are
            carried as one, so that the sums are whole.
        most_bytes: of gradients held at once; where all rows would take more, they are carried in several groups.
    """
    traces = stack.traces
    hidden = Carried([trace.hidden for trace in traces], places)
    cells = Carried([trace.cell for trace in traces if trace.cell is not None], places)
    carry, width = _in_step if stack.one_way else _in_blocks, _width(stack, most_bytes)
    for start in range(0, len(places), width):
        carry(stack, places[start : start + width], hidden, cells)
    if len(places) < len(stack.top):
        others = stack.top.clone()
        others[places.start :: places.step] = 0
        for row, one in stack.carried_down(others):
            hidden.sums[row] += one.grad_hidden
            if one.grad_cell is not None:
                cells.sums[row] += one.grad_cell
    return hidden, cells


def _width(stack: Stack, most_bytes: int) -> int:
    """Losses of a group."""
    trace = stack.traces[0]
    numbers = (trace.cell_type.blocks + 4) * trace.hidden[0].numel() * len(stack.layers)  # of a step
    if not stack.one_way:
        numbers *= 2 * len(stack.top)
    return max(1, most_bytes // (numbers * trace.hidden.element_size()))


class _Rows:
    """One layer's gradients of K losses at the present step. The last loss comes first, so that rows only ever join."""

    def __init__(self, trace: Trace, losses: int, with_input: bool):
        shape = losses, *trace.hidden.shape[1:]
        self.carry = trace.cell_type.replay.carry(trace.replayed, trace.weights, losses, with_input)
        self.hidden = trace.hidden.new_zeros(shape)
        carried, self.cell_type = trace.replayed.cell, trace.cell_type
        self.cell = None if carried is None else carried.new_zeros(*shape[:2], carried.shape[-1])

    def shown(self, cell: Tensor | None) -> Tensor | None:
        """The cell state's gradients, of all that is carried beside h."""
        return self.cell_type.shown_cell(cell, self.hidden.shape[-1])

    def first(self, rows: int) -> tuple[Tensor, Tensor | None]:
        """Hidden and cell of the rows that there are."""
        return self.hidden[:rows], None if self.cell is None else self.cell[:rows]


def _in_step(stack: Stack, group: range, hidden: Carried, cells: Carried) -> None:
    """All layers together, one step back after the other."""
    top, first = len(stack.layers) - 1, _behind(group, hidden.places)
    layers = [_Rows(layer.forward, len(group), index > 0) for index, layer in enumerate(stack.layers)]
    for t in range(group[-1], -1, -1):
        there = len(group) - bisect_left(group, t)
        if t in group:
            layers[top].hidden[there - 1] += stack.top[t]
        skipped: Tensor | None = None  # what reaches a layer's output from above alone
        if stack.residual:
            skipped = stack.top.new_zeros(there, *stack.top.shape[1:])
            if t in group:
                skipped[there - 1] = stack.top[t]
        for index in range(top, -1, -1):
            rows, cell = layers[index].first(there)
            layers[index].carry.total(t, rows, cell)
            hidden.take(index, rows, t, first)
            if (shown := layers[index].shown(cell)) is not None:
                cells.take(index, shown, t, first)
            below = layers[index].carry.leave(t, rows, cell)
            if below is not None:
                mask = stack.masks[index - 1]
                below = below if skipped is None else below + skipped
                below = below if mask is None else below * mask[t]
                layers[index - 1].hidden[:there] += below
                skipped = below if stack.residual else None


def _in_blocks(stack: Stack, group: range, hidden: Carried, cells: Carried) -> None:
    """Each layer and direction through all of its steps, for a group of losses at once."""
    own, first = list(group[::-1]), _behind(group, hidden.places)
    arriving = stack.top.new_zeros(len(own), *stack.top.shape)
    arriving[list(range(len(own))), own] = stack.top[own]
    for row, one in stack.carried_down(arriving):
        for t in range(len(stack.top)):
            hidden.take(row, one.grad_hidden[:, t], t, first)
            if one.grad_cell is not None:
                cells.take(row, one.grad_cell[:, t], t, first)


def _behind(group: range, places: range) -> int:
    """How many of the places lie behind the group."""
    return len(places) - 1 - places.index(group[-1])

"""Each parameter's gradient, gate by gate; how far a step moves it; and the gradient noise scale.

Gradient noise scale (McCandlish et al. 2018, arXiv:1812.06162): with G the true gradient and Σ the covariance of one
sequence's gradient around it, the gradient of b sequences has E|g|² = |G|² + tr(Σ)/b. B_simple = tr(Σ)/|G|² is the
batch size at which both are equal. Appendix A.1 tells them apart by two batch sizes; here a step's batch of B sequences
is split in two, b and B - b, and both parts serve as the small batch (for equal parts that is the mean of the two
estimates of appendix A.1):

    |G|² ≈ g_1 · g_2,    tr(Σ) ≈ |g_1 - g_2|² / (1/b + 1/(B - b)),    B·G_B = b·g_1 + (B - b)·g_2

Each is unbiased, their quotient is not: so the means of many measurements are divided, with Fieller's interval.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.probe.call import cell_of, is_recurrent
from rnncore.records import Array, Parameters, Record
from rnncore.training.measuring import is_power_of_two

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

MOST_NUMBERS = 8_000_000
"""Weights that are copied for one measurement; of larger models every so many rows."""
SMALLER, LARGEST_PART = 4, 16
"""The smaller part is a quarter of the batch, and at most so many sequences: |G|² is found nearly as well as from
halves (its noise grows by 15 %), with half of the work beyond the training step."""
WINDOW, FEWEST = 32, 6
"""Measurements that a noise scale is averaged over, and how many it needs."""


@dataclass(frozen=True)
class Part:
    """A parameter, or one gate's rows of a recurrent layer's parameter."""

    name: str
    gate: str
    parameter: nn.Parameter
    rows: slice

    def of(self, tensor: Tensor, stride: int = 1) -> Tensor:
        """This part of a tensor shaped like the parameter, or every so many rows of it: (rows, numbers of a row)."""
        return tensor.detach().reshape(len(tensor) if tensor.ndim else 1, -1)[self.rows][::stride]


def parts_of(model: nn.Module) -> list[Part]:
    """All trainable parameters; those of recurrent layers split into their gates (i, f, g, o; r, z, n)."""
    gates: dict[int, tuple[tuple[str, ...], int]] = {}
    for module in model.modules():
        if is_recurrent(module):
            size, symbols = int(module.hidden_size), cell_of(module).block_symbols  # type: ignore[arg-type]
            gates |= {id(one): (symbols, size) for one in module.parameters()}
    found = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        height = len(parameter) if parameter.ndim else 1
        symbols, size = gates.get(id(parameter), (("",), height))
        if height != len(symbols) * size:  # a projection has no gates
            symbols, size = ("",), height
        for index, symbol in enumerate(symbols):
            found.append(Part(name, symbol, parameter, slice(index * size, (index + 1) * size)))
    return found


def noise_estimates(part: Sequence[Tensor], whole: Sequence[Tensor], size: int, batch: int) -> tuple[float, float]:
    """Unbiased |G|² and tr(Σ) of one batch, from the mean gradients of the whole batch and of a part of it.

    Args:
        part: mean gradient of ``size`` of the sequences, a tensor per parameter.
        whole: mean gradient of all ``batch`` sequences.
        size: b, 1 to B - 1.
        batch: B.
    """
    pairs = list(zip(part, whole, strict=True))
    squared = sum(_square(one) for one in part)
    product = sum(float((one * all_).sum(dtype=torch.float64)) for one, all_ in pairs)
    apart = sum(_square(one - all_) for one, all_ in pairs) * (batch / (batch - size)) ** 2  # |g_1 - g_2|²
    return (batch * product - size * squared) / (batch - size), apart / (1 / size + 1 / (batch - size))


def _square(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64)) ** 2


def noise_scale(squared: Array, traces: Array) -> tuple[float, float, float, str]:
    """B_simple = tr(Σ)/|G|² from several measurements.

    Args:
        squared: unbiased estimates of |G|², (N,).
        traces: unbiased estimates of tr(Σ), (N,).

    Returns:
        The quotient of the means, its 95 % interval by Fieller's theorem (Fieller 1954, J. R. Stat. Soc. B 16), and
        ''; or three times nan, and why it cannot be told.
    """
    count = len(squared)
    none = math.nan, math.nan, math.nan
    if count < FEWEST:
        return *none, f"{count} of {FEWEST} measurements so far"
    y, x = float(np.mean(squared)), float(np.mean(traces))
    (yy, xy), (_, xx) = np.cov(squared, traces) / count
    t = _student(count - 1)
    g = t * t * yy / (y * y) if y else math.inf
    if y <= 0 or not g < 1:
        return *none, f"in {count} measurements |G|² cannot be told from zero: the noise drowns the gradient"
    ratio = x / y
    middle = ratio - (t * t * xy / (y * y))
    half = t / y * math.sqrt(max(xx - 2 * ratio * xy + ratio**2 * yy - t * t * (xx * yy - xy**2) / (y * y), 0.0))
    return ratio, max((middle - half) / (1 - g), 0.0), (middle + half) / (1 - g), ""


def _student(freedom: int) -> float:
    """97.5 % quantile of Student's t by Cornish and Fisher's expansion; within .01 from 5 degrees of freedom on."""
    z = 1.959964
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


@dataclass
class _Seen:
    """What was read while the step ran; the clock counts what reading took."""

    seconds: float = 0.0
    inputs: Any = None  # the model's arguments: ids (T, B) and the state before
    before: list[Tensor] = field(default_factory=list)  # weights, a tensor per part
    gradient: list[float] = field(default_factory=list)
    estimates: tuple[float, float] = (math.nan, math.nan)


class ParameterMeasure:
    """Norms of every part of the model, and one measurement towards the gradient noise scale.

    The smaller part's gradient is a pass of its own over a quarter of the batch, with the step's own dropout masks.
    """

    name, share, patience = "parameters", 0.03, 2.0

    def __init__(self) -> None:
        self.squared: deque[float] = deque(maxlen=WINDOW)
        self.traces: deque[float] = deque(maxlen=WINDOW)
        self.parts: list[Part] = []

    def forced(self, step: int) -> bool:
        """Log-spaced steps, where the budget affords them."""
        return is_power_of_two(step)

    @contextmanager
    def around(self, trainer: Trainer) -> Iterator[_Seen]:
        """Copies the weights before the step; reads the gradients behind the backward pass, before they are clipped."""
        start = time.perf_counter()
        if not self.parts:
            self.parts = parts_of(trainer.model)
            self.stride = -(-sum(part.of(part.parameter).numel() for part in self.parts) // MOST_NUMBERS)
        seen = _Seen(before=[part.of(part.parameter, self.stride).clone() for part in self.parts])

        def caught(module: nn.Module, arguments: Any) -> None:
            seen.inputs = arguments

        handle = trainer.model.register_forward_pre_hook(caught)
        seen.seconds = time.perf_counter() - start
        try:
            yield seen
        finally:
            handle.remove()
        start = time.perf_counter()
        seen.gradient = [self._norm(part, part.parameter.grad) for part in self.parts]
        size = smaller_part(trainer.config.training.batch_size)
        if size:
            part, whole = part_gradient(trainer, seen.inputs, size), [p.grad for p in trainer.parameters]
            own = [(one, all_) for one, all_ in zip(part, whole, strict=True) if one is not None and all_ is not None]
            seen.estimates = noise_estimates(
                [one for one, _ in own], [all_ for _, all_ in own], size, trainer.config.training.batch_size
            )
        seen.seconds += time.perf_counter() - start

    def _norm(self, part: Part, tensor: Tensor | None) -> float:
        """Of the whole part, from the rows looked at; 0 for no gradient."""
        return 0.0 if tensor is None else self._scaled(part, part.of(tensor, self.stride))

    def _scaled(self, part: Part, rows: Tensor) -> float:
        return math.sqrt(_square(rows) * part.of(part.parameter).numel() / rows.numel())

    def records(self, trainer: Trainer, opened: _Seen) -> Iterable[Record]:
        """One record, after the optimiser's step."""
        batch = trainer.config.training.batch_size
        size, (squared, trace) = smaller_part(batch), opened.estimates
        found = math.nan, math.nan, math.nan, "a batch of one sequence has no parts to compare"
        if size and math.isfinite(squared) and math.isfinite(trace):
            self.squared.append(squared)
            self.traces.append(trace)
        if size:
            found = noise_scale(np.array(self.squared), np.array(self.traces))
        now = [part.of(part.parameter, self.stride) for part in self.parts]
        pairs = list(zip(self.parts, opened.before, now, strict=True))
        return [
            Parameters(
                step=trainer.step,
                cell=trainer.config.model.cell,
                names=tuple(part.name for part in self.parts),
                gates=tuple(part.gate for part in self.parts),
                sizes=np.array([part.of(part.parameter).numel() for part in self.parts]),
                gradient=np.array(opened.gradient),
                weight=np.array([self._scaled(part, before) for part, before, _ in pairs]),
                update=np.array([self._scaled(part, after - before) for part, before, after in pairs]),
                share=1 / self.stride,
                batch=batch,
                part=size,
                gradient_squared=squared,
                noise_trace=trace,
                noise_scale=found[0],
                noise_low=found[1],
                noise_high=found[2],
                noise_count=len(self.squared),
                why=found[3],
            )
        ]


def smaller_part(batch: int) -> int:
    """Sequences of the smaller part; 0 where a batch cannot be split."""
    return min(max(batch // SMALLER, 1), LARGEST_PART) if batch > 1 else 0


def part_gradient(trainer: Trainer, arguments: tuple[Any, ...], size: int) -> Sequence[Tensor | None]:
    """The mean loss's gradient on the first ``size`` sequences of the step, without touching ``.grad`` or a mask.

    Layers are called by ``forward``, past the hooks of probes that look at the same step.
    """
    model, ids, masks = trainer.model, arguments[0][:, :size], trainer.model.dropout_masks

    def drop(index: int, x: Tensor) -> Tensor:
        mask = masks[index]
        return x if mask is None else x * mask[:, :size]

    state = None if arguments[1] is None else tuple(_first(one, size) for one in arguments[1])
    outputs, _ = model.through(ids, state, drop, lambda module, *given: module.forward(*given))
    loss = trainer.task.loss(outputs, trainer.targets[:, :size])
    return torch.autograd.grad(loss, trainer.parameters, allow_unused=True)


def _first(state: Any, size: int) -> Any:
    """A layer's state, of the first sequences."""
    if isinstance(state, tuple):
        return tuple(_first(one, size) for one in state)
    return state[:, :size].contiguous()

"""Lyapunov exponents of a recurrent layer: the mean growth per step of perturbations of its state.

By QR (Benettin et al. 1980; for recurrent networks Vogt et al. 2020, arXiv:2006.14123, and Engelken et al. 2020,
arXiv:2006.02427): J_t Q_{t-1} = Q_t R_t from a random orthonormal Q, λ_i = mean of log|R_t,ii|, in nats per step.
λ_1 < 0: a perturbation, and with it the gradient on its way back, shrinks to e^λ_1 of itself with each step; λ_1 > 0:
it grows. The sum of all S exponents is the mean of log|det J_t|.

Driven: along the states that the network passed through on real data. Autonomous: left to itself, with zero input.
Both take one layer by itself: its input does not react to the perturbation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.cells import OWN_CELLS, Cell, Forward, Weights
from rnncore.cells.own import OwnCell, apart
from rnncore.diagnostics.jacobian import DynamicsError, Factor, need_recurrence, one_by_one, opened, part_of
from rnncore.probe.call import cell_of
from rnncore.probe.trace import Trace

MOST_STATE = 256
"""Up to this size of the state all exponents are computed by default; beyond, the ``TOP`` largest by a thin QR."""
TOP = 32
ROUNDING = 64
"""Times eps·√S·max|R_ii|: what a product and a QR may leave of a direction that is shut exactly (12 were seen)."""
STEPS = 400
"""Of an autonomous run, by default."""


@dataclass(frozen=True)
class Exponents:
    """What a QR along a sequence of Jacobians found. Shapes: T steps, B sequences, k exponents.

    Attributes:
        growth: log|R_t,ii|, (T, B, k), nats; -inf where a direction was shut exactly, nan beyond a sequence's length.
        warmup: steps at the start, in which Q turns towards the directions that grow most, that no mean counts.
        state_size: S; with k < S the list holds the k largest exponents.
    """

    growth: Tensor
    warmup: int
    state_size: int

    @property
    def by_sequence(self) -> Tensor:
        """λ_i of each sequence, (B, k), nats per step."""
        return self.growth[self.warmup :].nanmean(0)

    @property
    def exponents(self) -> Tensor:
        """λ_i, the mean over sequences, (k,), nats per step, as QR orders them: the largest first."""
        return self.by_sequence.mean(0)

    @property
    def running(self) -> Tensor:
        """The estimate of λ_1 after each counted step, (T - warmup, B); nan beyond a sequence's length.

        It has settled where it no longer moves.
        """
        first = self.growth[self.warmup :, :, 0]
        counted = torch.arange(1, len(first) + 1, dtype=first.dtype, device=first.device)
        return first.cumsum(0) / counted[:, None]


@torch.no_grad()
def lyapunov_exponents(
    trace: Trace,
    *,
    steps: slice = slice(None),
    sequences: slice = slice(None),
    count: int | None = None,
    warmup: int | None = None,
    dtype: torch.dtype = torch.float64,
) -> Exponents:
    """Exponents along the states that a probed layer passed through: driven by its input.

    >>> with rnncore.probe(model) as probe:
    ...     model(x)
    >>> found = lyapunov_exponents(probe["lstm"].layers[0].forward)
    >>> found.exponents[0], found.running[:, 0]  # λ_1, and how the estimate settled on it

    Args:
        trace: one direction of one layer; of a reverse direction the steps are taken as it reads.
        steps: which steps of the sequence.
        sequences: which sequences of the batch.
        count: how many of the largest exponents, by a QR of (S, count); None for all S up to ``MOST_STATE``, else
            ``TOP``.
        warmup: steps not counted at the start; None for a quarter.
        dtype: what to compute in.

    Raises:
        DynamicsError: fewer than 2 steps are left to count, or a state is NaN or infinite.
    """
    forward, weights = opened(trace, dtype)
    part, lengths = part_of(forward, steps, sequences), trace.lengths
    if lengths is not None:
        span = range(len(forward.hidden))[steps]
        lengths = (lengths[sequences] - span.start).clamp(0, len(span))
    return _along(trace.cell_type, part, weights, count, warmup, lengths)


@torch.no_grad()
def autonomous_lyapunov(
    source: Trace | nn.Module,
    *,
    layer: int = 0,
    reverse: bool = False,
    sequences: slice = slice(None),
    steps: int = STEPS,
    start: Tensor | tuple[Tensor, Tensor] | None = None,
    count: int | None = None,
    warmup: int | None = None,
    dtype: torch.dtype = torch.float64,
) -> Exponents:
    """Exponents of a layer left to itself: its input is zero at all steps, its biases stay.

    Args:
        source: a trace, which goes on from where its sequences ended; or a torch layer.
        layer: of a torch layer that has several, which.
        reverse: of a torch layer that reads in both directions, whether the reverse one.
        sequences: of a trace, which of its sequences go on.
        steps: how long it runs.
        start: h, or (h, c) for a cell that carries more, (B, H or M), to start from in place of the trace's end; for a
            layer None draws one h from U(-½, ½), always the same, with c = h.
        count: see ``lyapunov_exponents``.
        warmup: see ``lyapunov_exponents``.
        dtype: what to compute in.

    Raises:
        DynamicsError: fewer than 2 steps are left to count, or the state grows beyond all numbers.
    """
    cell, weights, begin = _trace_end(source) if isinstance(source, Trace) else _parts(source, layer, reverse)
    begin = tuple(one[sequences] for one in begin) if isinstance(source, Trace) else begin
    if start is not None:
        begin = start if isinstance(start, tuple) else (start,)
    forward, free = _free_run(cell, weights, tuple(one.to(weights.ih.device, dtype) for one in begin), steps)
    return _along(cell, forward, free, count, warmup, None)


def exponents_of(
    jacobians: Iterable[Factor], *, count: int | None = None, warmup: int = 0, steps: int | None = None
) -> Exponents:
    """Exponents of any sequence of Jacobians.

    Args:
        jacobians: (B, S, S) for each step, or what stands for it in a product with (B, S, count).
        count: see ``lyapunov_exponents``.
        warmup: steps not counted at the start.
        steps: take no more than so many.

    Raises:
        DynamicsError: fewer than 2 steps are left to count.
    """
    basis, logs, size = None, [], 0
    for step, jacobian in enumerate(jacobians):
        if step == steps:
            break
        if basis is None:
            size = jacobian.shape[-1]
            basis = _orthonormal(size, _count(count, size), jacobian)
        basis, upper = torch.linalg.qr(jacobian @ basis)
        stretch = upper.diagonal(dim1=-2, dim2=-1).abs()
        least = ROUNDING * size**0.5 * torch.finfo(stretch.dtype).eps * stretch.amax(-1, keepdim=True)
        logs.append(stretch.where(stretch > least, 0.0).log())
    _check_steps(len(logs), warmup)
    return Exponents(torch.stack(logs), warmup, size)


def _along(
    cell: Cell, forward: Forward, weights: Weights, count: int | None, warmup: int | None, lengths: Tensor | None
) -> Exponents:
    steps = len(forward.hidden)
    warmup = steps // 4 if warmup is None else warmup
    _check_steps(steps if lengths is None else int(lengths.min()), warmup)
    columns = _count(count, cell.state_size(forward.hidden.shape[-1]))
    found = exponents_of(one_by_one(cell, forward, weights, columns), count=columns, warmup=warmup)
    if lengths is None:
        return found
    valid = torch.arange(steps)[:, None] < lengths.cpu()
    growth = found.growth.masked_fill(~valid.to(found.growth.device)[..., None], float("nan"))
    return Exponents(growth, warmup, found.state_size)


def _count(count: int | None, size: int) -> int:
    if count is None:
        return size if size <= MOST_STATE else TOP
    if not 1 <= count <= size:
        raise DynamicsError(f"count must be 1 to {size}, the size of the state, got {count}; use None for the default")
    return count


def _check_steps(steps: int, warmup: int) -> None:
    if steps - warmup < 2 or warmup < 0:
        raise DynamicsError(
            f"a Lyapunov exponent needs at least 2 counted steps, got {steps} steps of which the first {warmup} do not "
            "count; use longer sequences or a smaller warmup"
        )


def _orthonormal(size: int, count: int, like: Factor) -> Tensor:
    """Columns that no structure of the Jacobians favours, always the same, from a generator of their own."""
    drawn = torch.randn(size, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.linalg.qr(drawn)[0].to(like.device, like.dtype).expand(like.shape[0], -1, -1)


def _trace_end(trace: Trace) -> tuple[Cell, Weights, tuple[Tensor, ...]]:
    """A trace's cell, weights and the state after each sequence's last step."""
    forward, weights = opened(trace)
    states = [forward.hidden] if forward.cell is None else [forward.hidden, forward.cell]
    if trace.lengths is None:
        return trace.cell_type, weights, tuple(state[-1] for state in states)
    last = trace.lengths.to(forward.hidden.device) - 1
    every = torch.arange(len(last), device=last.device)
    return trace.cell_type, weights, tuple(state[last, every] for state in states)


def _parts(module: Any, layer: int, reverse: bool) -> tuple[Cell, Weights, tuple[Tensor, ...]]:
    """A recurrent layer's cell, weights, and a state to start from."""
    suffix = f"_l{layer}" + ("_reverse" if reverse else "")
    if not hasattr(module, f"weight_ih{suffix}"):
        directions = "both directions" if getattr(module, "bidirectional", False) else "one direction"
        raise DynamicsError(
            f"layer {layer}{' in reverse' if reverse else ''} must be one of the module's, got a "
            f"{type(module).__name__} with {getattr(module, 'num_layers', 0)} layers and {directions}"
        )
    cell, size = cell_of(module), int(module.hidden_size)
    need_recurrence(cell)
    if cell.name in OWN_CELLS and hasattr(module, "weights"):
        weights = module.weights(suffix).each(lambda one: one.detach())
    else:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        found = [getattr(module, name + suffix, None) for name in names]
        weights = Weights(*(None if one is None else one.detach() for one in found))  # type: ignore[arg-type]
    drawn = torch.rand(1, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5
    memory = cell.memory(size)
    return cell, weights, (drawn, drawn.repeat(1, -(-memory // size))[:, :memory]) if memory else (drawn,)


def _free_run(cell: Cell, weights: Weights, start: tuple[Tensor, ...], steps: int) -> tuple[Forward, Weights]:
    """A layer's run with zero input, replayed; and its weights in the type of the start."""
    h, dtype = start[0], start[0].dtype
    own = weights.each(lambda one: one.to(dtype))
    inputs = cell.equations.input_size(own) if isinstance(cell, OwnCell) else own.ih.shape[1]
    x = h.new_zeros(steps, len(h), inputs)
    y = _run(cell, own, x, start)
    lost = (~torch.isfinite(y)).flatten(1).any(1).nonzero()
    if len(lost):
        raise DynamicsError(
            f"left to itself with zero input the state grows beyond all numbers within {int(lost[0]) + 1} steps: the "
            "network explodes; lower the recurrent gain, or use a cell that is bounded"
        )
    return cell.replay.forward(x, y, h, start[1] if len(start) == 2 else None, own), own


def _run(cell: Cell, own: Weights, x: Tensor, start: tuple[Tensor, ...]) -> Tensor:
    """y (T, B, H): by the cell's equations, or by torch's own kernel."""
    if isinstance(cell, OwnCell):
        sizes = cell.equations.beside(start[0].shape[1])
        y: Tensor = cell.equations.run(x, start[0], apart(start[1], sizes) if sizes else (), own)[0]
        return y
    single: Any = cell.layer(x.shape[2], start[0].shape[1], bias=own.bias_ih is not None, device="meta", dtype=x.dtype)
    named = {"weight_ih_l0": own.ih, "weight_hh_l0": own.hh, "bias_ih_l0": own.bias_ih, "bias_hh_l0": own.bias_hh}
    for name, tensor in named.items():
        if tensor is not None:
            setattr(single, name, nn.Parameter(tensor, requires_grad=False))
    states = tuple(one.unsqueeze(0).contiguous() for one in start)
    found: Tensor = single(x, states if len(states) == 2 else states[0])[0]
    return found

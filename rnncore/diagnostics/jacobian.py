"""Step Jacobians J_t = ∂s_t/∂s_{t-1} of a probed layer, and their products over several steps.

A gradient goes back through time, and a perturbation forward, by products of step Jacobians:
∂s_t/∂s_{t-k} = J_t J_{t-1} ⋯ J_{t-k+1}. s is h, or (h, c) for an LSTM, and x_t is held fixed. Each cell's file has its
formula. What their size means (Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063, section 2): σ_max(W_hh)·γ < 1, with
γ = 1 the steepest slope of tanh (¼ for a logistic sigmoid), is sufficient for the gradient to vanish; σ_max > 1 is only
necessary for it to explode.

All arrays are in the direction's own order: for a reverse direction step 0 is the last of the text. Letters: T time,
B batch, S the state's size (H, or 2H for an LSTM).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from rnncore.cells import Cell, Forward, Weights
from rnncore.cells.stepwise import StepReplay
from rnncore.errors import RnncoreError
from rnncore.probe.trace import Trace

PIECE = 1 << 22
"""Numbers of Jacobians that are held at once where they are used one after the other: 32 MB in float64."""


class DynamicsError(RnncoreError, ValueError):
    """A trace or a layer whose dynamics cannot be computed: no recurrence, not finite, or too short."""


def need_recurrence(cell: Cell) -> None:
    """Raise DynamicsError for a layer that hands nothing on."""
    if not cell.recurrent:
        raise DynamicsError(
            f"a {cell.name} layer has no step Jacobian and no Lyapunov exponents: it hands nothing that it computed "
            "from one step to the next; its gradient at the inputs says how far it looks back"
        )


@torch.no_grad()
def step_jacobians(trace: Trace, steps: slice = slice(None), *, dtype: torch.dtype | None = None) -> Tensor:
    """J_t = ∂s_t/∂s_{t-1}, (T, B, S, S); row i is component i of s_t, column j of s_{t-1}.

    >>> with rnncore.probe(model) as probe:
    ...     model(x)
    >>> jacobians = step_jacobians(probe["lstm"].layers[0].forward)  # LSTM: (T, B, 2H, 2H), h first

    Steps beyond a sequence's length (PackedSequence) are zero.

    Args:
        trace: one direction of one layer, see ``rnncore.probe``.
        steps: which steps, in the direction's order; T·B·S·S numbers are made, so take a stretch where H is large.
        dtype: what to compute in; None for the trace's own.

    Raises:
        DynamicsError: a state or a gate is NaN or infinite.
    """
    forward, weights = opened(trace, dtype)
    found = trace.cell_type.replay.jacobian(part_of(forward, steps), weights)
    if trace.lengths is None:
        return found
    valid = torch.arange(len(forward.hidden))[steps, None] < trace.lengths.cpu()
    return found.masked_fill(~valid.to(found.device)[..., None, None], 0.0)


@torch.no_grad()
def direct_path(trace: Trace) -> Tensor:
    """The direct path c → c of an LSTM in one step, the diagonal of diag(f_t): (T, B, H), in the direction's order.

    Over several steps it is diag(Π f): how c would be carried if no gate depended on h. The whole ∂c_T/∂c_0, a block of
    the product of step Jacobians, also holds the ways through h and the gates.

    Raises:
        DynamicsError: the cell has no cell state, or a state or a gate is not finite.
    """
    names = [gate.name for gate in trace.cell_type.gates]
    if trace.cell is None or "forget" not in names:
        raise DynamicsError(
            f"the direct path needs a cell state and a forget gate, and {trace.cell_type.name} has not both; use "
            "step_jacobians for the whole"
        )
    forward, _ = opened(trace)
    return forward.gates[:, :, names.index("forget")]


def products(jacobians: Tensor, lag: int) -> Tensor:
    """J_t J_{t-1} ⋯ J_{t-lag+1} for each t that has so many steps before it: (T, ...) → (T - lag + 1, ...).

    Args:
        jacobians: (T, ..., S, S).
        lag: how many factors; 1 gives the Jacobians themselves.

    Raises:
        DynamicsError: there are fewer steps than factors.
    """
    steps = len(jacobians)
    if not 1 <= lag <= steps:
        raise DynamicsError(f"lag must be 1 to {steps}, the number of steps, got {lag}; use a longer sequence")
    found, have = jacobians, 1  # by doubling: P_{a+b}[t] = P_a[t] · P_b[t-a]
    power, width = jacobians, 1
    for digit in f"{lag - 1:b}"[::-1]:
        if digit == "1":
            found = found[width:] @ power[: len(found) - width]
            have += width
        if have < lag:
            power = power[width:] @ power[: len(power) - width]
            width *= 2
    return found


def spectral_radius(matrices: Tensor) -> Tensor:
    """ρ, the largest absolute eigenvalue: (..., S, S) → (...)."""
    return torch.linalg.eigvals(matrices).abs().amax(-1)


def singular_values(matrices: Tensor) -> Tensor:
    """σ, largest first, (..., S, S) → (..., S); what is below the rounding error of the largest is 0.

    The bound is that of a numerical rank: S · eps · σ_max. Products over many steps reach it soon.
    """
    found = torch.linalg.svdvals(matrices)
    least = matrices.shape[-1] * torch.finfo(found.dtype).eps * found[..., :1]
    return found.where(found > least, 0.0)


def opened(trace: Trace, dtype: torch.dtype | None = None) -> tuple[Forward, Weights]:
    """A trace's replayed forward pass and its weights, in a type of choice.

    Raises:
        DynamicsError: the layer has no recurrence, or a state or a gate is NaN or infinite.
    """
    need_recurrence(trace.cell_type)
    forward, weights = trace.replayed, trace.weights
    recurrent = () if weights.hh is None else (weights.hh,)
    values = [forward.hidden, forward.gates, *recurrent, *forward.saved.values()]
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise DynamicsError(
            f"the states of layer {trace.name!r} must be finite, got NaN or infinity; look at an earlier step, lower "
            "the learning rate, or clip the gradient"
        )
    if dtype is None or dtype == forward.hidden.dtype:
        return forward, weights
    return _each(forward, lambda value: value.to(dtype)), weights.each(lambda value: value.to(dtype))


def part_of(forward: Forward, steps: slice, sequences: slice = slice(None)) -> Forward:
    """Some steps and sequences of a replayed forward pass; views."""
    return _each(forward, lambda value: value[steps, sequences])


def _each(forward: Forward, change: Callable[[Tensor], Tensor]) -> Forward:
    return Forward(
        change(forward.hidden),
        None if forward.cell is None else change(forward.cell),
        change(forward.gates),
        None,
        {name: change(value) for name, value in forward.saved.items()},
    )


class Factor(Protocol):
    """What is known of J_t where only its products with columns count."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, S, S)."""

    @property
    def dtype(self) -> Any:
        """Of its numbers."""

    @property
    def device(self) -> Any:
        """Where it is."""

    def __matmul__(self, columns: Tensor) -> Tensor:
        """(B, S, K) → (B, S, K)."""


@dataclass(frozen=True)
class Pushed:
    """A J_t that is never made: from equations alone it takes S backward passes, and its product with columns two."""

    replay: StepReplay
    forward: Forward
    weights: Weights
    shape: tuple[int, ...]

    @property
    def dtype(self) -> torch.dtype:
        """Of its numbers."""
        return self.forward.hidden.dtype

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.forward.hidden.device

    def __matmul__(self, columns: Tensor) -> Tensor:
        return self.replay.push(self.forward, self.weights, columns)


def one_by_one(cell: Cell, forward: Forward, weights: Weights, columns: int | None = None) -> Iterator[Factor]:
    """J_0, J_1, ..., each (B, S, S), made a piece at a time so that few are held at once.

    Args:
        cell: of the layer.
        forward: its replay.
        weights: its weights.
        columns: they are only multiplied with so many; None where each is needed whole.
    """
    steps, batch, size = forward.hidden.shape
    state = cell.state_size(size)
    if columns is not None and columns < state and isinstance(cell.replay, StepReplay):
        for t in range(steps):
            yield Pushed(cell.replay, part_of(forward, slice(t, t + 1)), weights, (batch, state, state))
        return
    width = max(1, PIECE // (batch * state * state))
    for start in range(0, steps, width):
        yield from cell.replay.jacobian(part_of(forward, slice(start, start + width)), weights)

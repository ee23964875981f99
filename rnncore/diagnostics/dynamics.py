"""Records of a layer's dynamics, from traces; and the measure that takes them from a run that trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rnncore.cells import CELLS
from rnncore.diagnostics.jacobian import (
    DynamicsError,
    direct_path,
    opened,
    part_of,
    singular_values,
    spectral_radius,
)
from rnncore.diagnostics.lyapunov import Exponents, autonomous_lyapunov, lyapunov_exponents
from rnncore.probe import probe
from rnncore.probe.trace import Trace
from rnncore.records import Array, LyapunovSpectrum, Record, StepJacobian
from rnncore.training.measuring import AfterStep, is_power_of_two

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

LAGS = (1, 2, 4, 8, 16, 32)
MOST_STATE = 512
"""Largest state whose eigenvalues and singular values are all computed: their time grows with its cube."""
MOST_POINTS = 16
POINT_WORK = 90_000_000
"""State cubed, times steps, times layers, that a turn of the measure takes apart: some 80 ms on one core."""
TOO_LARGE = (
    "the state has {:,} components: its eigenvalues and singular values are not computed above "
    f"{MOST_STATE} while a run trains, because they take seconds; its Lyapunov exponents are"
)


@torch.no_grad()
def step_jacobian(
    traces: Sequence[Trace],
    *,
    step: int = 0,
    sequence: int = 0,
    text: Sequence[str] = (),
    points: int = MOST_POINTS,
    lags: Sequence[int] = LAGS,
    most_state: int = MOST_STATE,
) -> StepJacobian:
    """Spectra of the step Jacobians of one sequence, and of their products up to its last step.

    Args:
        traces: one per layer (and direction), of one cell type and size; see ``rnncore.probe``.
        step: completed training steps.
        sequence: which of the B sequences.
        text: what was read, a string per step.
        points: at how many steps, spread evenly from the first to the last.
        lags: of the products, 1 always; those that the sequence is too short for are left out.
        most_state: refuse a larger state.

    Raises:
        DynamicsError: the state is larger than that, or not finite.
    """
    first = traces[0]
    size = state_size(first)
    if size > most_state:
        raise DynamicsError(
            f"the state has {size:,} components, and all eigenvalues and singular values are computed up to "
            f"{most_state:,}; use a smaller hidden_size, or raise most_state and wait"
        )
    length = len(first.hidden) if first.lengths is None else int(first.lengths[sequence])
    at = np.unique(np.linspace(0, length - 1, min(points, length)).round().astype(np.int64))
    lags = tuple(sorted({1, *(lag for lag in lags if 1 <= lag <= length)}))
    spectra = [_spectra(trace, sequence, at, length, lags) for trace in traces]
    fields: dict[str, Any] = {name: np.stack([one[name] for one in spectra]) for name in spectra[0]}
    fields |= _direct(traces, sequence, at, lags)
    return StepJacobian(step=step, cell=first.cell_type.name, text=tuple(text), steps=at, lags=lags, **fields)


def state_size(trace: Trace) -> int:
    """S: H, or 2H where there is a cell state."""
    return trace.cell_type.state_size(trace.replayed.hidden.shape[-1])


def _spectra(trace: Trace, sequence: int, at: Array, length: int, lags: Sequence[int]) -> dict[str, Array]:
    """Of one layer, for the fields of ``StepJacobian``.

    In float64, because the singular values of products span many decades; the eigenvalues in the trace's own type,
    which is as exact as its states are.
    """
    forward, weights = opened(trace, torch.float64)
    own, only = trace.replayed.hidden.dtype, slice(sequence, sequence + 1)

    def jacobian(t: int) -> Tensor:
        return trace.cell_type.replay.jacobian(part_of(forward, slice(t, t + 1), only), weights)[0, 0].cpu()

    steps = torch.stack([jacobian(int(t)) for t in at])  # the last step is one of them
    eigenvalues, spread = torch.linalg.eigvals(steps.to(own)), singular_values(steps)
    singular, radius = [spread[-1]], [float(eigenvalues[-1].abs().max())]  # lag 1
    product = steps[-1]
    for lag in range(2, max(lags) + 1):
        product = product @ jacobian(length - lag)
        if lag in lags:
            singular.append(singular_values(product))
            scale = singular[-1][0].clamp(min=1e-300)  # so that the trace's own type can hold it
            radius.append(float(spectral_radius((product / scale).to(own)) * scale))
    plain = not trace.cell_type.gates and weights.hh is not None  # h_t = φ(W_hh h_{t-1} + ...)
    return {
        "eigenvalues": _float32(torch.view_as_real(eigenvalues)),
        "singular": _float32(spread),
        "product_singular": torch.stack(singular).numpy(),
        "product_radius": np.array(radius),
        "weight_bound": np.array(float(torch.linalg.matrix_norm(weights.hh, 2)) if plain else math.nan),
    }


def _direct(traces: Sequence[Trace], sequence: int, at: Array, lags: Sequence[int]) -> dict[str, Array]:
    """The direct path c → c of each layer, at the steps and over the lags."""
    first = traces[0].cell_type
    if not first.has_cell_state or "forget" not in [gate.name for gate in first.gates]:
        return {"direct": np.zeros((0, len(at), 0)), "product_direct": np.zeros((0, len(lags), 0))}
    end = int(at[-1]) + 1
    forget = [direct_path(trace)[:end, sequence].double().cpu() for trace in traces]
    return {
        "direct": np.stack([_float32(one[at]) for one in forget]),
        "product_direct": np.stack([[one[end - lag :].prod(0).numpy() for lag in lags] for one in forget]),
    }


def lyapunov_spectrum(
    traces: Sequence[Trace],
    *,
    step: int = 0,
    steps: int,
    warmup: int,
    count: int,
    sequences: slice = slice(None),
    dtype: torch.dtype = torch.float64,
) -> LyapunovSpectrum:
    """Lyapunov exponents of each layer, driven by what it read and left to itself from there on.

    Args:
        traces: one per layer (and direction), of one cell type and size.
        step: completed training steps.
        steps: of the driven run at most, the first ones, and of the autonomous run.
        warmup: steps that do not count at the start of either; of a short sequence a quarter.
        count: how many of the largest exponents.
        sequences: which of the B; the exponents are the mean over them.
        dtype: what to compute in.
    """
    first, length = traces[0], min(len(traces[0].hidden), steps)
    size = state_size(first)
    count = min(count, size)

    def driven(trace: Trace) -> Exponents:
        return lyapunov_exponents(
            trace,
            steps=slice(0, length),
            sequences=sequences,
            count=count,
            warmup=min(warmup, length // 4),
            dtype=dtype,
        )

    def autonomous(trace: Trace) -> Exponents:
        return autonomous_lyapunov(
            trace, sequences=sequences, steps=steps, count=count, warmup=min(warmup, steps // 4), dtype=dtype
        )

    return LyapunovSpectrum(
        step=step, cell=first.cell_type.name, state_size=size,
        **_kind("driven", traces, driven, count) | _kind("autonomous", traces, autonomous, count),
    )  # fmt: skip


def _kind(name: str, traces: Sequence[Trace], measure: Callable[[Trace], Exponents], count: int) -> dict[str, Any]:
    """The fields of ``LyapunovSpectrum`` of one kind; a layer that cannot be measured has nan and a note."""
    found: list[Exponents | None] = []
    notes = []
    for trace in traces:
        try:
            found.append(measure(trace))
            notes.append("")
        except DynamicsError as error:
            found.append(None)
            notes.append(str(error))
    warmup, counted = next(((one.warmup, len(one.running)) for one in found if one is not None), (0, 0))
    nothing = torch.full((count,), math.nan), torch.full((counted, 1), math.nan)
    rows = [nothing if one is None else (one.exponents, one.running) for one in found]
    return {
        name: np.stack([_float32(exponents) for exponents, _ in rows]),
        f"{name}_running": np.stack([_float32(running.nanmean(1)) for _, running in rows]),
        f"{name}_warmup": warmup,
        f"{name}_notes": tuple(notes),
    }


def _float32(values: Tensor) -> Array:
    return values.float().cpu().numpy()


def dynamics(traces: Sequence[Trace], *, step: int = 0, text: Sequence[str] = ()) -> list[Record]:
    """Both records of the first sequence, at a cost that is bounded whatever the size; what is left out they say.

    Args:
        traces: one per layer (and direction), of one cell type and size.
        step: completed training steps.
        text: what the sequence read, a string per step.
    """
    size = state_size(traces[0])
    effort = Effort.of(size, len(traces))
    try:
        if size > MOST_STATE:
            raise DynamicsError(TOO_LARGE.format(size))
        spectra = step_jacobian(traces, step=step, text=text, points=effort.points, lags=effort.lags)
    except DynamicsError as error:
        spectra = unmeasured(traces, step, str(error))
    growth = lyapunov_spectrum(
        traces, step=step, steps=effort.steps, warmup=effort.steps // 4, count=effort.exponents,
        sequences=slice(0, 1), dtype=torch.float64 if size <= MOST_STATE else torch.float32,
    )  # fmt: skip
    return [spectra, growth]


class DynamicsMeasure(AfterStep):
    """Reads the same stretch of the validation data each time, from a fresh state, and looks at every layer's dynamics.

    The same text, so that what changes from one record to the next is the network. Its cost is bounded: a larger state
    is looked at in fewer steps, by fewer exponents, and beyond ``MOST_STATE`` by exponents alone.
    """

    name, share, patience = "dynamics", 0.04, 3.0

    def forced(self, step: int) -> bool:
        """Log-spaced steps, where the budget affords them."""
        return is_power_of_two(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """Step Jacobians and Lyapunov exponents."""
        cell, layers = CELLS[trainer.config.model.cell], trainer.model.layers
        size: Any = layers[0].hidden_size  # of a ConvLSTM all numbers of its maps
        effort = Effort.of(cell.state_size(size), len(layers))
        inputs = trainer.task.stretch(effort.steps)
        return dynamics(self._read(trainer, inputs), step=trainer.step, text=trainer.task.labels(inputs))

    @staticmethod
    @torch.no_grad()
    def _read(trainer: Trainer, inputs: Tensor) -> list[Trace]:
        """One trace per layer of one sequence, without dropout."""
        model, training = trainer.model, trainer.model.training
        model.eval()
        with probe(model) as found:
            model(inputs.unsqueeze(1).to(trainer.device))
        model.train(training)
        return [found[f"layers.{index}"].layers[0].forward for index in range(trainer.config.model.num_layers)]


@dataclass(frozen=True)
class Effort:
    """How much is looked at, so that a turn of the measure stays short.

    Attributes:
        steps: characters read, and steps of the autonomous run; a quarter of them does not count.
        points: steps whose Jacobian is taken apart.
        lags: of the products.
        exponents: how many of the largest.
    """

    steps: int
    points: int
    lags: tuple[int, ...]
    exponents: int

    @classmethod
    def of(cls, state: int, layers: int) -> Effort:
        """For a state of this size in so many layers."""
        points = min(MOST_POINTS, max(2, POINT_WORK // (state**3 * layers)))
        return cls(
            steps=128 if state <= 128 else 96 if state <= 1024 else 48,
            points=points,
            lags=LAGS if state <= 256 else LAGS[::3],
            exponents=state if state <= 64 else 16 if state <= 512 else 8,
        )


def unmeasured(traces: Sequence[Trace], step: int, note: str) -> StepJacobian:
    """A record that says why there is none."""
    layers = len(traces)
    none = np.zeros((layers, 0, 0))
    return StepJacobian(
        step=step, cell=traces[0].cell_type.name, text=(), steps=np.zeros(0, np.int64), lags=(),
        eigenvalues=np.zeros((layers, 0, 0, 2)), singular=none, product_singular=none,
        product_radius=np.zeros((layers, 0)), direct=none, product_direct=none,
        weight_bound=np.full(layers, np.nan), note=note,
    )  # fmt: skip

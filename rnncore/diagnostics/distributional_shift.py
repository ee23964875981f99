"""Distributional shift: a network that is fed its own predictions leaves the points that it was trained on.

On a chaotic map this is certain, and its rate is known. A free-running prediction starts with the error of one step,
and the map itself makes more of any error, e^λ₁ times a step, until the prediction is as far from the truth as any
other point of the attractor. Teacher forcing never shows this: it corrects the error at every step.

The slope is the mean over starts of each start's own least-squares slope, which equals the slope of the mean curve;
starts are independent, so the standard error over them needs no bootstrap.

Shapes: W warm-up steps, K free-running steps, N ≥ 2 starts, D = 2 coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncore.lecture import henon
from rnncore.models.sequence import SequenceModel
from rnncore.records import Array, DistributionalShift, Record
from rnncore.tasks.henon import HenonTask
from rnncore.training.measuring import AfterStep, is_power_of_two

if TYPE_CHECKING:
    from rnncore.config import Model
    from rnncore.training.trainer import Trainer

WARMUP, HORIZON = 20, 40
FIRST = 4
"""Where the fit begins: at step k the errors of all steps so far, each grown since, are 1/(1 - e^(-λ₁k)) of the first
one's, a factor that no longer changes much."""
PASSED = 0.1
"""Share of the attractor's size at which a prediction has drifted off, and beyond which the fit ends."""
FEWEST_POINTS = 3
"""Of a fit."""
MOST_STARTS, FEWEST_STARTS = 512, 8
WORK = 512 * 64**2
"""Starts times units² times layers of one turn at most, some fifty milliseconds (30 with 32 units)."""
LEAST, MOST = 1e-7, 1e3
"""Errors are taken to lie between: float32 has no digits below, and a network that explodes no bounds above."""
SHOWN_STARTS, SHOWN_WARMUP, SHOWN_POINTS = 8, 10, 1000
REFERENCE_POINTS = 2000
"""True points that a point's distance to the attractor is measured to."""


class Fit(NamedTuple):
    """A line through mean ln errors at steps ``first`` to ``last``, counted from 1; nan where there are too few."""

    first: int
    last: int
    slope: float
    error: float


@torch.no_grad()
def rollout(model: SequenceModel, truth: Tensor, warmup: int) -> tuple[Tensor, Tensor]:
    """Predictions of the points after the warm-up, fed the truth at every step, and fed themselves: (K, N, D) each.

    Args:
        model: in evaluation mode.
        truth: (W+K, N, D).
        warmup: W, true points that either is fed first.
    """
    forced, _ = model(truth[:-1])
    outputs, state = model(truth[:warmup])
    free = [outputs[-1]]
    while len(free) < len(truth) - warmup:
        output, state = model.step(free[-1], state)
        free.append(output)
    return forced[warmup - 1 :], torch.stack(free)


def log_errors(predicted: Array, truth: Array) -> Array:
    """ln of the Euclidean distance, (K, N, D) → (K, N), between ln ``LEAST`` and ln ``MOST`` (nan counts as most)."""
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.linalg.norm(predicted.astype(np.float64) - truth, axis=-1)
    return np.log(np.clip(np.nan_to_num(distance, nan=MOST), LEAST, MOST))


def fit_growth(errors: Array, size: float) -> Fit:
    """The slope of the mean of ln errors (K, N), from step ``FIRST`` until the mean passes ``PASSED`` of ``size``."""
    beyond = np.flatnonzero(errors.mean(1) > math.log(PASSED * size))
    last = int(beyond[0]) if len(beyond) else len(errors)  # the step before, counted from 1
    if last - FIRST + 1 < FEWEST_POINTS:
        return Fit(FIRST, last, math.nan, math.nan)
    steps = np.arange(FIRST, last + 1) - (FIRST + last) / 2
    slopes = steps @ errors[FIRST - 1 : last] / (steps @ steps)  # each start's own, (N,)
    return Fit(FIRST, last, float(slopes.mean()), float(_standard_error(slopes)))


def _standard_error(values: Array) -> Array:
    """Of the mean over starts, (..., N) → (...)."""
    return np.asarray(values.std(-1, ddof=1) / math.sqrt(values.shape[-1]))


def drift_steps(errors: Array, size: float) -> Array:
    """At which step each start's ln error (K, N) first passes ``PASSED`` of ``size``, from 1; K + 1 where at none."""
    passed = errors > math.log(PASSED * size)
    return np.where(passed.any(0), passed.argmax(0) + 1, len(errors) + 1).astype(np.int16)


def attractor_size(truth: Array) -> float:
    """The geometric mean distance of two random points, from each trajectory (T, N, D) and the one beside it."""
    return math.exp(float(log_errors(truth, np.roll(truth, 1, axis=1)).mean()))


def share_off(points: Array, truth: Array, reference: Array) -> float:
    """Share of ``points`` (M, D) farther from their nearest ``reference`` point than 99 % of the ``truth``'s are."""
    return float((_nearest(points, reference) > np.quantile(_nearest(truth, reference), 0.99)).mean())


def _nearest(points: Array, reference: Array) -> Array:
    """Distance to the nearest reference point, (M, D) → (M,)."""
    squared = sum((points[:, None, d] - reference[None, :, d]) ** 2 for d in range(points.shape[1]))
    return np.sqrt(np.nan_to_num(np.asarray(squared), nan=np.inf).min(1))


def distributional_shift(
    model: SequenceModel, truth: Array, *, cell: str, step: int = 0, warmup: int = WARMUP
) -> DistributionalShift:
    """Let the model run freely beside true trajectories of the Hénon map.

    Args:
        model: in evaluation mode.
        truth: trajectories that it was not trained on, standardised, (W+K, N, 2).
        cell: its cell, for the colour.
        step: completed training steps.
        warmup: W.
    """
    device = model.readout.weight.device
    forced, free = (one.float().cpu().numpy() for one in rollout(model, torch.from_numpy(truth).to(device), warmup))
    return compared(free, forced, truth, cell=cell, step=step)


def compared(free: Array, forced: Array, truth: Array, *, cell: str, step: int = 0) -> DistributionalShift:
    """The record of predictions (K, N, 2), free-running and teacher-forced, of the last K of ``truth`` (W+K, N, 2)."""
    horizon, warmup = len(free), len(truth) - len(free)
    errors, size = log_errors(free, truth[warmup:]), attractor_size(truth)
    fit = fit_growth(errors, size)
    clouds = _clouds(free, truth[warmup:])
    return DistributionalShift(
        step=step,
        cell=cell,
        warmup=warmup,
        free=errors.mean(1).astype(np.float32),
        free_error=_standard_error(errors).astype(np.float32),
        forced=log_errors(forced, truth[warmup:]).mean(1).astype(np.float32),
        size=size,
        exponent=henon.EXPONENTS[0],
        first=fit.first,
        last=fit.last,
        slope=fit.slope,
        slope_error=fit.error,
        drift=drift_steps(errors, size),
        true_path=_raw(truth[-horizon - min(SHOWN_WARMUP, warmup) :, :SHOWN_STARTS]),
        free_path=_raw(free[:, :SHOWN_STARTS]),
        true_cloud=_raw(clouds[1]),
        free_cloud=_raw(clouds[0]),
        off=share_off(*clouds),
        note=_note(free, fit),
    )


def _clouds(free: Array, truth: Array) -> tuple[Array, Array, Array]:
    """Points of the second half of the steps, evenly thinned: free-running, true, and other true ones to measure to."""
    half = len(free) // 2
    late, true = free[half:].reshape(-1, 2), truth[half:].reshape(-1, 2)
    early = truth[:half].reshape(-1, 2)
    return _thinned(late, SHOWN_POINTS), _thinned(true, SHOWN_POINTS), _thinned(early, REFERENCE_POINTS)


def _thinned(points: Array, most: int) -> Array:
    return points[np.linspace(0, len(points) - 1, min(most, len(points))).astype(int)]


def _raw(points: Array) -> Array:
    return henon.raw(np.clip(np.nan_to_num(points, nan=MOST), -MOST, MOST)).astype(np.float32)


def _note(free: Array, fit: Fit) -> str:
    lost = np.flatnonzero(~np.isfinite(free).all((1, 2)))
    if len(lost):
        return f"free-running, the network's predictions are no longer finite after {int(lost[0]) + 1} steps"
    if math.isnan(fit.slope):
        return (
            f"the mean error passes a tenth of the attractor's size at step {fit.last + 1}, and a slope needs "
            f"{FIRST + FEWEST_POINTS - 1} steps before that: one step must be predicted better"
        )
    return ""


def starts_of(model: Model) -> int:
    """From how many starts a network of this size is measured, so that a turn stays short."""
    return min(MOST_STARTS, max(FEWEST_STARTS, WORK // (model.hidden_size**2 * model.num_layers)))


class DistributionalShiftMeasure(AfterStep):
    """Runs freely from the same held-out starts each time: what changes from one record to the next is the network."""

    name, share = "distributional_shift", 0.4

    def forced(self, step: int) -> bool:
        """Log-spaced steps from the first on, where the budget affords them."""
        return is_power_of_two(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """One record."""
        model, task = trainer.model, trainer.task
        assert isinstance(task, HenonTask)  # see live_measures
        truth = task.held_out(WARMUP + HORIZON, starts_of(trainer.config.model))
        training = model.training
        model.eval()
        found = distributional_shift(model, truth, cell=trainer.config.model.cell, step=trainer.step)
        model.train(training)
        return [found]

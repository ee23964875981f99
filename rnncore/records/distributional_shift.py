"""How a network that is fed its own predictions drifts away from the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd

SIGMAS = 1.96
"""Standard errors on each side of a mean: a 95 % interval, over many starts."""


@dataclass(frozen=True, kw_only=True)
class DistributionalShift(Record):
    """Free-running predictions of a chaotic map, step by step beside the truth, from N starts.

    After ``warmup`` true points the network is fed its own predictions, K of them. An error is the distance to the true
    point, in standard deviations of each coordinate; its mean over starts is taken of ln, so it grows on a line whose
    slope, for small errors, is the map's Lyapunov exponent. ``forced`` is the error of predicting the same points with
    the truth fed at every step. ``size`` is the geometric mean distance of two random points of the attractor: where
    errors end.

    The slope is fitted to ``free`` at steps ``first`` to ``last``: before, the error of each step still adds to what
    the map makes of the one before; afterwards the mean passes a tenth of ``size`` and the attractor bounds it. It is
    nan, and ``note`` says why, where fewer than three steps are left. Its standard error and ``drift``'s are over
    starts of this one network: another seed, or some more training, may differ by more.
    """

    kind: ClassVar[str] = "distributional_shift"

    cell: str
    warmup: int
    free: Array  # (K,) mean ln error after 1, 2, ... K steps
    free_error: Array  # (K,) its standard error
    forced: Array  # (K,)
    size: float
    exponent: float  # the map's own λ₁, nats per step
    first: int
    last: int
    slope: float  # nats per step
    slope_error: float
    drift: Array  # (N,) at which step the error first passes a tenth of ``size``; K + 1 where at none
    true_path: Array  # (W+K, P, 2) x and y of P starts, the last W steps of the warm-up first
    free_path: Array  # (K, P, 2)
    true_cloud: Array  # (M, 2) points of true trajectories
    free_cloud: Array  # (M, 2) points of free-running ones, of the second half of the steps
    off: float  # share of free-running points farther from the attractor than 99 % of true ones: .01 for the truth
    note: str = ""

    @property
    def steps(self) -> Array:
        """1 ... K."""
        return np.arange(1, len(self.free) + 1)

    @property
    def starts(self) -> int:
        """N."""
        return len(self.drift)

    @property
    def slope_interval(self) -> float:
        """Half of the slope's 95 % interval, nats per step."""
        return SIGMAS * self.slope_error

    @property
    def drift_mean(self) -> float:
        """Mean over starts of the steps until the error passes a tenth of the attractor's size."""
        return float(self.drift.mean())

    @property
    def drift_interval(self) -> float:
        """Half of its 95 % interval."""
        return _half(self.drift)

    @property
    def never(self) -> int:
        """Starts whose error stays below a tenth of the attractor's size: ``drift_mean`` is then too small."""
        return int((self.drift > len(self.free)).sum())

    def later_than(self, other: DistributionalShift) -> tuple[float, float] | None:
        """By how many steps this one drifts off later than another, start by start, and half of the 95 % interval.

        None where the two were not measured from the same starts over the same steps.
        """
        if self.drift.shape != other.drift.shape or self.free.shape != other.free.shape:
            return None
        gained = self.drift - other.drift
        return float(gained.mean()), _half(gained)

    def frame(self) -> pd.DataFrame:
        """One row per free-running step."""
        import pandas as pd

        return pd.DataFrame(
            {
                "training_step": self.step,
                "step": self.steps,
                "ln_error_free_running": self.free,
                "standard_error": self.free_error,
                "ln_error_teacher_forced": self.forced,
                "starts_drifted_off": [(self.drift <= step).mean() for step in self.steps],
            }
        )


def _half(values: Array) -> float:
    """Half of the 95 % interval of a mean over starts, (N,)."""
    return SIGMAS * float(values.std(ddof=1)) / math.sqrt(len(values))

"""The mean over seeds and how sure it is: bootstrap intervals."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rnncore.records import Array

CONFIDENCE = 0.95
RESAMPLES = 4000
_EXACT = 5
"""Up to so many seeds all resamples are counted, n to the power n of them; beyond, some are drawn."""


class Interval(NamedTuple):
    """A mean and its interval; both ends are nan with fewer than two values."""

    mean: float
    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether a value may be in both."""
        return self.low <= other.high and other.low <= self.high


def mean_interval(values: Array) -> Interval:
    """Mean of (S,) values and its 95 % percentile bootstrap interval (Efron 1979, Annals of Statistics 7:1).

    With three values this is from the least to the greatest: there is no more to be known from three.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    low, high = band(values[:, None])
    return Interval(float(values.mean()), float(low[0]), float(high[0]))


def band(values: Array) -> tuple[Array, Array]:
    """The interval at each of P points, (S, P) → (P,) and (P,); nan with fewer than two seeds."""
    seeds, points = values.shape
    if seeds < 2:
        nothing = np.full(points, np.nan)
        return nothing, nothing
    means = _weights(seeds) @ values
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return low, high


@lru_cache(maxsize=8)
def _weights(seeds: int) -> Array:
    """(R, S): how much of each seed is in each resample's mean."""
    if seeds <= _EXACT:
        drawn = np.indices((seeds,) * seeds).reshape(seeds, -1).T
    else:
        drawn = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
    counts = (drawn[:, :, None] == np.arange(seeds)).sum(axis=1)
    return np.asarray(counts / seeds)

"""Learning curves over seeds: their mean at each point, and its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnncore.comparison.statistics import band
from rnncore.records import Array

MOST_POINTS = 200


class SeedCurve(NamedTuple):
    """One seed's measure: where on the axis (N,), what it was (N,), and whether its training is done."""

    x: Array
    y: Array
    over: bool


class MeanCurve(NamedTuple):
    """Mean over the seeds that have got so far, (P,) each; ``low`` and ``high`` are nan where fewer than two have."""

    x: Array
    mean: Array
    low: Array
    high: Array
    seeds: Array


def mean_curve(curves: Sequence[SeedCurve]) -> MeanCurve:
    """The mean at common points, between which each seed's curve is straight.

    A seed counts from its first measurement to its last; one that is done keeps its last value, so that on an axis of
    seconds a quick seed is not dropped before a slow one.
    """
    curves = [curve for curve in curves if len(curve.x)]
    if not curves:
        return MeanCurve(*(np.empty(0) for _ in MeanCurve._fields))
    every = np.unique(np.concatenate([curve.x for curve in curves]).astype(np.float64))
    if len(every) > MOST_POINTS:
        every = every[np.unique(np.linspace(0, len(every) - 1, MOST_POINTS).round().astype(int))]
    rows = np.stack([
        np.interp(every, curve.x, curve.y, left=np.nan, right=curve.y[-1] if curve.over else np.nan)
        for curve in curves
    ])  # fmt: skip
    there = np.isfinite(rows)
    known = there.any(axis=0)
    every, rows, there = every[known], rows[:, known], there[:, known]
    count = there.sum(axis=0)
    mean = np.where(there, rows, 0.0).sum(axis=0) / count
    low, high = np.full(len(every), np.nan), np.full(len(every), np.nan)
    for pattern in np.unique(there, axis=1).T:  # points that the same seeds have reached
        points = (there == pattern[:, None]).all(axis=0)
        low[points], high[points] = band(rows[np.ix_(pattern, points)])
    return MeanCurve(every, mean, low, high, count)

"""Sizes over many decades: log axes and colour scales that do not follow the data inwards."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashboard.figures.base import Look, Sketch
from rnncore.records import Array

RANGE = (-8, 2)
"""Decades shown. The axis never follows the data inwards: a rescaled curve would fake a vanishing gradient."""
_BLOCK = 4  # decades by which the axis grows where values lie beyond


def decades(highest: float) -> list[float]:
    """The range of a log axis: ``RANGE``, grown upwards in whole blocks where a value lies beyond."""
    beyond = math.log10(highest) - RANGE[1] if highest > 0 else 0.0
    return [RANGE[0], min(RANGE[1] + _BLOCK * math.ceil(max(beyond, 0) / _BLOCK), 38)]


def positive(values: Array) -> Array:
    """Zero and non-finite values have no place on a log axis: they leave a gap."""
    values = np.asarray(values, np.float32)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan).astype(np.float32)


def mode_of(values: Array) -> str:
    """How to draw a line: with markers, where a line would leave out points that have no neighbour."""
    there = np.isfinite(values)
    beside = np.zeros_like(there)
    beside[1:] |= there[:-1]
    beside[:-1] |= there[1:]
    if len(values) == 1:
        return "markers"
    return "lines+markers" if bool((there & ~beside).any()) else "lines"


def logarithms(values: Array, low: float) -> Array:
    """log₁₀, what is below the scale at its lower end; zero and what is not finite is nan, and left blank."""
    there = np.isfinite(values) & (values > 0)
    return np.where(there, np.maximum(np.log10(np.where(there, values, 1)), low), np.nan).astype(np.float32)


def log_axis(title: str, span: list[float]) -> dict[str, Any]:
    """A log axis of fixed range, marked every second decade, or in fewer places where it is long."""
    return {
        "title": {"text": title},
        "type": "log",
        "range": span,
        "exponentformat": "power",
        "dtick": max(2, round((span[1] - span[0]) / 7)),
        "tickfont": {"size": 9},  # plotly.js enlarges powers by a quarter
    }


def marks(lowest: float, highest: float) -> dict[str, Any]:
    """Where a log axis is marked: at 1, 2 and 5 of each decade; where there are many, at powers of ten."""
    if highest < 300 * lowest or highest == 0:
        return {"dtick": "D2", "tickformat": ".1~g"}
    every = math.ceil(math.log10(highest / lowest) / 7)
    return {"dtick": every, "exponentformat": "power", "tickfont": {"size": 9}}  # plotly.js enlarges powers


def log_marks(fig: Sketch, *levels: float, along: str = "y") -> dict[str, Any]:
    """A log axis for all that is drawn so far, and for levels, marked as ``marks`` says."""
    values = np.concatenate([np.asarray(levels, float), *(np.asarray(trace[along], float) for trace in fig.data)])
    there = values[np.isfinite(values) & (values > 0)]
    return {"type": "log"} | (marks(float(there.min()), float(there.max())) if len(there) else {"dtick": 1})


def colour_bar(low: float, high: float, title: str, look: Look) -> dict[str, Any]:
    """The scale of a heatmap of logarithms, marked in powers of ten."""
    every = max(1, round((high - low) / 5))
    marks = list(range(int(low), int(high) + 1, every))
    return {
        "title": {"text": title, "side": "right", "font": {"size": 11, "color": look.palette.quiet}},
        "tickvals": marks,
        "ticktext": [f"10<sup>{mark}</sup>".replace("-", "−") for mark in marks],
        "tickfont": {"size": 10, "color": look.palette.quiet},
        "thickness": 10,
        "outlinewidth": 0,
        "ypad": 0,
    }

"""Drift and growth of the error over training: what comes of more training, and how much it moves by itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain
from dashboard.figures.distributional_shift import WAIT
from dashboard.theme import with_alpha
from rnncore.records import DistributionalShift

SLOPES = (0.2, 0.7)
"""Nats per step; the axis never follows the data inwards."""

Histories = list[tuple[Line, list[DistributionalShift]]]
Value = Callable[[DistributionalShift], float]


@Drawn
def drift_over_training(histories: Histories, look: Look = LIGHT, *, at: int | None = None) -> Sketch:
    """Mean steps until a prediction has drifted off, with its interval, against the training step.

    Args:
        histories: of each run, oldest first.
        at: the training step in view.
    """
    histories = [(line, records) for line, records in histories if records]
    if not histories:
        return empty(look, WAIT)
    fig = figure(look, _said(histories, lambda one: one.drift_mean, ".1f", "steps"))
    for line, records in histories:
        _draw(fig, line, records, lambda one: one.drift_mean, lambda one: one.drift_interval, look, "%{y:.1f} steps")
    _finish(fig, look, at, "steps until a tenth of the attractor's size", len(histories))
    fig.layout["yaxis"]["rangemode"] = "tozero"
    return fig


@Drawn
def slope_over_training(histories: Histories, look: Look = LIGHT, *, at: int | None = None) -> Sketch:
    """The fitted slope with its interval against the training step, and the map's own exponent.

    Args:
        histories: of each run, oldest first.
        at: the training step in view.
    """
    fitted = [(line, [one for one in records if not math.isnan(one.slope)]) for line, records in histories]
    fitted = [(line, records) for line, records in fitted if records]
    if not fitted:
        notes = [records[-1].note for _, records in histories if records]
        return empty(look, "No slope yet: " + plain(notes[0]).replace(", and", ",<br>and") if notes else WAIT)
    own = fitted[0][1][-1].exponent
    fig = figure(look, f"{_said(fitted, lambda one: one.slope, '.3f', 'nats per step')}; the map itself {own:.3f}")
    for line, records in fitted:
        _draw(fig, line, records, lambda one: one.slope, lambda one: one.slope_interval, look, "%{y:.3f} nats per step")
    fig.add_shape(type="line", x0=0, x1=1, xref="x domain", y0=own, y1=own, yref="y",
                  line={"color": look.palette.ink, "width": 1.8, "dash": "dash"})  # fmt: skip
    fig.add_annotation(text=f"λ₁ = {own:.3f}", xref="x domain", x=0.01, xanchor="left", y=own, yanchor="top",
                       showarrow=False, font={"size": 10, "color": look.palette.quiet})  # fmt: skip
    _finish(fig, look, at, "fitted slope, nats per step", len(fitted))
    values = finite(np.array([one.slope for _, records in fitted for one in records]))
    fig.layout["yaxis"]["range"] = [min(SLOPES[0], float(values.min())), max(SLOPES[1], float(values.max()))]
    return fig


def _draw(
    fig: Sketch, line: Line, records: list[DistributionalShift], value: Value, interval: Value, look: Look, hover: str
) -> None:
    """A line through what was measured, with its 95 % interval over starts as a band."""
    steps = np.array([one.step for one in records])
    middle, half = (np.array([of(one) for one in records], np.float32) for of in (value, interval))
    style = line.style(look, 1.8)
    fig.add_scatter(
        x=np.concatenate([steps, steps[::-1]]), y=np.concatenate([middle + half, (middle - half)[::-1]]),
        mode="lines", line={"width": 0}, fill="toself", fillcolor=with_alpha(style["color"], 0.16),
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    fig.add_scatter(
        x=steps, y=middle, mode="lines+markers", marker={"size": 4}, name=plain(line.label), line=style,
        hovertemplate=f"{hover}<extra>%{{fullData.name}}</extra>",
    )  # fmt: skip


def _finish(fig: Sketch, look: Look, at: int | None, title: str, runs: int) -> None:
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": title}},
        showlegend=runs > 1,
    )


def _said(histories: Histories, value: Value, digits: str, unit: str) -> str:
    """Median and range of the second half of training: one measurement may be a bad moment of the optimiser."""
    return "second half of training: " + "; ".join(
        (f"{plain(line.label)} " if len(histories) > 1 else "") + _spread(records, value, digits, unit)
        for line, records in histories
    )


def _spread(records: list[DistributionalShift], value: Value, digits: str, unit: str) -> str:
    values = np.array([value(one) for one in records if one.step >= records[-1].step / 2])
    return f"{np.median(values):{digits}} {unit} ({values.min():{digits}} to {values.max():{digits}})"

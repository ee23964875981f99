"""A chaotic map predicted freely: how the error grows, one trajectory beside the true one, where predictions lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.figures.decades import positive
from dashboard.theme import with_alpha
from rnncore.records import Array, DistributionalShift
from rnncore.records.distributional_shift import SIGMAS

WAIT = "A network on the Hénon map runs freely for the first time<br>at its first training step."
ERRORS = (-4.0, 0.6)
"""Decades of the error axis: a network of 32 units gets to 1e-3 in a minute, and the attractor ends it near 1."""
BELOW = 0.3
"""The map's own slope is drawn as a parallel at this part of the fitted line: on it, neither could be seen."""
BEYOND = 3
"""Steps by which both lines go on after the fit."""
ALIKE = 0.1
"""Two runs are compared where their training steps differ by at most this share."""
X, Y = (-1.5, 1.5), (-0.46, 0.46)
"""Where the attractor lies, and some room."""

Shifts = list[tuple[Line, DistributionalShift]]


@Drawn
def error_growth(records: Shifts, look: Look = LIGHT) -> Sketch:
    """Mean ln error against the free-running step, drawn as its exponential on a log axis, with fit and references.

    Args:
        records: one per run.
    """
    if not records:
        return empty(look, WAIT)
    fig = figure(look, growth_words(records))
    for line, record in records:
        name = f"{plain(line.label)}: " if len(records) > 1 else ""
        _draw_band(fig, line, record, look)
        _draw_curve(fig, record.steps, record.free, f"{name}fed its own predictions", line.style(look, 2.4))
        _draw_curve(fig, record.steps, record.forced, f"{name}fed the truth", line.style(look, 1.3, dash="dot"))
    _draw_fit(fig, records, look)
    _draw_levels(fig, records[0][1], look)
    fig.update_layout(
        xaxis={"title": {"text": "steps without the truth"}, "rangemode": "tozero"},
        yaxis=_error_axis(records),
        showlegend=True,
    )
    return fig


def _draw_curve(fig: Sketch, steps: Array, logs: Array, name: str, style: dict[str, Any]) -> None:
    fig.add_scatter(
        x=steps, y=positive(np.exp(logs)), mode="lines", name=name, line=style,
        hovertemplate="%{y:.2g} after %{x} steps<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _draw_band(fig: Sketch, line: Line, record: DistributionalShift, look: Look) -> None:
    """The 95 % interval of the mean."""
    half = SIGMAS * record.free_error
    edge = np.concatenate([record.free + half, (record.free - half)[::-1]])
    fig.add_scatter(
        x=np.concatenate([record.steps, record.steps[::-1]]), y=positive(np.exp(edge)), mode="lines",
        line={"width": 0}, fill="toself", fillcolor=with_alpha(line.style(look)["color"], 0.18),
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _draw_fit(fig: Sketch, records: Shifts, look: Look) -> None:
    """The fitted line of the first run that has one, the map's own slope beneath it, and the steps of the fit."""
    record = next((record for _, record in records if not math.isnan(record.slope)), None)
    if record is None:
        return
    fitted = slice(record.first - 1, record.last)
    steps, middle = record.steps[: record.last + BEYOND], record.steps[fitted].mean()
    level = np.exp(record.free[fitted].mean())
    for name, slope, colour, dash, part in (
        (f"fit: {record.slope:.3f}", record.slope, look.palette.quiet, "dot", 1.0),
        (f"slope of the map itself: {record.exponent:.3f}", record.exponent, look.palette.ink, "dash", BELOW),
    ):
        fig.add_scatter(
            x=steps, y=positive(part * level * np.exp(slope * (steps - middle))), mode="lines", name=name,
            hoverinfo="skip", line={"color": colour, "width": 1.8, "dash": dash},
        )  # fmt: skip
    fig.add_shape(type="rect", x0=record.first, x1=record.last, xref="x", y0=0, y1=1, yref="y domain", layer="below",
                  line={"width": 0}, fillcolor=with_alpha(look.palette.accent, 0.09))  # fmt: skip
    fig.add_annotation(text="fitted here", x=record.first, xanchor="left", y=0, yref="y domain", yanchor="bottom",
                       showarrow=False, font={"size": 10, "color": look.palette.quiet})  # fmt: skip


def _draw_levels(fig: Sketch, record: DistributionalShift, look: Look) -> None:
    """Where errors end, and where a prediction counts as drifted off."""
    for level, words in ((record.size, "two random points"), (record.size / 10, "a tenth of that: drifted off")):
        fig.add_shape(type="line", x0=0, x1=1, xref="x domain", y0=level, y1=level, yref="y", layer="below",
                      line={"color": look.palette.line, "width": 1, "dash": "dot"})  # fmt: skip
        fig.add_annotation(text=words, xref="x domain", x=1, xanchor="right", y=math.log10(level), yanchor="bottom",
                           showarrow=False, font={"size": 10, "color": look.palette.quiet})  # fmt: skip


def _error_axis(records: Shifts) -> dict[str, Any]:
    """A log axis that never follows the data inwards, and makes room for a better or an exploding network."""
    logs = np.concatenate([curve for _, record in records for curve in (record.free, record.forced)]) / math.log(10)
    return {
        "title": {"text": "distance to the truth, standard deviations"},
        "type": "log",
        "range": [min(ERRORS[0], math.floor(logs.min())), max(ERRORS[1], float(logs.max()) + 0.1)],
        "dtick": 1,
        "exponentformat": "power",
        "tickfont": {"size": 9},  # plotly.js enlarges powers by a quarter
    }


@Drawn
def trajectories(record: DistributionalShift | None, line: Line, look: Look = LIGHT, *, start: int = 0) -> Sketch:
    """x of one start against the step: the truth, and the network from where it is left alone.

    Args:
        record: of one run.
        line: its line.
        start: which of the kept starts.
    """
    if record is None:
        return empty(look, WAIT)
    start = min(start, record.free_path.shape[1] - 1)
    warmup, gone = len(record.true_path) - len(record.free_path), int(record.drift[start])
    fig = figure(look, _path_words(record, start))
    for name, path, first, style in (
        ("truth", record.true_path, 1 - warmup, {"color": look.palette.quiet, "width": 1.6}),
        ("network", record.free_path, 1, line.style(look, 1.8, dash="solid")),
    ):
        fig.add_scatter(
            x=np.arange(first, first + len(path)), y=np.clip(path[:, start, 0], 2 * X[0], 2 * X[1]),
            mode="lines+markers", marker={"size": 4}, name=name, line=style,
            hovertemplate="x = %{y:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.add_shape(type="rect", x0=-warmup, x1=0.5, xref="x", y0=0, y1=1, yref="y domain", layer="below",
                  line={"width": 0}, fillcolor=with_alpha(look.palette.accent, 0.09))  # fmt: skip
    fig.add_annotation(text="fed the truth", x=0.3, xanchor="right", y=1, yref="y domain", yanchor="top",
                       showarrow=False, font={"size": 10, "color": look.palette.quiet})  # fmt: skip
    if gone <= len(record.free):
        fig.add_vline(x=gone, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "steps without the truth"}, "range": [0.5 - warmup, len(record.free) + 0.5]},
        yaxis={"title": {"text": "x"}, "range": list(X), "zeroline": False},
        showlegend=True,
    )
    return fig


@Drawn
def attractor(record: DistributionalShift | None, line: Line, look: Look = LIGHT) -> Sketch:
    """True points in the plane, and those of the network left alone.

    Args:
        record: of one run.
        line: its line.
    """
    if record is None:
        return empty(look, WAIT)
    fig = figure(look, _plane_words(record), hovermode=False)
    for name, points, colour, size in (
        ("truth", record.true_cloud, with_alpha(look.palette.quiet, 0.3), 7),
        ("network, fed its own predictions", record.free_cloud, line.style(look)["color"], 2.6),
    ):
        fig.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name=name, marker={"size": size, "color": colour}
        )
    fig.update_layout(
        xaxis={"title": {"text": "x"}, "range": list(X), "zeroline": False},
        yaxis={"title": {"text": "y"}, "range": list(Y), "zeroline": False},
        showlegend=True,
        legend={"itemsizing": "constant"},
    )
    return fig


def slope_words(record: DistributionalShift) -> str:
    """The fitted slope with its interval; or why there is none."""
    if math.isnan(record.slope):
        return record.note
    return f"slope {record.slope:.3f} ± {record.slope_interval:.3f} (steps {record.first} to {record.last})"


def drift_words(record: DistributionalShift) -> str:
    """After how many steps the mean start has drifted off, with its interval."""
    least = "at least " if record.never else ""
    return f"{least}{record.drift_mean:.1f} ± {record.drift_interval:.1f}"


def growth_words(records: Shifts) -> str:
    """Slopes beside the map's own; of two runs also which drifts off later."""
    many = len(records) > 1
    found = [(f"{plain(line.label)}: " if many else "") + slope_words(record) for line, record in records]
    found.append(f"the map itself {records[0][1].exponent:.3f} nats per step")
    if len(records) == 2:
        found += _compared(*records)
    return "; ".join(found)


def _compared(one: tuple[Line, DistributionalShift], other: tuple[Line, DistributionalShift]) -> list[str]:
    """Which of two drifts off later; nothing while one has been trained for much longer."""
    steps = one[1].step, other[1].step
    later = other[1].later_than(one[1])
    if later is None or max(steps) - min(steps) > ALIKE * max(steps):
        return []
    return [f"from the same starts {plain(other[0].label)} drifts off {later_words(*later)}"]


def later_words(mean: float, interval: float) -> str:
    """1.2 ± .3 steps later, or that the two cannot be told apart."""
    if not abs(mean) > interval:
        return f"neither later nor earlier, to within {abs(mean) + interval:.1f} steps"
    return f"{abs(mean):.1f} ± {interval:.1f} steps {'later' if mean > 0 else 'earlier'}"


def _path_words(record: DistributionalShift, start: int) -> str:
    gone = int(record.drift[start])
    if gone > len(record.free):
        return f"within a tenth of the attractor's size for all {len(record.free)} steps"
    return f"past a tenth of the attractor's size at step {gone}, where the line stands"


def _plane_words(record: DistributionalShift) -> str:
    half = len(record.free) // 2
    return (
        f"after {half} steps and more: {record.off:.1%} of the network's points lie farther from the attractor than "
        "99% of true ones"
    )

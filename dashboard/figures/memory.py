"""How long units remember: the spread of 1/(1 - gate) over the units, and how it moves over training."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain
from dashboard.theme import with_alpha
from rnncore.diagnostics.saturation import H_ENDS_AT_1
from rnncore.records import Array, MemoryTimescale

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
DECADES = 3
"""Of the time axis at least; it grows in whole ones, so that it seldom jumps."""
MOST_DECADES = 6
"""Whatever is longer counts as this long: a gate that is 1 to the last digit keeps for ever."""
_PER_DECADE = 8
_WAIT = "Time scales appear here with the first probe,<br>at the first training step."
_NO_GATE = "no gate keeps the state, so there is no time scale to read"


@Drawn
def timescale_histogram(records: list[tuple[Line, MemoryTimescale]], look: Look = LIGHT, *, layer: int = 0) -> Sketch:
    """Units by their memory timescale on a log axis, with the window drawn in.

    Runs without a gate that keeps the state are named in the caption; if there are no others, units are drawn by
    their mean |h|.

    Args:
        records: one per run.
        layer: which layer; a run that has fewer shows its top one.
    """
    if not records:
        return empty(look, _WAIT)
    gated = [(line, record) for line, record in records if record.gate]
    shown = [(line, record.of_units(min(layer, len(record.levels) - 1))) for line, record in gated or records]
    fig = figure(look, _caption(records, layer), hovermode="closest")
    if not any(len(values) for _, values in shown):
        return empty(look, "No unit's value is finite any more: the run has diverged.<br>Go back in time to see it.")
    edges = _edges(shown, bool(gated))
    for line, values in shown:
        _draw_bars(fig, line, values, edges, look, gated=bool(gated))
    if gated:
        _draw_windows(fig, {record.window for _, record in gated}, look, upright=True)
    fig.update_layout(
        xaxis=_time_axis(edges) if gated else {"title": {"text": "mean |h| of a unit"}, "range": [0, edges[-1]]},
        yaxis={"title": {"text": "share of units"}, "tickformat": ".0%", "rangemode": "tozero"},
        showlegend=len(shown) > 1,
    )
    return fig


@Drawn
def timescale_over_training(
    histories: list[tuple[Line, list[MemoryTimescale]]], look: Look = LIGHT, *, layer: int = 0, at: int | None = None
) -> Sketch:
    """Median, middle half and middle four fifths of the units against the training step.

    Args:
        histories: per run its records, oldest first.
        layer: which layer; a run that has fewer shows its top one.
        at: the training step in view.
    """
    histories = [(line, records) for line, records in histories if records]
    if not histories:
        return empty(look, _WAIT)
    gated = [(line, records) for line, records in histories if records[-1].gate]
    fig = figure(look, _history_caption(histories))
    highest = 1.0
    for line, records in gated or histories:
        rows = np.array([_quantiles(record, layer) for record in records]).T  # (5, N)
        _draw_band(fig, line, np.array([record.step for record in records]), rows, look, gated=bool(gated))
        highest = max(highest, float(np.nanmax(rows, initial=1.0)))
    if gated:
        _draw_windows(fig, {records[-1].window for _, records in gated}, look, upright=False)
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    scale = {"type": "log", "range": [-0.05, decades(highest)], "dtick": 1, "title": {"text": "time scale, steps"}}
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis=scale if gated else {"title": {"text": "mean |h| of a unit"}, "rangemode": "tozero"},
        showlegend=len(gated or histories) > 1,
    )
    return fig


def _quantiles(record: MemoryTimescale, layer: int) -> Array:
    """(5,), each of them a unit's value, as one may be infinite; nan where no unit's value is finite."""
    values = record.of_units(min(layer, len(record.levels) - 1))
    if not len(values):
        return np.full(len(QUANTILES), np.nan)
    return np.minimum(values[np.round(np.array(QUANTILES) * (len(values) - 1)).astype(int)], 10.0**MOST_DECADES)


def decades(highest: float) -> int:
    """How far the time axis reaches, as a power of ten."""
    return max(DECADES, math.ceil(math.log10(min(max(highest, 1.0), 10.0**MOST_DECADES))))


def _edges(shown: list[tuple[Line, Array]], gated: bool) -> Array:
    """Edges of the bins: equally wide on the axis that they stand on."""
    highest = max(float(values[-1]) for _, values in shown if len(values))
    if not gated:
        return np.linspace(0, max(1.0, min(highest, 1e6)), 2 * _PER_DECADE + 1)
    reach = decades(highest)
    return np.logspace(0, reach, reach * _PER_DECADE + 1)


def _draw_bars(fig: Sketch, line: Line, values: Array, edges: Array, look: Look, *, gated: bool) -> None:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares = np.append(counts, counts[-1]) / max(len(values), 1)  # the last one closes the last step
    spans = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    if gated and values[-1:] > edges[-1]:
        spans[-1] = f"{edges[-2]:.3g} or more"
    colour = line.style(look)["color"]
    fig.add_scatter(
        x=edges.astype(np.float32),
        y=shares.astype(np.float32),
        mode="lines",
        name=plain(line.label),
        line=line.style(look, 1.6, shape="hv"),
        fill="tozeroy",
        fillcolor=with_alpha(colour, 0.22),
        customdata=[*spans, spans[-1]],
        hovertemplate=f"%{{customdata}}{' steps' if gated else ''}: %{{y:.1%}} of the units<extra></extra>",
    )


def _draw_band(fig: Sketch, line: Line, steps: Array, rows: Array, look: Look, *, gated: bool) -> None:
    rows = finite(rows).astype(np.float32)
    there = ~np.isnan(rows).any(axis=0)
    colour = line.style(look)["color"]
    for low, high, alpha in ((0, 4, 0.14), (1, 3, 0.24)):
        fig.add_scatter(
            x=np.concatenate([steps[there], steps[there][::-1]]),
            y=np.concatenate([rows[low][there], rows[high][there][::-1]]),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=with_alpha(colour, alpha),
            hoverinfo="skip",
            showlegend=False,
        )
    digits = ".3g" if gated else ".2f"
    fig.add_scatter(
        x=steps,
        y=rows[2],
        mode="lines+markers" if len(steps) < 3 else "lines",
        name=plain(line.label),
        line=line.style(look, 2.4),
        customdata=rows[[0, 4]].T.tolist(),
        hovertemplate=f"median %{{y:{digits}}}, 10 to 90%: %{{customdata[0]:{digits}}} to %{{customdata[1]:{digits}}}"
        "<extra>%{fullData.name}</extra>",
    )


def _draw_windows(fig: Sketch, windows: set[int], look: Look, *, upright: bool) -> None:
    """How many steps the gradient travels: what a unit keeps for longer it never learns to keep."""
    line = {"color": look.palette.quiet, "width": 1.2, "dash": "dash"}
    for window in sorted(windows):
        at = math.log10(window)  # annotations on a log axis are placed by exponent, shapes by value
        text = f"window, T = {window}"
        note: dict[str, Any] = {"text": text, "showarrow": False, "font": {"size": 11, "color": look.palette.quiet}}
        if upright:
            fig.add_vline(x=window, line=line)
            fig.add_annotation(x=at, xref="x", y=1, yref="y domain", xanchor="left", yanchor="top", xshift=4, **note)
        else:
            fig.add_shape(type="line", x0=0, x1=1, xref="x domain", y0=window, y1=window, yref="y", line=line)
            fig.add_annotation(x=1, xref="x domain", y=at, yref="y", xanchor="right", yanchor="bottom", **note)


def _time_axis(edges: Array) -> dict[str, Any]:
    return {
        "title": {"text": "memory timescale 1/(1 − gate), steps"},
        "type": "log",
        "range": [-0.02, math.log10(edges[-1]) + 0.02],
        "dtick": 1,
    }


def _caption(records: list[tuple[Line, MemoryTimescale]], layer: int) -> str:
    return "; ".join(_of_run(line, record, layer, len(records)) for line, record in records)


def _of_run(line: Line, record: MemoryTimescale, layer: int, runs: int) -> str:
    who = f"{plain(line.label)}: " if runs > 1 else ""
    if not record.gate:
        ends = record.cell in H_ENDS_AT_1
        instead = "how near each unit's |h| is to its end at 1" if ends else "each unit's mean |h|"
        return f"{who}{_NO_GATE}" + (f"; in its place, {instead}" if runs == 1 else "")
    layer = min(layer, len(record.leak) - 1)
    values, size = record.of_units(layer), record.leak.shape[1]
    lost = f", {size - len(values)} not finite" if len(values) < size else ""
    if not len(values):
        return f"{who}no unit's {record.gate} is finite"
    long = int((values > record.window).sum())
    middle, longest = in_steps(float(values[len(values) // 2])), in_steps(float(values[-1]))
    return f"{who}median {middle}, longest {longest}; {long} of {size} units keep for longer than the window{lost}"


def _history_caption(histories: list[tuple[Line, list[MemoryTimescale]]]) -> str:
    without = [plain(line.label) for line, records in histories if not records[-1].gate]
    what = "median, middle half and middle four fifths of the units"
    if len(without) == len(histories):
        return f"{_NO_GATE}; mean |h| in its place: {what}"
    return f"{what}; {', '.join(without)}: {_NO_GATE}" if without else what


def in_steps(value: float) -> str:
    """A time scale in words: 3.2 steps, over 1,000,000 steps."""
    if value >= 10.0**MOST_DECADES:
        return f"over {10**MOST_DECADES:,} steps"
    return f"{value:.3g} steps" if value < 1000 else f"{value:,.0f} steps"

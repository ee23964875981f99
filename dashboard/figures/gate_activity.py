"""Gates, hidden and cell state as heatmaps, unit by step, under the characters that were read."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain, shown, step_noun
from dashboard.theme import MONO, diverging, gate_colour, sequential
from rnncore.cells import Gate
from rnncore.diagnostics.gate_activity import Ranking, ranking, still
from rnncore.records import Array, GateActivity

MOST_UNITS = 64
"""Rows of one heatmap among several: what a screen can tell apart. A heatmap by itself shows twice as many."""
WIDE = 80
"""Above so many steps the heatmaps stand below each other, over the whole width."""
_GAP, _ROW, _LARGE = 50, 124, 400  # pixels: above each heatmap, its height, its height by itself
STATES = {"h": "hidden state", "c": "cell state"}
RANKINGS: tuple[Ranking, ...] = ("timescale", "saturation", "variance")
_BOUNDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
FEW_LARGE = 5.0
_SORTED = {
    "timescale": "longest memory on top",
    "saturation": "most saturated on top",
    "variance": "most moving on top",
}


@Drawn
def gate_activity(
    record: GateActivity | None,
    table: tuple[Gate, ...],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    narrow: bool = False,
    channel: str | None = None,
    small: bool = False,
    by: Ranking | None = None,
    unit: int | None = None,
) -> Sketch:
    """All channels of one layer, or one of them large.

    Args:
        record: one probe's values.
        table: the cell's gate table, for names and ranges.
        layer: which layer; a run that has fewer shows its top one.
        narrow: all below each other, for half the page's width.
        channel: only this one, by its letter; drawn large,
        small: unless it is one of several that stand beside each other.
        by: what the units are sorted by; as they are stored for None.
        unit: the number of one that is marked in all channels.
    """
    if record is None:
        return empty(look, "The gates appear here with the first probe,<br>at the first training step.")
    layer = min(layer, record.values.shape[0] - 1)
    symbols = [channel] if channel in record.channels else list(record.channels)
    small = small or len(symbols) > 1
    marked = None if unit is None else place_of(record.units, unit)
    keep = _rows(record, layer, MOST_UNITS if small else 2 * MOST_UNITS, by, marked)
    beside = columns_of(record, narrow) if small else 1
    columns = beside if len(symbols) > 1 else 1
    rows = -(-len(symbols) // columns)
    each = _ROW if small else _LARGE
    height = rows * (each + _GAP)
    fig = figure(look, _caption(record, layer, len(keep), by), height=height + 8)
    layout: dict[str, Any] = {"margin": {"l": 34, "r": 8, "t": 0, "b": 8}, "annotations": [], "hovermode": "closest"}
    most_labels = WIDE if beside == 2 or narrow else 2 * WIDE
    for index, symbol in enumerate(symbols):
        values = record.channel(layer, symbol)[:, keep].T  # (U, T)
        column, row = index % columns, index // columns
        x = (column * 0.515, column * 0.515 + 0.485) if columns == 2 else (0.0, 1.0)
        top = 1 - (row * (each + _GAP) + _GAP) / height
        place = {"x": x, "y": (max(top - each / height, 0.0), top), "suffix": "" if index == 0 else str(index + 1)}
        gate = next((gate for gate in table if gate.symbol == symbol), None)
        _draw(fig, layout, place, symbol, gate, values, record.units[keep], look)
        _label_characters(layout, place, record.text, most_labels, look)
        if marked is not None:
            _mark(fig, layout, place, record.units[keep], int(record.units[marked]), look)
    fig.update_layout(**layout)
    return fig


def columns_of(record: GateActivity, narrow: bool) -> int:
    """How many heatmaps stand beside each other: long sequences need the whole width."""
    return 1 if narrow or len(record.text) > WIDE or len(record.channels) == 1 else 2


def place_of(units: Array, unit: int) -> int:
    """Where the kept unit stands that is nearest to a number."""
    return int(np.abs(units - unit).argmin())


def _rows(record: GateActivity, layer: int, most: int, by: Ranking | None, marked: int | None) -> Array:
    """Places of the units to draw, from bottom to top: evenly chosen, the marked one among them, then sorted."""
    count = len(record.units)
    keep = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    keep = np.unique(keep if marked is None else np.append(keep, marked))
    if by is None:
        return keep
    score = ranking(record, layer, by)[keep]
    return keep[np.argsort(np.where(np.isnan(score), -np.inf, score), kind="stable")]


def _draw(
    fig: Sketch,
    layout: dict[str, Any],
    place: dict[str, Any],
    symbol: str,
    gate: Gate | None,
    values: Array,
    units: Array,
    look: Look,
) -> None:
    """One heatmap with its heading and its axis of units."""
    sigmoid = gate is not None and gate.sigmoid
    bound = 1.0 if gate is not None else _bound(values)
    suffix, (x0, _), (_, y1) = place["suffix"], place["x"], place["y"]
    names = [str(int(unit)) for unit in units]
    digits = 2 if bound <= 1 else 1 if bound <= 10 else 0  # what 128 levels can tell (live/encoding.py)
    fig.add_heatmap(
        z=values.astype(np.float32),
        y=names,
        zmin=0.0 if sigmoid else -bound,
        zmax=bound,
        colorscale=sequential(symbol, look.mode) if sigmoid else diverging(look.mode, steep=bound > 1),
        showscale=False,
        xaxis=f"x{suffix}",
        yaxis=f"y{suffix}",
        hovertemplate=f"step %{{x}}, unit %{{y}}<br>{symbol} = %{{z:.{digits}f}}<extra></extra>",
    )
    layout[f"yaxis{suffix}"] = {
        "domain": place["y"],
        "anchor": f"x{suffix}",
        "type": "category",
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "showline": False,
        "tickvals": [names[0], names[-1]],
        "automargin": False,
        "tickfont": {"size": 9, "color": look.palette.quiet},
    }
    title = f"{gate.name} gate" if gate is not None else STATES.get(symbol, symbol)
    beyond = gate is None and float(np.nanmax(np.abs(values), initial=0.0)) > bound
    span = "0 to 1" if sigmoid else f"−{bound:g} to {bound:g}" + (" and beyond" if beyond else "")
    layout["annotations"].append(
        {
            "text": f"<b>{symbol}</b>  {title}   <span style='color:{look.palette.quiet}'>{span}</span>",
            "showarrow": False,
            "xref": "paper",
            "yref": "paper",
            "x": x0,
            "y": y1,
            "xanchor": "left",
            "yanchor": "bottom",
            "yshift": 17,
            "xshift": -2,
            "font": {"size": 12, "color": gate_colour(symbol, look.mode)},
        }
    )


def _mark(fig: Sketch, layout: dict[str, Any], place: dict[str, Any], units: Array, unit: int, look: Look) -> None:
    """A frame around one unit's row, and its number at the axis in place of ends that are too close."""
    row, rows = int(np.flatnonzero(units == unit)[0]), len(units)
    suffix, axis = place["suffix"], layout[f"yaxis{place['suffix']}"]
    line = {"color": look.palette.accent, "width": 1.5}
    at = {"xref": f"x{suffix} domain", "yref": f"y{suffix}"}
    fig.add_shape(type="rect", x0=0, x1=1, y0=row - 0.5, y1=row + 0.5, line=line, **at)
    free = [end for n, end in zip((0, rows - 1), axis["tickvals"], strict=True) if abs(n - row) > rows / 7]
    axis |= {"tickvals": [*free, str(unit)], "ticktext": [*free, f"<b>{unit}</b>"]}


def _label_characters(
    layout: dict[str, Any], place: dict[str, Any], text: tuple[str, ...], most: int, look: Look
) -> None:
    """What was read, a label above each column; where they would overlap, those that fit."""
    labels = [shown(token) if len(token) == 1 else plain(token) for token in text]
    placed = that_fit(labels, most)
    layout[f"xaxis{place['suffix']}"] = {
        "domain": place["x"],
        "anchor": f"y{place['suffix']}",
        "side": "top",
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "showline": False,
        "automargin": False,
        "tickangle": 0,
        "tickvals": placed,
        "ticktext": [labels[t] for t in placed],
        "tickfont": {"family": MONO, "size": 10, "color": look.palette.quiet},
    }


def that_fit(labels: list[str], most: int) -> list[int]:
    """The columns whose labels stand clear of each other, where ``most`` characters fit in a row; blanks need none."""
    placed, free = [], 0.0
    for t, label in enumerate(labels):
        if label and t >= free:
            placed.append(t)
            width = len(label) + (len(label) > 1)  # a gap behind a word
            free = t + max(1, -(-len(labels) * width // most))
    return placed


def _bound(values: Array) -> float:
    """A round number at or above the largest magnitude, so that the colour scale seldom jumps; at or above that of all
    but one in fifty where few are many times larger, and would leave the others pale."""
    magnitudes = np.abs(values[np.isfinite(values)])
    if not len(magnitudes):
        return 1.0
    largest, usual = float(magnitudes.max()), float(np.quantile(magnitudes, 0.98))
    wanted = usual if largest > FEW_LARGE * usual else largest
    return next((bound for bound in _BOUNDS if wanted <= bound), wanted)


def _caption(record: GateActivity, layer: int, kept: int, by: Ranking | None) -> str:
    size = record.hidden_size
    units = f"{kept} of {size} units" if kept < size else "its one unit" if size == 1 else f"all {size} units"
    lost = 1 - float(np.isfinite(record.values[layer]).mean())
    gaps = f"; {lost:.0%} of the values are not finite and left blank" if lost else ""
    order = f", {_SORTED[by]}" if by else ""
    motionless = int(still(record, layer).sum())
    rest = f"; {motionless} of {len(record.units)} never move" if motionless else ""
    read = f"{len(record.text)} {step_noun(record.text)}" + ("s" if len(record.text) != 1 else "")
    return f"{units}, a row each{order}, over the {read} that one sequence of the batch read{rest}{gaps}"

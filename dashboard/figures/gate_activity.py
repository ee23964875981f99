"""Gates, hidden and cell state as heatmaps, unit by step, under the characters that were read."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, shown
from dashboard.theme import MONO, diverging, gate_colour, sequential
from rnncore.cells import Gate
from rnncore.records import Array, GateActivity

MOST_UNITS = 64
"""Rows of one heatmap among several: what a screen can tell apart. A heatmap by itself shows twice as many."""
WIDE = 80
"""Above so many steps the heatmaps stand below each other, over the whole width."""
_GAP, _ROW, _LARGE = 50, 124, 400  # pixels: above each heatmap, its height, its height by itself
STATES = {"h": "hidden state", "c": "cell state"}


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
) -> Sketch:
    """All channels of one layer, or one of them large.

    Args:
        record: one probe's values.
        table: the cell's gate table, for names and ranges.
        layer: which layer; a run that has fewer shows its top one.
        narrow: all below each other, for half the page's width.
        channel: only this one, by its letter; drawn large,
        small: unless it is one of several that stand beside each other.
    """
    if record is None:
        return empty(look, "The gates appear here with the first probe,<br>at the first training step.")
    layer = min(layer, record.values.shape[0] - 1)
    symbols = [channel] if channel in record.channels else list(record.channels)
    small = small or len(symbols) > 1
    most = MOST_UNITS if small else 2 * MOST_UNITS
    keep = np.unique(np.linspace(0, len(record.units) - 1, min(len(record.units), most)).round().astype(int))
    beside = columns_of(record, narrow) if small else 1
    columns = beside if len(symbols) > 1 else 1
    rows = -(-len(symbols) // columns)
    each = _ROW if small else _LARGE
    height = rows * (each + _GAP)
    fig = figure(look, _caption(record, layer, len(keep)), height=height + 8)
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
    fig.update_layout(**layout)
    return fig


def columns_of(record: GateActivity, narrow: bool) -> int:
    """How many heatmaps stand beside each other: long sequences need the whole width."""
    return 1 if narrow or len(record.text) > WIDE or len(record.channels) == 1 else 2


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
    span = "0 to 1" if sigmoid else f"−{bound:g} to {bound:g}"
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


def _label_characters(
    layout: dict[str, Any], place: dict[str, Any], text: tuple[str, ...], most: int, look: Look
) -> None:
    """The characters that were read, one above each column (every second, third, ... where they'd overlap)."""
    every = max(1, -(-len(text) // most))
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
        "tickvals": list(range(0, len(text), every)),
        "ticktext": [shown(character) for character in text[::every]],
        "tickfont": {"family": MONO, "size": 10, "color": look.palette.quiet},
    }


def _bound(values: Array) -> float:
    """A round number at or above the largest magnitude, so that the colour scale seldom jumps."""
    largest = float(np.nanmax(np.abs(np.where(np.isfinite(values), values, 0.0)), initial=0.0))
    return next((bound for bound in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0) if largest <= bound), largest)


def _caption(record: GateActivity, layer: int, kept: int) -> str:
    units = f"{kept} of {record.hidden_size} units" if kept < record.hidden_size else f"all {record.hidden_size} units"
    lost = 1 - float(np.isfinite(record.values[layer]).mean())
    gaps = f"; {lost:.0%} of the values are not finite and left blank" if lost else ""
    return f"{units}, a row each, over the {len(record.text)} characters that one sequence of the batch read{gaps}"

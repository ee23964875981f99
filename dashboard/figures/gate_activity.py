"""Gates, hidden and cell state as heatmaps, unit by step, under the characters that were read."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.base import LIGHT, Look, empty, figure, shown
from dashboard.theme import diverging, gate_colour, sequential
from rnncore.cells.base import Gate
from rnncore.records import GateActivity

MOST_UNITS = 64
"""Rows of a heatmap: what a screen can tell apart."""
WIDE = 80
"""Above so many steps the heatmaps stand below each other, over the whole width."""

STATES = {"h": "hidden state", "c": "cell state"}


def gate_activity(
    record: GateActivity | None, table: tuple[Gate, ...], look: Look = LIGHT, *, layer: int = 0, single: bool = False
) -> go.Figure:
    """All channels of one layer.

    Args:
        record: one probe's values.
        table: the cell's gate table, for names and ranges.
        layer: which layer.
        single: all below each other, for half the page's width.
    """
    if record is None:
        return empty(look, "The gates appear here with the first probe, at the first training step.")
    layer = min(layer, record.values.shape[0] - 1)
    keep = np.unique(np.linspace(0, len(record.units) - 1, min(len(record.units), MOST_UNITS)).round().astype(int))
    steps = len(record.text)
    columns = 1 if steps > WIDE or single or len(record.channels) == 1 else 2
    rows = -(-len(record.channels) // columns)
    fig = figure(look, _caption(record, len(keep)), height=int(36 + rows * (172 if columns == 2 else 160)))
    labels = [shown(character) for character in record.text]
    every = max(1, -(-steps // (150 if columns == 1 and not single else WIDE)))
    gates = {gate.symbol: gate for gate in table}
    layout: dict[str, object] = {
        "margin": {"l": 40, "r": 12, "t": 30, "b": 18},
        "annotations": [],
        "hovermode": "closest",
    }
    for index, symbol in enumerate(record.channels):
        values = record.channel(layer, symbol)[:, keep].T  # (U, T)
        column, row = index % columns, index // columns
        suffix = "" if index == 0 else str(index + 1)
        sigmoid = symbol in gates and gates[symbol].sigmoid
        bound = 1.0 if symbol != "c" else _bound(values)
        fig.add_trace(
            go.Heatmap(
                z=values.astype(np.float32), x=np.arange(steps), y=np.arange(len(keep)), zmin=0.0 if sigmoid else -bound,
                zmax=bound, colorscale=sequential(symbol, look.mode) if sigmoid else diverging(look.mode),
                showscale=False, xaxis=f"x{suffix}", yaxis=f"y{suffix}", name=symbol,
                hovertemplate=f"step %{{x}} · unit row %{{y}} · {symbol} = %{{z:.2f}}<extra></extra>",
            )
        )  # fmt: skip
        x0, x1 = _span(column, columns, 0.035)
        y1, y0 = (1 - edge for edge in _span(row, rows, 0.2 / rows))
        layout[f"xaxis{suffix}"] = {
            "domain": [x0, x1], "anchor": f"y{suffix}", "tickmode": "array", "tickvals": list(range(0, steps, every)),
            "ticktext": labels[::every], "tickangle": 0, "side": "top", "showgrid": False, "ticks": "", "showline": False,
            "tickfont": {"family": "monospace", "size": 9, "color": look.palette.quiet}, "matches": None if not index else "x",
            "zeroline": False, "automargin": False,
        }  # fmt: skip
        layout[f"yaxis{suffix}"] = {
            "domain": [y0, y1], "anchor": f"x{suffix}", "showgrid": False, "zeroline": False, "ticks": "", "showline": False,
            "tickmode": "array", "tickvals": [0, len(keep) - 1], "automargin": False,
            "ticktext": [str(int(record.units[keep[0]])), str(int(record.units[keep[-1]]))],
            "tickfont": {"size": 9, "color": look.palette.quiet},
        }  # fmt: skip
        title = gates[symbol].name + " gate" if symbol in gates else STATES[symbol]
        span = "0…1" if sigmoid else f"±{bound:g}"
        layout["annotations"].append(  # type: ignore[attr-defined]
            {
                "text": f"<b>{symbol}</b>  {title}, {span}", "showarrow": False, "xref": "paper", "yref": "paper",
                "x": x0, "y": y1, "xanchor": "left", "yanchor": "bottom", "yshift": 13,
                "font": {"size": 11, "color": gate_colour(symbol, look.mode)},
            }
        )  # fmt: skip
    fig.update_layout(layout)
    return fig


def _span(index: int, count: int, gap: float) -> tuple[float, float]:
    width = (1 - gap * (count - 1)) / count
    start = index * (width + gap)
    return start, min(start + width, 1.0)


def _bound(values: np.ndarray) -> float:
    """A round number at or above the largest magnitude, so that the colour scale seldom jumps."""
    largest = float(np.nanmax(np.abs(np.where(np.isfinite(values), values, 0.0)), initial=0.0))
    return next((bound for bound in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0) if largest <= bound), largest)


def _caption(record: GateActivity, kept: int) -> str:
    units = f"{kept} of {record.hidden_size} units" if kept < record.hidden_size else f"all {record.hidden_size} units"
    return f"{units}, one row each; one column for each of the {len(record.text)} characters read"

"""One unit along the sequence: its gates above, its states below, under the characters that were read."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, shown
from dashboard.figures.gate_activity import STATES, place_of
from dashboard.theme import MONO, gate_colour
from rnncore.cells import Gate
from rnncore.diagnostics.gate_activity import still
from rnncore.records import Array, GateActivity

MOST_CHARACTERS = 72
"""Letters that find room above the lines."""
_GATES, _STATES, _TEXT = (0.5, 0.9), (0.0, 0.42), (0.92, 1.0)  # parts of the height


@Drawn
def unit_over_time(
    record: GateActivity | None,
    table: tuple[Gate, ...],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    unit: int = 0,
    t: int | None = None,
    narrow: bool = False,
) -> Sketch:
    """A line for each gate, h_t and c_t of one unit, against the step.

    Args:
        record: one probe's values.
        table: the cell's gate table, for names and ranges.
        layer: which layer; a run that has fewer shows its top one.
        unit: its number; the nearest kept one is shown.
        t: a step to mark.
        narrow: for half the page's width.
    """
    if record is None:
        return empty(look, "A unit's gates appear here with the first probe,<br>at the first training step.")
    layer, place = min(layer, len(record.values) - 1), place_of(record.units, unit)
    fig = figure(look, _caption(record, layer, place), hovermode="x unified")
    for symbol in record.channels:
        gate = next((gate for gate in table if gate.symbol == symbol), None)
        values = finite(record.channel(layer, symbol)[:, place]).astype(np.float32)
        _draw(fig, symbol, gate, values, look)
    top = _GATES[1] if table else _TEXT[0]
    signed = any(not gate.sigmoid for gate in table)
    _characters(fig, record.text, MOST_CHARACTERS // 2 if narrow else MOST_CHARACTERS, look)
    states = "h and c" if "c" in record.channels else "h"
    fig.update_layout(
        xaxis={"title": {"text": "step t"}, "range": [-0.5, len(record.text) - 0.5], "anchor": "y", "tick0": 0}
        | ({"dtick": 1} if len(record.text) < 8 else {}),
        yaxis={"title": {"text": f"{states} of the unit"}, "domain": [0.0, _STATES[1] if table else top]},
        yaxis3={"domain": list(_TEXT), "range": [0, 1], "visible": False, "fixedrange": True},
        **({"yaxis2": _gate_axis(signed)} if table else {}),
    )
    if t is not None:
        at = min(t, len(record.text) - 1)
        line = {"color": look.palette.accent, "width": 1.5}
        fig.add_shape(type="line", x0=at, x1=at, xref="x", y0=0, y1=_TEXT[0], yref="paper", line=line)
    return fig


def _gate_axis(signed: bool) -> dict[str, Any]:
    return {
        "title": {"text": "gates"},
        "domain": list(_GATES),
        "range": [-1.06 if signed else -0.03, 1.06],
        "dtick": 1 if signed else 0.5,
        "zeroline": True,
    }


def _draw(fig: Sketch, symbol: str, gate: Gate | None, values: Array, look: Look) -> None:
    name = f"{symbol} {gate.name}" if gate is not None else f"{symbol} {STATES[symbol]}"
    fig.add_scatter(
        x=np.arange(len(values)),
        y=values,
        mode="lines+markers" if len(values) < 3 else "lines",  # of a single step a line shows nothing
        name=name,
        yaxis="y2" if gate is not None else "y",
        line={"color": gate_colour(symbol, look.mode), "width": 2.2 if gate is None else 1.6},
        hovertemplate=f"{symbol} = %{{y:.3f}}<extra></extra>",
    )


def _characters(fig: Sketch, text: tuple[str, ...], most: int, look: Look) -> None:
    """The characters read, as a trace: many tick labels cost more than the figure."""
    every = max(1, -(-len(text) // most))
    places = np.arange(0, len(text), every)
    fig.add_scatter(
        x=places,
        y=np.full(len(places), 0.5, np.float32),
        mode="text",
        text=[shown(text[place]) for place in places],
        textfont={"family": MONO, "size": 10, "color": look.palette.quiet},
        hoverinfo="skip",
        showlegend=False,
        yaxis="y3",
    )


def _caption(record: GateActivity, layer: int, place: int) -> str:
    who = f"unit {record.units[place]} of layer {layer + 1}"
    values = record.values[layer, :, :, place]
    if not np.isfinite(values).all():
        return f"{who}: {1 - np.isfinite(values).mean():.0%} of its values are not finite and left blank"
    if still(record, layer)[place]:
        level = f"{record.channel(layer, 'h')[0, place]:.3f}".replace("-", "−")
        return f"{who} never moves: h stays at {level} over all {len(record.text)} steps"
    hidden = record.channel(layer, "h")[:, place]
    if len(hidden) == 1:
        return f"{who}; the sequence has one step only"
    return f"{who}; h between {hidden.min():.2f} and {hidden.max():.2f}".replace("-", "−")

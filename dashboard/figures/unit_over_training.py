"""One unit over training: what its gates do on average, and how long it remembers."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite
from dashboard.figures.gate_activity import place_of
from dashboard.figures.memory import MOST_DECADES, decades, in_steps
from dashboard.theme import gate_colour
from rnncore.cells import Gate
from rnncore.records import Array, MemoryTimescale


@Drawn
def unit_over_training(
    records: list[MemoryTimescale],
    table: tuple[Gate, ...],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    unit: int = 0,
    at: int | None = None,
) -> Sketch:
    """Mean gates and |h| of one unit above, its memory timescale below, against the training step.

    Args:
        records: of one run, oldest first.
        table: the cell's gate table, for names.
        layer: which layer; a run that has fewer shows its top one.
        unit: its number; the nearest kept one is shown.
        at: the training step in view.
    """
    if not records:
        return empty(look, "A unit's history appears here with the first probe,<br>at the first training step.")
    last = records[-1]
    layer, place = min(layer, len(last.levels) - 1), place_of(last.units, unit)
    number, gated = int(last.units[place]), bool(last.gate)
    steps = np.array([record.step for record in records])
    shown = next((record for record in reversed(records) if at is None or record.step <= at), records[0])
    fig = figure(look, _caption(shown, layer, number), hovermode="x unified")
    top = 1.0
    for k, symbol in enumerate(last.channels):
        if symbol == "c":
            continue  # has no bounds: it would flatten the others
        gate = next((gate for gate in table if gate.symbol == symbol), None)
        levels = np.array([record.levels[layer, k, place] for record in records])
        _draw(fig, steps, levels, symbol, gate, look)
        top = max(top, float(np.nanmax(finite(levels), initial=top)))
    if gated:
        scales = np.array([record.timescale[layer, number] for record in records])
        _draw_timescale(fig, steps, scales, last.gate, look)
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero", "anchor": "y2" if gated else "y"},
        yaxis={
            "title": {"text": "mean" if table else "mean |h|"},
            "domain": [0.46 if gated else 0.0, 1.0],
            "range": [-0.03 * top, 1.03 * top],
        },
        **({"yaxis2": _time_axis(scales)} if gated else {}),
    )
    if at is not None:
        line = {"color": look.palette.accent, "width": 1.5}
        fig.add_shape(type="line", x0=at, x1=at, xref="x", y0=0, y1=1, yref="paper", line=line)
    return fig


def _draw(fig: Sketch, steps: Array, levels: Array, symbol: str, gate: Gate | None, look: Look) -> None:
    """Sigmoid gates by their mean; tanh gates and h, of both signs, by their mean magnitude."""
    letter = symbol if gate is not None and gate.sigmoid else f"|{symbol}|"
    fig.add_scatter(
        x=steps,
        y=finite(levels).astype(np.float32),
        mode="lines+markers" if len(steps) < 3 else "lines",
        name=letter,
        line={"color": gate_colour(symbol, look.mode), "width": 1.8},
        hovertemplate=f"{letter} = %{{y:.3f}}<extra></extra>",
    )


def _draw_timescale(fig: Sketch, steps: Array, scales: Array, gate: str, look: Look) -> None:
    fig.add_scatter(
        x=steps,
        y=finite(np.minimum(scales, 10.0**MOST_DECADES)).astype(np.float32),
        mode="lines+markers" if len(steps) < 3 else "lines",
        yaxis="y2",
        showlegend=False,
        line={"color": gate_colour(gate, look.mode), "width": 2.2},
        hovertemplate=f"1/(1 − {gate}) = %{{y:.3g}} steps<extra></extra>",
    )


def _time_axis(scales: Array) -> dict[str, Any]:
    return {
        "title": {"text": "steps kept"},
        "domain": [0.0, 0.36],
        "type": "log",
        "range": [-0.05, decades(float(np.nanmax(scales, initial=1.0)))],
        "dtick": 1,
    }


def _caption(record: MemoryTimescale, layer: int, number: int) -> str:
    who = f"unit {number} of layer {layer + 1}"
    over = f"means over {record.window * record.sequences:,} steps of {record.sequences} sequences"
    if not record.gate:
        return f"{who}: {over}; no gate keeps the state, so there is no time scale"
    scale = float(record.timescale[layer, number])
    if np.isnan(scale):
        return f"{who}: its {record.gate} is not finite at step {record.step:,}"
    return f"{who}: {over}; keeps its state for {in_steps(scale)}"

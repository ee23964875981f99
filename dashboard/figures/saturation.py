"""How often each unit's gates are shut (left) or fully open (right)."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import gate_colour, with_alpha
from rnncore.records import Saturation

MOST_UNITS = 200


@Drawn
def saturation(record: Saturation | None, names: dict[str, str], look: Look = LIGHT, *, layer: int = 0) -> Sketch:
    """One dot per unit and gate: share of steps with gate < .1 against share with gate > .9.

    Args:
        record: one probe's shares.
        names: gate letter → name.
        layer: which layer.
    """
    if record is None:
        return empty(look, "Saturation appears here with the first probe.")
    layer = min(layer, len(record.left) - 1)
    fig = figure(look, _caption(record, layer, names), hovermode="closest")
    fig.add_shape(type="line", x0=0, y0=1, x1=1, y1=0, line={"color": look.palette.line, "width": 1, "dash": "dot"})
    for index, symbol in enumerate(record.gates):
        left, right = record.left[layer, index], record.right[layer, index]
        keep = np.unique(np.linspace(0, len(left) - 1, min(len(left), MOST_UNITS)).round().astype(int))
        colour = gate_colour(symbol, look.mode)
        fig.add_scatter(
            x=left[keep].astype(np.float32),
            y=right[keep].astype(np.float32),
            mode="markers",
            name=f"{symbol} {names.get(symbol, '|hidden state|')}",
            customdata=keep.astype(np.int32),
            marker={"size": 6, "color": with_alpha(colour, 0.55), "line": {"width": 0.6, "color": colour}},
            hovertemplate=f"{symbol} of unit %{{customdata}}<br>shut %{{x:.0%}}, open %{{y:.0%}}<extra></extra>",
        )
    low = "near 0" if record.gates == ("h",) else "shut, below .1"
    high = "saturated, |h| above .9" if record.gates == ("h",) else "open, above .9"
    fig.update_layout(
        xaxis={"title": {"text": f"share of steps {low}"}, "range": [-0.04, 1.04], "tickformat": ".0%", "dtick": 0.25},
        yaxis={"title": {"text": f"share of steps {high}"}, "range": [-0.04, 1.04], "tickformat": ".0%", "dtick": 0.25},
    )
    return fig


def _caption(record: Saturation, layer: int, names: dict[str, str]) -> str:
    shut = record.left[layer].mean(axis=1)
    opened = record.right[layer].mean(axis=1)
    if record.gates == ("h",):
        return f"no gates: |h| is above .9 in {opened[0]:.0%} of steps, below .1 in {shut[0]:.0%}"
    return ", ".join(
        f"{symbol} shut {low:.0%} / open {high:.0%}"
        for symbol, low, high in zip(record.gates, shut, opened, strict=True)
    )

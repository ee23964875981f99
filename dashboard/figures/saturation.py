"""How often each unit's gates are shut (left) or fully open (right)."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import gate_colour, with_alpha
from rnncore.diagnostics.gate_activity import HIGHEST_UNIT
from rnncore.diagnostics.saturation import H_ENDS_AT_1
from rnncore.records import Saturation

MOST_UNITS = 200
_ASIDE = {"showlegend": False, "hoverinfo": "skip"}


@Drawn
def saturation(
    record: Saturation | None,
    names: dict[str, str],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    unit: int | None = None,
) -> Sketch:
    """One dot per unit and gate: share of steps with gate < .1 against share with gate > .9.

    Args:
        record: one probe's shares.
        names: gate letter → name.
        layer: which layer.
        unit: the number of one that is marked.
    """
    if record is None:
        return empty(look, "Saturation appears here with the first probe.")
    layer = min(layer, len(record.left) - 1)
    fig = figure(look, _caption(record, layer, names), hovermode="closest")
    fig.add_shape(type="line", x0=0, y0=1, x1=1, y1=0, line={"color": look.palette.line, "width": 1, "dash": "dot"})
    for index, symbol in enumerate(record.gates):
        left, right = record.left[layer, index], record.right[layer, index]
        keep = _dots(len(left), unit)
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
        if unit is not None and unit < len(left):
            ring = {"size": 13, "color": "rgba(0,0,0,0)", "line": {"width": 2.2, "color": colour}}
            at = {"x": left[[unit]].astype(np.float32), "y": right[[unit]].astype(np.float32)}
            fig.add_scatter(**at, mode="markers", name=f"{symbol} of unit {unit}", marker=ring, **_ASIDE)
    low, high = "shut, below .1", "open, above .9"
    if record.gates == ("h",):
        low, high = "near 0", "saturated, |h| above .9" if record.cell in H_ENDS_AT_1 else "with |h| above .9"
    fig.update_layout(
        xaxis={"title": {"text": f"share of steps {low}"}, "range": [-0.04, 1.04], "tickformat": ".0%", "dtick": 0.25},
        yaxis={"title": {"text": f"share of steps {high}"}, "range": [-0.04, 1.04], "tickformat": ".0%", "dtick": 0.25},
    )
    return fig


@Drawn
def saturation_over_training(
    records: list[Saturation],
    names: dict[str, str],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    at: int | None = None,
) -> Sketch:
    """Per gate, the mean share over units of steps shut (dotted) and open, against the training step.

    Args:
        records: of one run, oldest first.
        names: gate letter → name.
        layer: which layer.
        at: the training step in view.
    """
    if not records:
        return empty(look, "Saturation appears here with the first probe.")
    layer = min(layer, len(records[-1].left) - 1)
    plain_rnn = records[-1].gates == ("h",)
    words = "mean over the units: solid open, dotted shut"
    fig = figure(look, "mean over the units: solid |h| above .9, dotted below .1" if plain_rnn else words)
    steps = np.array([record.step for record in records])
    for index, symbol in enumerate(records[-1].gates):
        for side, dash in (("right", "solid"), ("left", "dot")):
            shares = np.array([_mean(getattr(record, side)[layer, index]) for record in records])
            what = {"right": "open", "left": "shut"}[side]
            fig.add_scatter(
                x=steps,
                y=shares.astype(np.float32),
                mode="lines+markers" if len(steps) < 3 else "lines",
                name=f"{symbol} {names.get(symbol, '|hidden state|')}",
                showlegend=side == "right",
                line={"color": gate_colour(symbol, look.mode), "width": 2, "dash": dash},
                hovertemplate=f"{symbol} {what}: %{{y:.0%}} of steps<extra></extra>",
            )
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "share of steps"}, "range": [-0.03, 1.03], "tickformat": ".0%", "dtick": 0.25},
    )
    return fig


def _mean(shares: np.ndarray) -> float:
    """Over the units whose values are finite; nan where there is none."""
    known = shares[~np.isnan(shares)]
    return float(known.mean()) if len(known) else np.nan


def _dots(size: int, unit: int | None) -> np.ndarray:
    """The units that are drawn, the marked one among them; from the first thousand, as everywhere."""
    size = min(size, HIGHEST_UNIT)
    keep = np.linspace(0, size - 1, min(size, MOST_UNITS)).round().astype(int)
    return np.unique(keep if unit is None or unit >= size else np.append(keep, unit))


def _caption(record: Saturation, layer: int, names: dict[str, str]) -> str:
    lost = int(np.isnan(record.left[layer]).any(axis=0).sum())
    if lost == record.left.shape[2]:
        return "no unit's values are finite any more"
    shut, opened = ([_mean(row) for row in side[layer]] for side in (record.left, record.right))
    rest = f"; {lost} units with values that are not finite are left out" if lost else ""
    if record.gates == ("h",):
        ends = "no gates" if record.cell in H_ENDS_AT_1 else "no gates, and an h without bounds cannot saturate"
        return f"{ends}: |h| is above .9 in {opened[0]:.0%} of steps, below .1 in {shut[0]:.0%}{rest}"
    shares = zip(record.gates, shut, opened, strict=True)
    return ", ".join(f"{symbol} shut {low:.0%} / open {high:.0%}" for symbol, low, high in shares) + rest

"""Beyond RNNs: who solves what, over training; how far each network looks back; whom a transformer's steps ask."""

from __future__ import annotations

import numpy as np

from dashboard.figures.attention import draw_attention
from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, named_level
from dashboard.figures.decades import log_axis
from dashboard.figures.input_gradient import add_reach
from dashboard.theme import cell_colour, highlight
from rnncore.config import CELL_LABELS
from rnncore.records import Array, Beyond
from rnncore.records.beyond import SOLVED

_WAIT = "The networks begin to train in a moment."
LOWEST = -12
"""Decade that the logarithmic axis ends at: lines go on below it."""


@Drawn
def scores(record: Beyond | None, look: Look = LIGHT) -> Sketch:
    """Share of right answers of each network: two tasks, each at lengths of training and at longer ones."""
    if record is None:
        return empty(look, _WAIT)
    if not np.isfinite(record.scores).any():
        return empty(look, "The networks are examined when all have been trained.")
    shares = record.scores.reshape(len(record.networks), 4)
    fig = figure(look, f"right answers on held-out sequences; framed: at least {SOLVED:.0%}", hovermode="closest")
    columns = [
        f"recall over {record.length} steps", f"recall over up to {2 * record.length}", "parity of up to 20 bits",
        "parity of up to 200",
    ]  # fmt: skip
    names = [
        f"{CELL_LABELS[name]}<br><span style='font-size:11px'>{layers} × {size} units, {parameters:,} weights</span>"
        for name, layers, size, parameters in zip(
            record.networks, record.layers, record.sizes, record.parameters, strict=True
        )
    ]
    fig.add_heatmap(
        z=finite(shares), x=list(range(4)), y=list(range(len(names))), zmin=0, zmax=1,
        colorscale=highlight(look.mode), showscale=False, xgap=3, ygap=3,
        text=[[f"{100 * value:.0f} %" if np.isfinite(value) else "diverged" for value in row] for row in shares],
        texttemplate="%{text}", textfont={"size": 13, "color": look.palette.ink},
        hovertemplate="%{text} right<extra></extra>",
    )  # fmt: skip
    for row, column in zip(*np.nonzero(np.nan_to_num(shares) >= SOLVED), strict=True):
        fig.add_shape(
            type="rect", x0=column - 0.48, x1=column + 0.48, y0=row - 0.45, y1=row + 0.45,
            line={"color": look.palette.good, "width": 3},
        )  # fmt: skip
    fig.update_layout(
        xaxis={"showgrid": False, "tickvals": list(range(4)), "ticktext": columns, "side": "top"},
        yaxis={"showgrid": False, "tickvals": list(range(len(names))), "ticktext": names, "automargin": True,
               "range": [len(names) - 0.5, -0.5]},
        margin={"t": 46},
    )  # fmt: skip
    return fig


@Drawn
def recall_curves(record: Beyond | None, look: Look = LIGHT) -> Sketch:
    """Loss on recall over training, and the time of a step."""
    if record is None or not len(record.steps):
        return empty(look, _WAIT)
    times = ", ".join(
        f"{CELL_LABELS[name]} {time:.3g}" for name, time in zip(record.networks, record.milliseconds, strict=True)
    )
    return _curves(record.steps, record.curves, record.networks, look, f"milliseconds a step: {times}", 3.0)


@Drawn
def parity_curves(record: Beyond | None, look: Look = LIGHT) -> Sketch:
    """Loss on parity over training."""
    if record is None or not len(record.parity_steps):
        return empty(look, _WAIT)
    return _curves(record.parity_steps, record.parity_curves, record.networks, look, "on up to 20 bits", 1.0)


def _curves(steps: Array, curves: Array, networks: tuple[str, ...], look: Look, caption: str, floor: float) -> Sketch:
    fig = figure(look, caption)
    for name, curve in zip(networks, curves, strict=True):
        fig.add_scatter(
            x=steps, y=finite(curve), mode="lines+markers", name=CELL_LABELS[name], marker={"size": 5},
            line={"color": cell_colour(name, look.mode), "width": 2.2},
            hovertemplate="%{y:.3g} bits<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    named_level(fig, floor, "guessing", look)
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "bits per answer"}, "rangemode": "tozero"},
    )
    return fig


@Drawn
def looking_back(record: Beyond | None, look: Look = LIGHT, *, when: int = 1) -> Sketch:
    """The gradient of the last step's loss at each input before it, a line for each network; ``when`` is 0 for before
    training, 1 for now.

    Zeros have no place on a logarithmic axis: a line ends where the gradient is exactly 0, and the end is marked.
    """
    if record is None:
        return empty(look, _WAIT)
    norms = record.reach if when else record.first
    fig = figure(look, "a line ends where the gradient is exactly 0: that input cannot have any influence")
    lags = np.arange(norms.shape[1])
    for name, line in zip(record.networks, norms, strict=True):
        style = {"color": cell_colour(name, look.mode), "width": 2.2}
        add_reach(fig, lags, line, CELL_LABELS[name], style, beyond="exactly 0 beyond")
    fig.update_layout(
        xaxis={"title": {"text": "lag: steps before the answer"}},
        yaxis=log_axis("gradient ‖∂L/∂x‖ at the input", [LOWEST, _decade_above(norms)]),
    )
    return fig


def _decade_above(norms: Array) -> int:
    largest = float(np.nanmax(norms, initial=0.0))
    return LOWEST + 1 if largest <= 10.0**LOWEST else int(np.ceil(np.log10(largest)))


@Drawn
def attention(record: Beyond | None, look: Look = LIGHT, *, layer: int = 0) -> Sketch:
    """Whom each step of one sequence asks: rows ask, columns are asked; the mean of a layer's heads."""
    if record is None:
        return empty(look, _WAIT)
    maps = record.attention[min(layer, len(record.attention) - 1)]
    heads = f"mean of {len(maps)} heads" if len(maps) > 1 else "its only head"
    fig = figure(
        look, f"layer {layer + 1}, {heads}; rows sum to 1, and nobody asks what comes later", hovermode="closest"
    )
    weights = np.where(np.tri(record.length, dtype=bool), maps.mean(0), np.nan)
    draw_attention(fig, weights, look, top=max(0.2, float(np.nanmax(weights[-1]))))
    fig.update_layout(
        xaxis={"title": {"text": f"asked: step 1 holds the symbol ({record.text[0]})"}, "showgrid": False},
        yaxis={"title": {"text": f"asks: step {record.length} answers"}, "showgrid": False, "autorange": "reversed"},
    )
    return fig

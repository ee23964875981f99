"""Many layers: the gradient across time and depth in one picture, curves, and what is left of the error."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, named_level
from dashboard.theme import magnitude, with_alpha
from rnncore.records import ManyLayers

_WAIT = "The networks begin to train in a moment."
_SHADES = (0.4, 0.6, 0.8, 1.0)
"""Of the colour of one to four layers."""
LOWEST = -8
"""Decade from which on a gradient is drawn as none."""


def _colour(layers: int, residual: bool, look: Look) -> str:
    base = look.palette.accent if residual else look.palette.warning
    return with_alpha(base, _SHADES[layers - 1])


@Drawn
def across(record: ManyLayers | None, look: Look = LIGHT, *, depth: int = 4, when: int = 0) -> Sketch:
    """Layers against steps, once as they are and once with residual connections.

    Args:
        depth: layers, 1 to 4; of a single layer there is nothing to add.
        when: 0 before training, 1 now.
    """
    if record is None:
        return empty(look, _WAIT)
    depth = max(2, min(depth, int(record.layers.max())))
    maps = record.now if when else record.first
    places = [
        next(n for n in range(len(record.layers)) if record.layers[n] == depth and bool(record.residual[n]) == residual)
        for residual in (False, True)
    ]
    shown = [np.maximum(maps[place, :depth], 10.0 ** (LOWEST - 1)) for place in places]
    top = float(np.ceil(np.log10(np.nanmax(shown)))) if np.isfinite(np.nanmax(shown)) else 0.0
    fig = figure(look, "gradient of the last step's loss at each state, ‖∂L/∂h‖; decades", hovermode="closest")
    titles = (f"{depth} layers as they are", f"{depth} layers with residual connections")
    decades, small = list(range(LOWEST, int(top) + 1)), {"size": 11, "color": look.palette.quiet}
    for half, (values, title) in enumerate(zip(shown, titles, strict=True)):
        axis = "" if half == 0 else "2"
        fig.add_heatmap(
            z=finite(np.log10(values)), x=list(range(1, record.length + 1)), y=list(range(1, depth + 1)), xaxis="x",
            yaxis=f"y{axis}", zmin=LOWEST, zmax=top, colorscale=magnitude(look.mode), xgap=1, ygap=1,
            showscale=half == 0, customdata=finite(values),
            colorbar={"title": {"text": "gradient", "side": "right", "font": small}, "thickness": 10,
                      "tickfont": small, "outlinewidth": 0, "tickvals": decades,
                      "ticktext": [f"10<sup>{one}</sup>".replace("-", "−") for one in decades]},
            hovertemplate="layer %{y}, step %{x}: %{customdata:.1e}<extra></extra>",
        )  # fmt: skip
        fig.add_annotation(
            text=title, x=0, xref="paper", xanchor="left", y=1.0 if half == 0 else 0.45, yref="paper",
            yanchor="bottom", showarrow=False, font={"size": 12, "color": look.palette.quiet},
        )  # fmt: skip
    layers = {"title": {"text": "layer"}, "tickvals": list(range(1, depth + 1)), "showgrid": False}
    fig.update_layout(
        xaxis={"title": {"text": "step; the answer is asked for at the last one"}, "showgrid": False, "anchor": "y2"},
        yaxis=layers | {"domain": [0.55, 1]}, yaxis2=layers | {"domain": [0, 0.45]}, margin={"t": 30},
    )  # fmt: skip
    return fig


@Drawn
def curves(record: ManyLayers | None, look: Look = LIGHT) -> Sketch:
    """Error over training of all stacks."""
    if record is None or not len(record.steps):
        return empty(look, _WAIT)
    fig = figure(look, "mean squared error in training; dashed: with residual connections")
    for name, layers, residual, line in zip(record.names, record.layers, record.residual, record.curves, strict=True):
        fig.add_scatter(
            x=record.steps, y=finite(line), mode="lines", name=name,
            line={"color": _colour(int(layers), bool(residual), look), "width": 2.2,
                  "dash": "dash" if residual else "solid"},
            hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    for level, text in ((record.floor, "always 1"), (record.solved_at, "solved")):
        named_level(fig, level, text, look, log=True)
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"type": "log", "title": {"text": "mean squared error"}, "exponentformat": "power", "dtick": 1},
    )
    return fig


@Drawn
def errors(record: ManyLayers | None, look: Look = LIGHT) -> Sketch:
    """What is left of the error on rows never trained on, against the number of layers."""
    if record is None:
        return empty(look, _WAIT)
    if not np.isfinite(record.scores).any():
        return empty(look, "The networks are examined when all have been trained.")
    low, high = (f"{value:,}" for value in (record.parameters.min(), record.parameters.max()))
    fig = figure(look, f"on rows never trained on; {low} to {high} weights each", hovermode="closest")
    for residual, name, colour in (
        (False, "as they are", look.palette.warning), (True, "with residual connections", look.palette.accent),
    ):  # fmt: skip
        chosen = np.nonzero(record.residual == residual)[0]
        if residual:
            chosen = np.concatenate([[0], chosen])  # one layer has nothing to add
        fig.add_scatter(
            x=record.layers[chosen], y=finite(record.scores[chosen]), mode="lines+markers", name=name,
            line={"color": colour, "width": 2.4}, marker={"size": 9},
            customdata=[
                f"{record.layers[n]} × {record.sizes[n]} units, {record.milliseconds[n]:.3g} ms a step" for n in chosen
            ],
            hovertemplate="%{customdata}: %{y:.2g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    named_level(fig, record.solved_at, "solved", look, log=True)
    fig.update_layout(
        xaxis={"title": {"text": "layers"}, "tickvals": [1, 2, 3, 4]},
        yaxis={"type": "log", "title": {"text": "mean squared error"}, "exponentformat": "power", "dtick": 1},
    )
    return fig

"""All cells side by side: how far the gradient reaches at the start, and what a step costs."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite
from dashboard.figures.decades import log_axis
from dashboard.theme import cell_colour
from rnncore.config import CELL_LABELS
from rnncore.records import Cells

_WAIT = "The cells are measured one after the other."


@Drawn
def reach(record: Cells | None, look: Look = LIGHT) -> Sketch:
    """The gradient against the lag, a line for each cell."""
    if record is None:
        return empty(look, _WAIT)
    fig = figure(look, f"{record.hidden_size} units, freshly initialised, standard normal inputs; relative to lag 0")
    for cell, norms in zip(record.cells, record.norms, strict=True):
        if not np.isfinite(norms).any() or not norms[0]:
            continue
        fig.add_scatter(
            x=list(range(len(norms))), y=finite(np.maximum(norms / norms[0], 1e-12)), mode="lines",
            name=CELL_LABELS[cell], line={"color": cell_colour(cell, look.mode), "width": 1.8},
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "lag: steps before the loss"}},
        yaxis=log_axis("gradient ‖∂L/∂s‖ of the state", [-8, 1.5]),
        legend={"orientation": "v", "x": 1.01, "y": 1, "xanchor": "left", "yanchor": "top"}, margin={"r": 130},
    )  # fmt: skip
    return fig


@Drawn
def factors(record: Cells | None, look: Look = LIGHT) -> Sketch:
    """The factor per step as bars, the widest reach on top."""
    if record is None:
        return empty(look, _WAIT)
    order = [n for n in np.argsort(record.factors) if np.isfinite(record.factors[n])]
    fig = figure(look, "1 keeps the gradient as it is; half of it is left after one step at .5", hovermode="closest")
    _bars(fig, record, order, record.factors, look, "%{text} a step")
    line = {"color": look.palette.quiet, "width": 1}
    fig.add_shape(type="line", x0=1, x1=1, y0=-0.5, y1=len(order) - 0.5, line=line, layer="below")
    fig.update_layout(xaxis={"title": {"text": "factor per step at the start"}, "rangemode": "tozero"})
    return fig


@Drawn
def speed(record: Cells | None, look: Look = LIGHT) -> Sketch:
    """Time of a step relative to torch's fused LSTM, on a logarithmic axis."""
    if record is None or not np.isfinite(record.median).all():
        return empty(look, "The clock starts when all gradients are known.")
    relative = record.median / record.value("lstm", record.median)
    order = list(np.argsort(-relative))
    milliseconds = record.value("lstm", record.median)
    caption = f"T = {record.length}, B = {record.batch}, H = {record.hidden_size}; the fused LSTM takes "
    fig = figure(look, caption + f"{milliseconds:.3g} ms", hovermode="closest")
    _bars(fig, record, order, relative, look, "%{text} times the fused LSTM")
    fig.update_layout(
        xaxis={"title": {"text": "time of forward and backward pass, LSTM = 1"}, "rangemode": "tozero"},
    )
    return fig


def _bars(fig: Sketch, record: Cells, order: list[int], values: np.ndarray, look: Look, hover: str) -> None:
    cells = [record.cells[n] for n in order]
    fig.add_bar(
        x=[float(values[n]) for n in order], y=[CELL_LABELS[cell] for cell in cells], orientation="h",
        marker={"color": [cell_colour(cell, look.mode) for cell in cells]}, showlegend=False,
        text=[f"{values[n]:.3g}" for n in order], textposition="outside", cliponaxis=False,
        customdata=[int(record.parameters[n]) for n in order],
        hovertemplate="%{y}: " + hover + "<br>%{customdata:,} parameters<extra></extra>",
    )  # fmt: skip
    fig.update_layout(yaxis={"automargin": True, "showgrid": False}, margin={"r": 50})

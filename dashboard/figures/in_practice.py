"""Cells and learning rates: a map of the adding problem, its curves, and parity."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, named_level
from dashboard.figures.decades import log_marks
from dashboard.theme import cell_colour, magnitude
from rnncore.config import CELL_LABELS
from rnncore.records import InPractice

_WAIT = "The map fills when the runs begin."


@Drawn
def rates_map(record: InPractice | None, look: Look = LIGHT, *, rate: int = 2) -> Sketch:
    """The error of each cell with each learning rate, the deeper the better; a frame around what is solved.

    ``rate`` is the column whose curves are shown beside it: its name is in bold.
    """
    if record is None:
        return empty(look, _WAIT)
    of = "on held-out rows" if record.share >= 1 else "in training so far"
    fig = figure(look, f"mean squared error {of}; framed: solved, below {record.solved_at:g}", hovermode="closest")
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = -np.log10(record.scores)
    fig.add_heatmap(
        z=finite(depth), x=list(range(len(record.rates))), y=list(range(len(record.cells))), zmin=0.4, zmax=4.2,
        colorscale=magnitude(look.mode), showscale=False, xgap=3, ygap=3,
        text=[[_error(value) for value in row] for row in record.scores], texttemplate="%{text}",
        textfont={"size": 13}, hovertemplate="error %{text}<extra></extra>",
    )  # fmt: skip
    for row, column in zip(*np.nonzero(record.solved), strict=True):
        fig.add_shape(
            type="rect", x0=column - 0.47, x1=column + 0.47, y0=row - 0.46, y1=row + 0.46,
            line={"color": look.palette.good, "width": 3},
        )  # fmt: skip
    for row, column in zip(*np.nonzero(~np.isfinite(record.scores)), strict=True):
        fig.add_annotation(
            x=column, y=row, text="diverged", showarrow=False, font={"size": 12, "color": look.palette.bad}
        )
    fig.update_layout(
        xaxis={"title": {"text": "learning rate"}, "showgrid": False, "tickvals": list(range(len(record.rates))),
               "ticktext": [f"<b>{lr:g}</b>" if at == rate else f"{lr:g}" for at, lr in enumerate(record.rates)]},
        yaxis={"showgrid": False, "tickvals": list(range(len(record.cells))), "automargin": True,
               "ticktext": [CELL_LABELS[cell] for cell in record.cells],
               "range": [len(record.cells) - 0.5, -0.5]},
    )  # fmt: skip
    return fig


@Drawn
def rate_curves(record: InPractice | None, look: Look = LIGHT, *, rate: int = 2) -> Sketch:
    """Error over training of all cells at one learning rate, and what always answering 1 costs."""
    if record is None:
        return empty(look, "The curves of training appear here.")
    rate = min(rate, len(record.rates) - 1)
    fig = figure(look, f"learning rate {record.rates[rate]:g}; mean of each turn")
    for cell, curves in zip(record.cells, record.curves, strict=True):
        fig.add_scatter(
            x=record.steps, y=finite(curves[rate]), mode="lines+markers", name=CELL_LABELS[cell], marker={"size": 5},
            line={"color": cell_colour(cell, look.mode), "width": 2.2},
            hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    for level, text in ((record.floor, "always 1"), (record.solved_at, "solved")):
        named_level(fig, level, text, look, log=True)
    fig.update_layout(
        xaxis={"title": {"text": "step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "mean squared error"}} | log_marks(fig, record.floor, record.solved_at),
    )
    return fig


@Drawn
def parity_curves(record: InPractice | None, look: Look = LIGHT) -> Sketch:
    """Loss on parity over training, one line per cell, and at the end how many answers are right."""
    if record is None:
        return empty(look, "Parity appears here when the runs begin.")
    done = np.isfinite(record.parity_right).any()
    said = "right at up to 200 bits: " + ", ".join(
        f"{CELL_LABELS[cell]} {_share(longer)}"
        for cell, (_, longer) in zip(record.cells, record.parity_right, strict=True)
    )
    fig = figure(look, said if done else "bits per answer; 1 is guessing")
    for cell, curve in zip(record.cells, record.parity_curves, strict=True):
        fig.add_scatter(
            x=record.parity_steps, y=finite(curve), mode="lines+markers", name=CELL_LABELS[cell], marker={"size": 5},
            line={"color": cell_colour(cell, look.mode), "width": 2.2},
            hovertemplate="%{y:.3g} bits<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "bits per answer"}, "rangemode": "tozero"},
    )
    return fig


def _error(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"


def _share(value: float) -> str:
    return f"{100 * value:.0f}%" if np.isfinite(value) else "–"

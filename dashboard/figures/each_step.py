"""What a network expects at each step, what each step costs, and how both came about in training."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, shown, smooth, thin
from dashboard.figures.decades import log_marks
from dashboard.theme import GATE_COLOURS, MONO, cell_colour, magnitude
from rnncore.records import EachStep
from rnncore.records.each_step import HIGH, OWN, TRUTH

NAMES = ("fed the text", "fed its own output", "one wrong character")
_COLOURS = ("f", "o", "r")  # of the gates: three that stay apart
LATEST = 99
"""A moment: the newest one."""


def _moment(record: EachStep, moment: int) -> int:
    return min(moment, len(record.steps) - 1)


@Drawn
def expectations(record: EachStep | None, look: Look = LIGHT, *, moment: int = LATEST, fed: int = TRUTH) -> Sketch:
    """The readout: how likely each character is next, at each step; circles: what the text has next."""
    if record is None:
        return empty(look, "What it expects appears here with the first step of training.")
    at = _moment(record, moment)
    odds, read = record.probabilities[at, fed], record.fed[at, fed]
    steps = list(range(len(read)))
    letters = [shown(letter) for letter in record.letters]
    fig = figure(look, f"after {record.steps[at]:,} training steps, {NAMES[fed]}", hovermode="closest")
    fig.add_heatmap(
        z=odds.T.astype(np.float32), x=steps, y=list(range(len(letters))), zmin=0, zmax=1, xgap=1, ygap=1,
        colorscale=magnitude(look.mode), colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%"},
        text=[[letter] * len(steps) for letter in letters], 
        hovertemplate="%{z:.1%} for ‘%{text}’ at step %{x}<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        x=steps, y=record.targets, mode="markers", showlegend=False, hoverinfo="skip",
        marker={"size": 11, "symbol": "circle-open", "color": look.palette.warning, "line": {"width": 2.5}},
    )  # fmt: skip
    own = [fed == OWN and step >= record.primer for step in steps]
    odd = [record.fed[at, TRUTH, step] != read[step] for step in steps]
    fig.update_layout(
        xaxis={"title": {"text": "read at each step" + (", its own in italics" if any(own) else "")},
               "tickvals": steps, "ticktext": [
                   _read(record.letters[place], mine, wrong, look)
                   for place, mine, wrong in zip(read, own, odd, strict=True)],
               "showgrid": False, "tickfont": {"family": MONO, "size": 13}, "tickangle": 0},
        yaxis={"title": {"text": "expected next"}, "tickvals": list(range(len(letters))), "ticktext": letters,
               "showgrid": False, "tickfont": {"family": MONO, "size": 13},
               "range": [len(letters) - 0.5, -0.5]},
    )  # fmt: skip
    return fig


def _read(letter: str, own: bool, wrong: bool, look: Look) -> str:
    text = f"<i>{shown(letter)}</i>" if own else shown(letter)
    return f"<span style='color:{look.palette.bad}'><b>{text}</b></span>" if wrong else text


@Drawn
def costs(record: EachStep | None, look: Look = LIGHT, *, moment: int = LATEST) -> Sketch:
    """What the text's next character costs at each step, in the three readings."""
    if record is None:
        return empty(look, "The loss of each step appears here.")
    at = _moment(record, moment)
    fig = figure(look, f"nats, after {record.steps[at]:,} training steps; dotted: a guess, and a tenth of a nat")
    steps = np.arange(len(record.targets))
    for name, symbol, row in zip(NAMES, _COLOURS, record.costs[at], strict=True):
        fig.add_scatter(
            x=steps, y=np.maximum(row, 1e-6).astype(np.float32), mode="lines+markers", name=name, marker={"size": 5},
            line={"color": GATE_COLOURS[symbol][look.mode], "width": 2},
            hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    for level in (np.log(len(record.letters)), HIGH):
        fig.add_shape(
            type="line", x0=0, x1=1, xref="paper", y0=level, y1=level,
            line={"color": look.palette.quiet, "width": 1.2, "dash": "dot"},
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "step"}}, hovermode="x unified",
        yaxis={"title": {"text": "loss of the step, nats"}} | log_marks(fig),
    )  # fmt: skip
    return fig


@Drawn
def course(record: EachStep | None, look: Look = LIGHT, *, moment: int = LATEST) -> Sketch:
    """The mean loss over training, and the moments that can be looked at."""
    if record is None or not len(record.losses):
        return empty(look, "The course of training appears here.")
    at = _moment(record, moment)
    fig = figure(look, f"mean over all steps, now {record.losses[-1]:.3f} nats; the line is the moment shown")
    x, y = thin(np.arange(1, len(record.losses) + 1), smooth(record.losses, 3))
    fig.add_scatter(
        x=x, y=y, mode="lines", name="loss", showlegend=False,
        line={"color": cell_colour(record.cell, look.mode), "width": 2},
        hovertemplate="%{y:.3f} nats at step %{x:,}<extra></extra>",
    )  # fmt: skip
    fig.add_vline(x=max(int(record.steps[at]), 1), line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "type": "log", "dtick": 1},
        yaxis={"title": {"text": "nats per character"}, "rangemode": "tozero"},
    )
    return fig

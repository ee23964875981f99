"""Three ways to read any number of inputs: how right each is, how it learned, and what it needs."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import CELL_COLOURS, SPARE_COLOURS, with_alpha
from rnncore.records import VariableLength

WORDS = {"padded": "padded with zeros", "unshared": "a layer per input", "shared": "the same layer for all"}
_PERCENT = {"tickformat": ".0%", "range": [0.45, 1.02], "title": {"text": "right answers"}}


def _colour(network: str, look: Look) -> str:
    """The recurrent network has its cell's colour."""
    if network == "shared":
        return CELL_COLOURS["rnn_tanh"][look.mode]
    return SPARE_COLOURS[look.mode][("padded", "unshared").index(network)]


@Drawn
def accuracy_by_length(record: VariableLength | None, look: Look = LIGHT) -> Sketch:
    """The newest share of right answers against the length, with the best that can be had from the first inputs."""
    if record is None:
        return empty(look, "Right answers at each length appear here when the networks are trained.")
    best = record.networks[int(record.longer[:, -1].argmax())]
    fig = figure(look, f"step {record.step:,}; beyond {record.longest} inputs best: {WORDS[best]}")
    _shade(fig, record, look)
    for network, shares in zip(record.networks, record.by_length, strict=True):
        fig.add_scatter(
            x=record.lengths, y=shares.astype(np.float32), mode="lines", name=WORDS[network],
            line={"color": _colour(network, look), "width": 2.2}, hovertemplate="%{y:.1%} at %{x} inputs",
        )  # fmt: skip
    fig.add_scatter(
        x=record.lengths, y=record.ceiling.astype(np.float32), mode="lines",
        name=f"at best, from the first {record.room}",
        line={"color": look.palette.quiet, "width": 1.4, "dash": "dot"}, hovertemplate="%{y:.1%} at best",
    )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "length, inputs"}, "range": [0.5, 2 * record.longest + 0.5]}, yaxis=_PERCENT
    )
    return fig


def _shade(fig: Sketch, record: VariableLength, look: Look) -> None:
    fig.add_shape(
        type="rect", x0=0.5, x1=record.longest + 0.5, y0=0, y1=1, yref="paper", layer="below", line={"width": 0},
        fillcolor=with_alpha(look.palette.accent, 0.08),
    )  # fmt: skip
    fig.add_annotation(
        text="trained", x=record.longest + 0.5, xanchor="right", y=0.02, yref="paper", yanchor="bottom",
        showarrow=False, font={"size": 11, "color": look.palette.quiet},
    )  # fmt: skip


@Drawn
def accuracy_over_training(record: VariableLength | None, look: Look = LIGHT) -> Sketch:
    """Right answers on trained lengths (thin) and on longer ones (strong) against the step."""
    if record is None:
        return empty(look, "The course of training appears here.")
    fig = figure(look, "strong: longer than any of training; thin: lengths of training")
    for network, trained, longer in zip(record.networks, record.trained, record.longer, strict=True):
        colour = _colour(network, look)
        for values, width, opacity, what in ((trained, 1.2, 0.6, "trained lengths"), (longer, 2.4, 1.0, "longer")):
            fig.add_scatter(
                x=record.steps, y=values.astype(np.float32), mode="lines", name=WORDS[network], opacity=opacity,
                line={"color": colour, "width": width}, showlegend=False,
                hovertemplate=f"%{{y:.1%}}, {what}<extra>{WORDS[network]}</extra>",
            )  # fmt: skip
    fig.update_layout(xaxis={"title": {"text": "step"}, "rangemode": "tozero"}, yaxis=_PERCENT)
    return fig


@Drawn
def needs(record: VariableLength | None, look: Look = LIGHT, what: int = 0) -> Sketch:
    """What each network needs: weights against the longest input (what=0), or work against the actual one (what=1)."""
    if record is None:
        return empty(look, "Weights and work of the three networks appear here.")
    x, rows = ((record.sizes, record.parameters_by_size), (record.lengths, record.multiplications))[what]
    caption = "counted for networks of that size" if what == 0 else "products in one forward pass"
    fig = figure(look, caption)
    for network, values in zip(record.networks, rows, strict=True):
        fig.add_scatter(
            x=x, y=values, mode="lines", name=WORDS[network], showlegend=False,
            line={"color": _colour(network, look), "width": 2.2},
            hovertemplate="%{y:,}<extra>" + WORDS[network] + "</extra>",
        )  # fmt: skip
    axis = (
        ("longest input that it is built for", "weights") if what == 0 else ("actual length, inputs", "multiplications")
    )
    fig.update_layout(
        xaxis={"title": {"text": axis[0]}, "rangemode": "tozero"},
        yaxis={"title": {"text": axis[1]}, "rangemode": "tozero", "tickformat": ",~s"},
    )
    return fig

"""A small recurrent network drawn folded and unrolled, with its real activations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import cell_colour, diverging, with_alpha
from rnncore.records import Array, Unrolled

HEIGHT = 430
_DEEP = 1.1  # activations beyond are filled so deeply that their number stands in the card's colour
_WAIT = "The drawing appears here in a moment."
_ROWS = {"x": 0.0, "h": 1.6, "y": 3.2}
_APART = 0.62  # between the nodes of a layer
_SLANT = 0.26  # hidden nodes rise from left to right, so that what connects the steps does not lie on one line


class _Nodes(NamedTuple):
    """Where the nodes of one layer stand."""

    x: Array
    y: Array


def _layer(which: str, count: int, middle: float) -> _Nodes:
    off = np.arange(count) - (count - 1) / 2
    return _Nodes(middle + off * _APART, _ROWS[which] + off * (_SLANT if which == "h" else 0.0))


class _Drawing:
    """Lines first, nodes on top of them."""

    def __init__(self, fig: Sketch, look: Look):
        self.fig, self.look = fig, look
        self.nodes: list[tuple[_Nodes, Array, str]] = []

    def connect(self, below: _Nodes, above: _Nodes, weights: Array, strong: bool) -> None:
        """A line for each weight, (above, below): blue for positive, orange for negative, as wide as it is large."""
        scale = diverging(self.look.mode)
        most = float(np.abs(weights).max()) or 1.0
        for to in range(len(above.x)):
            for start in range(len(below.x)):
                value = float(weights[to, start])
                colour = str(scale[-1][1] if value > 0 else scale[0][1])
                self.fig.add_shape(
                    type="line", layer="below", x0=below.x[start], y0=below.y[start], x1=above.x[to], y1=above.y[to],
                    line={"color": with_alpha(colour, 0.85 if strong else 0.3), "width": 0.6 + 2.6 * abs(value) / most},
                )  # fmt: skip

    def place(self, nodes: _Nodes, values: Array, name: str) -> None:
        """A layer with its activations."""
        self.nodes.append((nodes, values, name))

    def finish(self, size: float, digits: int) -> None:
        """All nodes in one trace: filled by sign and size, with their numbers."""
        values = np.concatenate([values for _, values, _ in self.nodes])
        self.fig.add_scatter(
            x=np.concatenate([nodes.x for nodes, _, _ in self.nodes]),
            y=np.concatenate([nodes.y for nodes, _, _ in self.nodes]),
            mode="markers+text" if digits else "markers",
            text=[f"{value:.{digits}f}".replace("-", "−") for value in values] if digits else None,
            textfont={"size": 10 if digits < 2 else 11, "color": [
                self.look.palette.card if abs(value) > _DEEP else self.look.palette.ink for value in values]},
            marker={"size": size, "color": values, "cmin": -1.5, "cmax": 1.5, "colorscale": diverging(self.look.mode),
                    "line": {"width": 1.4, "color": self.look.palette.quiet}},
            customdata=[f"{name}{place}" for nodes, _, name in self.nodes for place in range(len(nodes.x))],
            hovertemplate="%{customdata} = %{marker.color:.4f}<extra></extra>", showlegend=False, cliponaxis=False,
        )  # fmt: skip

    def label(self, text: str, x: float, y: float, **style: object) -> None:
        """Words."""
        font = {"size": 14, "color": self.look.palette.quiet}
        self.fig.add_annotation(**{"text": text, "x": x, "y": y, "showarrow": False, "font": font} | style)


def _canvas(look: Look, caption: str, left: float, right: float) -> Sketch:
    fig = figure(look, caption, height=HEIGHT, hovermode="closest")
    fig.layout["meta"]["bare"] = True  # nothing to zoom into
    fig.update_layout(
        margin={"l": 6, "r": 6, "t": 6, "b": 6}, dragmode=False,
        xaxis={"visible": False, "range": [left, right], "fixedrange": True},
        yaxis={"visible": False, "range": [-0.75, 3.8], "fixedrange": True},
    )  # fmt: skip
    return fig


@Drawn
def folded(record: Unrolled | None, look: Look = LIGHT, *, t: int = 0) -> Sketch:
    """One layer with a loop, and the activations of one step in it."""
    if record is None:
        return empty(look, _WAIT)
    t = min(t, record.depth - 1)
    wide = max(record.weight.shape[0], 2) * _APART / 2
    fig = _canvas(look, f"at step {t + 1}", -wide - 0.6, wide + 1.5)
    drawing = _Drawing(fig, look)
    x, h, y = (_layer(name, len(row[t]), 0.0) for name, row in _rows(record))
    drawing.connect(x, h, record.weight, strong=True)
    drawing.connect(h, y, record.readout, strong=True)
    edge, colour = float(h.x[-1]), cell_colour("rnn_tanh", look.mode)
    far, up = edge + 0.85, float(h.y[-1])
    fig.add_shape(
        type="path", line={"color": colour, "width": 3}, layer="below",
        path=f"M {edge + 0.2},{up + 0.12} C {far},{up + 0.75} {far},{up - 0.75} {edge + 0.27},{up - 0.14}",
    )  # fmt: skip
    fig.add_annotation(
        x=edge + 0.2, y=up - 0.1, ax=edge + 0.42, ay=up - 0.3, xref="x", yref="y", axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowwidth=3, arrowcolor=colour,
    )  # fmt: skip
    for (name, row), nodes in zip(_rows(record), (x, h, y), strict=True):
        drawing.place(nodes, row[t], f"{name}<sub>{t + 1}</sub>, number ")
    drawing.finish(38, 2)
    drawing.label("<b>U</b>", far - 0.02, up, font={"size": 17, "color": colour})
    for text, at in (("W", 0.8), ("V", 2.4)):
        drawing.label(f"<b>{text}</b>", -wide - 0.3, at, font={"size": 17, "color": look.palette.ink})
    for name, _ in _rows(record):
        drawing.label(f"{name}<sub>t</sub>", -wide - 0.4, _ROWS[name])
    return fig


@Drawn
def unrolled(record: Unrolled | None, look: Look = LIGHT, *, t: int = 0) -> Sketch:
    """The same network once for each step; the chosen step in a frame."""
    if record is None:
        return empty(look, _WAIT)
    t = min(t, record.depth - 1)
    size = max(*record.weight.shape, len(record.readout))
    apart = size * _APART + 0.5
    fig = _canvas(
        look, f"{record.depth} layers, all with the same W, U and b; framed: step {t + 1}",
        -apart * 0.62, (record.depth - 1) * apart + apart * 0.62,
    )  # fmt: skip
    drawing = _Drawing(fig, look)
    fig.add_shape(
        type="rect", layer="below", x0=(t - 0.47) * apart, x1=(t + 0.47) * apart, y0=-0.7, y1=3.75,
        fillcolor=with_alpha(look.palette.accent, 0.1), line={"color": look.palette.accent, "width": 1.5},
    )  # fmt: skip
    before: _Nodes | None = None
    for step in range(record.depth):
        layers = [_layer(name, len(row[step]), step * apart) for name, row in _rows(record)]
        x, h, y = layers
        strong = step == t
        drawing.connect(x, h, record.weight, strong=strong)
        drawing.connect(h, y, record.readout, strong=strong)
        if before is not None:
            drawing.connect(before, h, record.back, strong=strong)
        before = h
        for (name, row), nodes in zip(_rows(record), layers, strict=True):
            drawing.place(nodes, row[step], f"{name}<sub>{step + 1}</sub>, number ")
        drawing.label(f"step {step + 1}", step * apart, -0.5, font={
            "size": 13, "color": look.palette.ink if strong else look.palette.quiet})  # fmt: skip
    roomy = record.depth * size <= 15
    drawing.finish(29 if roomy else 20, 1 if roomy else 0)
    return fig


def _rows(record: Unrolled) -> tuple[tuple[str, Array], ...]:
    return (("x", record.inputs), ("h", record.hidden), ("y", record.outputs))


@Drawn
def counted(record: Unrolled | None, look: Look = LIGHT) -> Sketch:
    """What training can change, folded, unrolled with shared weights, and unrolled with a copy for each layer."""
    if record is None:
        return empty(look, _WAIT)
    fig = figure(look, "parameters, each counted once", hovermode="closest", showlegend=False)
    values = [record.parameters, record.shared, record.copied]
    colour = cell_colour("rnn_tanh", look.mode)
    fig.add_bar(
        y=["folded", "unrolled, shared", "unrolled, copies"], x=values, orientation="h",
        text=[str(one) for one in values], textposition="outside", cliponaxis=False, width=0.55,
        marker={"color": [colour, colour, look.palette.line]}, hovertemplate="%{x} parameters<extra>%{y}</extra>",
    )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "numbers that training can change"}, "range": [0, 1.15 * max(values)]},
        yaxis={"autorange": "reversed", "automargin": True, "showgrid": False},
    )
    return fig

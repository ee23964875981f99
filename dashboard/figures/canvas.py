"""Boxes, signs and arrows: what drawings of a cell are made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from dashboard.figures.base import Look, Sketch

NODE = 13
"""Pixels, radius of ⊙ and + with a little room."""
Place = tuple[float, float]


@dataclass
class Canvas:
    """What is on it so far. Places are in the drawing's own units, sizes of letters and lines in pixels.

    Attributes:
        fig: the figure.
        look: its look.
        scale: how much larger than usual letters and signs are.
        nodes: where ⊙ and + stand: arrows leave room around them.
    """

    fig: Sketch
    look: Look
    scale: float = field(default=1.0, kw_only=True)
    nodes: set[Place] = field(default_factory=set, kw_only=True)

    def fit(self, wide: float, tall: float) -> None:
        """Show all of the drawing's units, and nothing beside it."""
        self.fig.layout["meta"]["bare"] = True  # nothing to zoom into: no buttons over the drawing
        self.fig.update_layout(
            margin={"l": 4, "r": 4, "t": 4, "b": 4},
            xaxis={"visible": False, "range": [0, wide], "fixedrange": True},
            yaxis={"visible": False, "range": [0, tall], "fixedrange": True},
            dragmode=False,
        )

    def label(self, text: str, x: float, y: float, colour: str = "", *, size: float = 12, **style: Any) -> None:
        """Words."""
        font = {"size": size * self.scale, "color": colour or self.look.palette.quiet}
        self.fig.add_annotation(text=text, x=x, y=y, showarrow=False, font=font, **style)

    def rect(self, x0: float, y0: float, x1: float, y1: float, **style: Any) -> None:
        """A rectangle behind everything else."""
        self.fig.add_shape(type="rect", x0=x0, y0=y0, x1=x1, y1=y1, layer="below", **style)

    def node(self, sign: str, x: float, y: float, about: str = "") -> None:
        """⊙ or +, before the arrows that end there."""
        self.nodes.add((x, y))
        palette, scale = self.look.palette, self.scale
        font = {"size": (16 if len(sign) == 1 else 11) * scale, "color": palette.ink}
        self.fig.add_scatter(
            x=[x], y=[y], mode="markers+text", text=[sign], textfont=font,
            marker={"size": 22 * scale, "color": palette.card, "line": {"width": 1.4, "color": palette.quiet}},
            hovertemplate=f"{about}<extra></extra>", showlegend=False, cliponaxis=False,
        )  # fmt: skip

    def arrow(self, *way: Place, colour: str, width: float, dash: str = "solid") -> None:
        """An arrow along some corners; its head is solid where its line is not."""
        line = {"color": colour, "width": width, "dash": dash}
        solid = dash == "solid"
        for (x0, y0), (x1, y1) in itertools.pairwise(way[:-1] if solid else way):
            self.fig.add_shape(type="line", x0=x0, y0=y0, x1=x1, y1=y1, line=line, layer="below")
        (x0, y0), (x1, y1) = way[-2:]
        room = NODE * self.scale
        if not solid:
            x0, y0 = x1 - 0.1 * (x1 - x0), y1 - 0.1 * (y1 - y0)
        self.fig.add_annotation(
            x=x1, y=y1, ax=x0, ay=y0, xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
            arrowhead=2, arrowwidth=width, arrowsize=max(0.5, 2.2 - 0.4 * width), arrowcolor=colour,
            standoff=room if way[-1] in self.nodes else 0, startstandoff=room if way[-2] in self.nodes else 0,
        )  # fmt: skip

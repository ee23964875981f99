"""What every figure shares: whose data it is, how it looks, empty states, thinning, and readable characters.

A figure is drawn as a ``Sketch`` of plain values. Called, it is a checked ``go.Figure``, for pages, exports and
tests; its ``plain`` form is the same thing unchecked, for the live page: plotly's checks take nine tenths of the
time, and an update has 25 ms.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Generic, ParamSpec

import numpy as np
import plotly.graph_objects as go

from dashboard.theme import PALETTES, Mode, Palette, cell_colour, template, with_alpha
from rnncore.records import Array

MOST_POINTS = 600
"""Points of a line that are sent: more than a screen has columns for."""


@dataclass(frozen=True)
class Look:
    """Light or dark, and the token that keeps zoom and legend over updates (see Plotly's uirevision)."""

    mode: Mode = "light"
    uirevision: str = ""

    @property
    def palette(self) -> Palette:
        """The mode's colours."""
        return PALETTES[self.mode]


LIGHT = Look()


@dataclass(frozen=True)
class Line:
    """Which run a line belongs to: its name in the legend, its cell's colour, dashes where colours coincide."""

    label: str
    cell: str
    dash: str = "solid"

    def style(self, look: Look, width: float = 2.0, **changes: Any) -> dict[str, Any]:
        """Plotly's line settings."""
        return {"color": cell_colour(self.cell, look.mode), "width": width, "dash": self.dash} | changes


DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def lines(labels_and_cells: list[tuple[str, str]]) -> list[Line]:
    """One line style per run; further runs of a cell type are dashed, each in its own way."""
    cells = [cell for _, cell in labels_and_cells]
    return [
        Line(label, cell, DASHES[cells[:index].count(cell) % len(DASHES)])
        for index, (label, cell) in enumerate(labels_and_cells)
    ]


class Sketch:
    """A figure in the making: traces and layout as plain values, added as to a ``go.Figure``."""

    def __init__(self, mode: Mode, layout: dict[str, Any]):
        self.mode = mode
        self.data: list[dict[str, Any]] = []
        self.layout = layout

    def add_scatter(self, **trace: Any) -> None:
        """A trace of type scatter."""
        self.data.append({"type": "scatter", **trace})

    def add_heatmap(self, **trace: Any) -> None:
        """A trace of type heatmap."""
        self.data.append({"type": "heatmap", **trace})

    def add_bar(self, **trace: Any) -> None:
        """A trace of type bar."""
        self.data.append({"type": "bar", **trace})

    def add_shape(self, **shape: Any) -> None:
        """A shape of the layout."""
        self.layout.setdefault("shapes", []).append(shape)

    def add_vline(self, x: float, **shape: Any) -> None:
        """A line from the bottom of the plot to its top."""
        self.add_shape(type="line", x0=x, x1=x, xref="x", y0=0, y1=1, yref="y domain", **shape)

    def add_annotation(self, **annotation: Any) -> None:
        """An annotation of the layout."""
        self.layout.setdefault("annotations", []).append(annotation)

    def update_layout(self, **layout: Any) -> None:
        """Set parts of the layout, each as a whole."""
        self.layout |= layout

    @property
    def plain(self) -> dict[str, Any]:
        """Traces and layout, without the template."""
        return {"data": self.data, "layout": self.layout}

    @property
    def figure(self) -> go.Figure:
        """The same, checked by plotly, in the house's look."""
        return go.Figure(data=self.data, layout={"template": template(self.mode)} | self.layout)


P = ParamSpec("P")


class Drawn(Generic[P]):
    """Decorates a function that draws a sketch: called, it gives a ``go.Figure``."""

    def __init__(self, draw: Callable[P, Sketch]):
        self.draw = draw
        update_wrapper(self, draw)

    def __call__(self, *args: P.args, **options: P.kwargs) -> go.Figure:
        """The figure, checked by plotly."""
        return self.draw(*args, **options).figure

    def plain(self, *args: P.args, **options: P.kwargs) -> dict[str, Any]:
        """The figure as plain values, unchecked and without its template."""
        return self.draw(*args, **options).plain


MANY = 3
"""From so many runs on a caption says of each the one number that tells most; the legend has their names as well."""


def figure(look: Look, caption: str = "", *, height: int | None = None, **layout: Any) -> Sketch:
    """An empty figure in the house's look; ``caption`` says in words what it shows."""
    meta: dict[str, Any] = {"caption": caption}
    if height is not None:
        meta["height"] = height
    return Sketch(look.mode, {"uirevision": look.uirevision, "meta": meta, "autosize": True} | layout)


def empty(look: Look, message: str) -> Sketch:
    """A figure that says why there is nothing to draw, and what to do."""
    own = Look(look.mode, f"{look.uirevision}|empty")  # else plotly.js keeps this one's axes for the figure to come
    return figure(
        own,
        xaxis={"visible": False},
        yaxis={"visible": False},
        annotations=[
            {
                "text": message,
                "showarrow": False,
                "xref": "paper",
                "yref": "paper",
                "x": 0.5,
                "y": 0.5,
                "font": {"size": 13, "color": look.palette.quiet},
            }
        ],
    )


def shade_trained(fig: Sketch, trained: float, look: Look, **words: Any) -> None:
    """A quiet ground from 0 to the greatest length of training, and words on it: an annotation's settings."""
    fig.add_shape(
        type="rect", x0=0, x1=trained, y0=0, y1=1, yref="paper", layer="below", line={"width": 0},
        fillcolor=with_alpha(look.palette.accent, 0.09),
    )  # fmt: skip
    usual = {"x": trained, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    fig.add_annotation(**usual | {"font": {"size": 10, "color": look.palette.quiet}} | words)


def named_level(fig: Sketch, level: float, text: str, look: Look, *, log: bool = False) -> None:
    """A dotted line across the plot with its name at the right; on an axis that may be logarithmic."""
    fig.add_shape(
        type="line", x0=0, x1=1, xref="paper", y0=level, y1=level,
        line={"color": look.palette.quiet, "width": 1.2, "dash": "dot"},
    )  # fmt: skip
    fig.add_annotation(
        x=1, xref="paper", xanchor="right", y=np.log10(level) if log else level, yanchor="bottom", text=text,
        showarrow=False, font={"size": 11, "color": look.palette.quiet},
    )  # fmt: skip


LARGEST = 1e9
"""Beyond it a value counts as not finite: a number that means divergence, and would drown the sums of the others."""


def finite(y: Array) -> Array:
    """Float64 with nan for whatever has no place in a chart: nan, infinity, and magnitudes beyond ``LARGEST``."""
    y = np.asarray(y, np.float64)
    return np.where(np.abs(y) <= LARGEST, y, np.nan)


def thin(x: Array, y: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """Few enough points for a screen: the smallest and the largest of each stretch, in order. What is not finite
    is nan, and so a gap in the line."""
    y = finite(y)
    if len(x) <= most:
        return np.asarray(x), y.astype(np.float32)
    edges = np.linspace(0, len(x), most // 2 + 1).astype(int).tolist()
    filled = np.where(np.isnan(y), np.nanmean(y) if not np.isnan(y).all() else 0.0, y)
    keep = set()
    for start, stop in itertools.pairwise(edges):
        keep.add(start + int(filled[start:stop].argmin()))
        keep.add(start + int(filled[start:stop].argmax()))
    index = np.array(sorted(keep | {0, len(x) - 1}))
    return np.asarray(x)[index], y[index].astype(np.float32)


def smooth(y: Array, width: int) -> Array:
    """Running mean of what is finite among the last ``width`` values (fewer at the start); nan where the value
    itself is not: a line ends where its run diverged."""
    y = finite(y)
    there = ~np.isnan(y)
    total = np.cumsum(np.insert(np.where(there, y, 0.0), 0, 0.0))
    count = np.cumsum(np.insert(there.astype(int), 0, 0))
    index = np.arange(1, len(y) + 1)
    start = np.maximum(index - width, 0)
    return np.where(there, (total[index] - total[start]) / np.maximum(count[index] - count[start], 1), np.nan)


_SHOWN = {" ": "·", "\n": "↵", "\t": "→", "\r": "↵", "<": "‹", ">": "›", "&": "＆"}


def step_noun(labels: Sequence[str]) -> str:
    """What one step of a sequence is: a character where the labels are those of a text, else a step. Digits alone are
    the numbers of a task."""
    return "character" if all(len(label) == 1 for label in labels) and not all(map(str.isdigit, labels)) else "step"


def shown(character: str) -> str:
    """A character as a tick label: white space made visible, markup characters that Plotly would act on
    replaced by look-alikes, anything else unprintable as a box."""
    if character in _SHOWN:
        return _SHOWN[character]
    return character if character.isprintable() else "□"


def plain(text: str) -> str:
    """Text for a label or a hover: markup characters neutralised."""
    return "".join(_SHOWN[c] if c in "<>&" else c for c in text)

"""Whom each step asks: a map of attention weights, rows ask, columns are asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, plain, shown, step_noun
from dashboard.figures.gate_activity import that_fit
from dashboard.theme import MONO, magnitude
from rnncore.records import Array, Attention

_BOUNDS = (0.1, 0.2, 0.5, 1.0)
_WIDE, _NARROW = 130, 56
"""Characters that stand clear of each other above a map over the page's whole width, and over half of it."""
_HIGH = 32
"""And beside it."""
_HEIGHT, _TOP, _BOTTOM = 560, 20, 12  # pixels: of all, of the letters above the map, below it


@Drawn
def attention(
    record: Attention | None, look: Look = LIGHT, *, layer: int = 0, head: int | None = None, narrow: bool = False
) -> Sketch:
    """Whom each step of one sequence asks, with what the steps read along both sides.

    Args:
        layer: which layer and direction; the last one where there are fewer.
        head: one of the layer's heads, the last one where there are fewer; None for the mean of all.
        narrow: for half the page's width.
    """
    if record is None:
        return empty(look, "The first map comes with the first training step;<br>a run older than this chart has none.")
    layer = min(layer, len(record.weights) - 1)
    head = None if head is None or record.heads == 1 else min(head, record.heads - 1)
    maps, first = record.of(layer, head), 1 - record.carried
    asking, asked = maps.shape
    fig = figure(look, _caption(record, layer, head), hovermode="closest", height=_HEIGHT)
    draw_attention(fig, maps, look, top=_bound(maps), first=(first, first + asked - asking))
    labels = [shown(token) if len(token) == 1 else plain(token) for token in record.text]
    above, beside = that_fit(labels, _NARROW if narrow else _WIDE), that_fit(labels[-asking:], _HIGH)
    letters = {"family": MONO, "size": 10, "color": look.palette.quiet}
    noun = step_noun([label for label in record.text if label])
    if record.carried:
        fig.add_vline(0.5, line={"color": look.palette.ink, "width": 1, "dash": "dot"})
    fig.update_layout(
        xaxis={
            "side": "top", "showgrid": False, "zeroline": False, "ticks": "", "showline": False, "tickangle": 0,
            "tickvals": [first + n for n in above], "ticktext": [labels[n] for n in above], "tickfont": letters,
            "range": [first - 0.5, first + asked - 0.5], "domain": [0, 1], "anchor": "y",
        },
        yaxis={
            "title": {"text": f"the {noun} that asks"}, "showgrid": False, "zeroline": False, "ticks": "",
            "showline": False, "tickfont": letters, "domain": [0, 1 - _TOP / (_HEIGHT - _BOTTOM)], "anchor": "x",
            "tickvals": [first + asked - asking + n for n in beside],
            "ticktext": [labels[asked - asking + n] for n in beside],
            "range": [first + asked - 0.5, first + asked - asking - 0.5],
        },
        margin={"l": 44, "r": 8, "t": 0, "b": _BOTTOM},
    )  # fmt: skip
    return fig


def draw_attention(fig: Sketch, maps: Array, look: Look, *, top: float, first: tuple[int, int] = (1, 1)) -> None:
    """The map itself.

    Args:
        maps: (A, M): a row asks, a column is asked; nan is left blank.
        top: the weight of the strongest colour.
        first: the numbers of the first column and of the first row.
    """
    beyond = float(np.nanmax(maps, initial=0.0)) > 1.001 * top
    small = {"size": 11, "color": look.palette.quiet}
    fig.add_heatmap(
        z=finite(maps), x0=first[0], dx=1, y0=first[1], dy=1, zmin=0, zmax=top, colorscale=magnitude(look.mode),
        colorbar={
            "title": {"text": "weight", "side": "right", "font": small}, "thickness": 10,
            "tickvals": [0, top / 2, top], "ticktext": ["0", f"{top / 2:.2g}", f"{'≥ ' if beyond else ''}{top:.2g}"],
            "tickfont": small, "outlinewidth": 0, "ypad": 8,
        },
        hovertemplate="step %{y} asks step %{x}: %{z:.3f}<extra></extra>", hoverongaps=False,
    )  # fmt: skip


def _bound(maps: Array) -> float:
    """A round number at or above all but one in a hundred of the weights: the first rows have nobody else to ask."""
    usual = float(np.nanquantile(maps, 0.99)) if np.isfinite(maps).any() else 1.0
    return next((bound for bound in _BOUNDS if usual <= bound), 1.0)


def _caption(record: Attention, layer: int, head: int | None) -> str:
    which = f"head {head + 1} of {record.heads}" if head is not None else f"mean of {record.heads} heads"
    which = "its only head" if record.heads == 1 else which
    name = f"layer {layer // record.ways + 1}" + (", reverse" if layer % record.ways else "")
    earlier: Any = record.earlier[layer].astype(np.float32)
    gone = float(np.mean(earlier if head is None else earlier[head]))
    asks = "nobody asks what came earlier" if layer % record.ways else "nobody asks what comes later"
    sums = f"rows sum to 1, {gone:.0%} of it further back than is shown" if gone > 0.005 else "rows sum to 1"
    last = "left of the dotted line, the windows before" if record.carried else asks
    return f"{name}, {which}: a row asks, a column is asked; {sums}; {last}"

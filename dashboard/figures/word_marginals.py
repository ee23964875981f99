"""How often each word is said at each place, whatever stands before it: a tree of words without its branches."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.figures.word_tree import label_size, share, spoken
from dashboard.theme import cell_colour, with_alpha
from rnncore.records import Array, WordTree

HEIGHT = 320
_MARGIN = {"l": 46, "r": 8, "t": 26, "b": 40}
_WIDTH = 0.92  # of a column


@Drawn
def word_marginals(tree: WordTree | None, look: Look = LIGHT, *, cell: str = "lstm", height: int = HEIGHT) -> Sketch:
    """Words on top of each other at each place, as high as they are likely; a mark where the language's own end.

    Args:
        tree: what is said; None while it has not been worked out.
        look: see ``Look``.
        cell: whose colour the words have.
        height: of the figure in pixels, which decides what words have room.
    """
    if tree is None:
        return empty(look, "The first tree comes with the first training step.")
    places, words = _in_order(tree)
    found, wanted = tree.marginals[places, words], tree.wanted[places, words]
    fig = figure(look, _caption(tree), margin=_MARGIN, barmode="overlay", hovermode="closest")
    sizes = label_size(found, height - _MARGIN["t"] - _MARGIN["b"])
    names = [spoken(tree.words[word]) for word in words.tolist()]
    fig.data.append(
        {
            "type": "bar",
            "name": "measured",
            "x": places + 1,
            "y": found.astype(np.float32),
            "base": _below(places, found).astype(np.float32),
            "width": _WIDTH,
            "marker": {
                "color": with_alpha(cell_colour(cell, look.mode), 0.3),
                "line": {"width": 1, "color": look.palette.card},
            },
            "text": [name if size else "" for name, size in zip(names, sizes.tolist(), strict=True)],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "constraintext": "inside",
            "textangle": 0,
            "textfont": {"size": np.maximum(sizes, 1), "color": look.palette.ink},
            "customdata": [[name, share(float(own))] for name, own in zip(names, wanted, strict=True)],
            "hovertemplate": "%{customdata[0]}: %{y:.1%}, should be %{customdata[1]}<extra></extra>",
        }
    )
    ends = _below(places, wanted) + wanted
    fig.add_scatter(
        x=np.ravel([[place + 1 - _WIDTH / 2, place + 1 + _WIDTH / 2, np.nan] for place in places]),
        y=np.repeat(ends, 3).astype(np.float32),
        mode="lines",
        name="in the sentences",
        line={"width": 2, "color": look.palette.ink},
        hoverinfo="skip",
    )
    fig.update_layout(
        xaxis={
            "title": {"text": "place in the text"},
            "tickvals": list(range(1, len(tree.wanted) + 1)),
            "showgrid": False,
            "fixedrange": True,
        },
        yaxis={
            "title": {"text": "share of the texts"},
            "tickformat": ".0%",
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "range": [1.01, -0.01],
            "showgrid": False,
        },
        showlegend=True,
    )
    return fig


def _in_order(tree: WordTree) -> tuple[Array, Array]:
    """Places and words that the language has, in the order in which the tree shows them."""
    rank = np.full(tree.wanted.shape, len(tree.word))
    np.minimum.at(rank, (tree.level - 1, tree.word), np.arange(len(tree.word)))
    places, words = np.nonzero(tree.wanted)
    order = np.lexsort((words, rank[places, words], places))
    return places[order], words[order]


def _below(places: Array, shares: Array) -> Array:
    """What the words before each one sum to, at its place."""
    summed = np.cumsum(shares) - shares
    return summed - summed[np.searchsorted(places, places)]


def _caption(tree: WordTree) -> str:
    found, there = tree.marginals, tree.wanted > 0
    off = float(np.abs(found - tree.wanted)[there].max())
    others = float(found.sum(1, where=~there).max())
    return f"at most {share(off)} off; words that have no place there {share(others)}, not followed up " + share(
        float(tree.missing.max())
    )

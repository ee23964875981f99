"""All that is said, as a tree of words: each column a place, each word as high as its text is likely."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain
from dashboard.theme import with_alpha
from rnncore.lecture.structured_prediction import STOP
from rnncore.records import Array, WordTree

HEIGHT = 380
LEAST_DRAWN = 0.002
"""Texts less likely than this are thinner than a pixel."""
_MARGIN = {"l": 46, "r": 8, "t": 26, "b": 40}
_GAP = 0.004  # of the height, between two words
_SMALLEST, _LARGEST = 9, 12  # pixels of type


@Drawn
def word_tree(tree: WordTree | None, look: Look = LIGHT, *, height: int = HEIGHT) -> Sketch:
    """The tree from left to right. A text that has come to its stop reaches to the right edge, with its probability.

    Args:
        tree: what is said; None while it has not been worked out.
        look: see ``Look``.
        height: of the figure in pixels, which decides what words have room.
    """
    if tree is None:
        return empty(look, "The first tree comes with the first training step.")
    places = len(tree.missing)
    top = _tops(tree)
    parent_ended = np.append(tree.ended, False)[tree.parent]  # the last one stands for "no parent"
    drawn = np.flatnonzero(~parent_ended & (tree.probability >= LEAST_DRAWN))
    fig = figure(look, _caption(tree, drawn), margin=_MARGIN, barmode="overlay", bargap=0, hovermode="closest")
    room = height - _MARGIN["t"] - _MARGIN["b"]
    for valid, name, colour in ((True, "begins a sentence, or is one", look.palette.accent),
                                (False, "nonsense", look.palette.bad)):  # fmt: skip
        nodes = drawn[tree.valid[drawn] == valid]
        fig.data.append(_bars(tree, nodes, top, room, look) | {"name": name} | _colours(tree, nodes, colour, look))
    fig.update_layout(
        xaxis={
            "title": {"text": "place in the text"},
            "tickvals": list(range(1, places + 1)),
            "range": [0.5, places + 0.5],
            "showgrid": False,
            "fixedrange": True,
        },
        yaxis={
            "title": {"text": "share of the texts"},
            "tickformat": ".0%",
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "range": [1, 0],
            "showgrid": False,
        },
        showlegend=True,
    )
    return fig


def _tops(tree: WordTree) -> Array:
    """Where each word's bar begins, from the top: below its parent's beginning and its elder sisters, (N,)."""
    top = np.zeros(len(tree.word))
    for level in range(1, len(tree.missing) + 1):
        here = np.flatnonzero(tree.level == level)
        if not len(here):
            break
        before = np.cumsum(tree.probability[here]) - tree.probability[here]
        _, first, which = np.unique(tree.parent[here], return_index=True, return_inverse=True)
        start = top[tree.parent[here]] if level > 1 else 0.0
        top[here] = start + before - before[first][which]
    return top


def _bars(tree: WordTree, nodes: Array, top: Array, room: int, look: Look) -> dict[str, Any]:
    places, ended = len(tree.missing), tree.ended[nodes]
    likely = tree.probability[nodes]
    gap = np.minimum(_GAP, likely / 8)
    reach = np.where(ended, places - tree.level[nodes] + 1, 1)  # columns
    sizes = label_size(likely, room)
    words = [_label(tree, node) if size else "" for node, size in zip(nodes.tolist(), sizes.tolist(), strict=True)]
    return {
        "type": "bar",
        "x": (tree.level[nodes] + (reach - 1) / 2).astype(np.float32),
        "y": (likely - gap).astype(np.float32),
        "base": (top[nodes] + gap / 2).astype(np.float32),
        "width": (reach - 0.05).astype(np.float32),
        "text": words,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "constraintext": "inside",
        "textangle": 0,
        "textfont": {"size": np.maximum(sizes, 1), "color": look.palette.ink},
        "customdata": [
            [" ".join(map(spoken, tree.text(node))), share(float(tree.probability[node]))] for node in nodes
        ],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]} of the texts<extra>%{fullData.name}</extra>",
    }


def label_size(shares: Array, room: int) -> Array:
    """Pixels of type for words that are so high, out of so many pixels; 0 where there is no room for any."""
    sizes = np.minimum(0.52 * shares * room, _LARGEST).astype(int)
    return np.where(sizes >= _SMALLEST, sizes, 0)


def _label(tree: WordTree, node: int) -> str:
    if not tree.ended[node]:
        return plain(tree.words[tree.word[node]])
    return f"{'✓' if tree.valid[node] else '✗'} {share(float(tree.probability[node]))}"


def _colours(tree: WordTree, nodes: Array, colour: str, look: Look) -> dict[str, Any]:
    dark = 0.1 if look.mode == "dark" else 0.0
    faint, full = with_alpha(colour, 0.24 + dark), with_alpha(colour, 0.5 + dark)
    return {"marker": {"color": [full if ended else faint for ended in tree.ended[nodes]], "line": {"width": 0}}}


def _caption(tree: WordTree, drawn: Array) -> str:
    ends = drawn[tree.ended[drawn] | (tree.level[drawn] == len(tree.missing))]
    valid = float(tree.probability[ends][tree.valid[ends]].sum())
    lost = max(0.0, 1 - float(tree.probability[ends].sum()))
    found = f"{share(valid)} of the texts are sentences"
    return f"{found}; {share(lost)} go into branches too thin to draw" if lost > 0.0005 else found


def spoken(word: str) -> str:
    """A word as a label."""
    return "(stop)" if word == STOP else plain(word)


def share(value: float) -> str:
    """A probability as a short percentage: 30%, 88.2%, 1.7%, 0.04%."""
    percent = round(100 * value, 1) if value >= 0.1 else float(f"{max(100 * value, 0):.2g}")
    percent = 0 if percent < 0.0005 else percent
    return f"{percent:g}%"

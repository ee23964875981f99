"""How sure a model was along what it wrote: the surprise of each character, and how much of it was to be expected."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain, shown, smooth
from dashboard.theme import SPARE_COLOURS
from rnncore.records import Array, Writing

SMOOTHED = 20
"""Characters of a running mean."""


@Drawn
def desk_entropy(record: Writing | None, look: Look = LIGHT) -> Sketch:
    """Entropy of the model's distribution before each character, a line per text; dots are the surprises.

    Args:
        record: texts and distributions.
        look: light or dark.
    """
    if record is None:
        return empty(look, "How sure the model was appears here with the first text.")
    fig = figure(look, _caption(record))
    colours = (look.palette.accent, *SPARE_COLOURS[look.mode])
    place = np.arange(1, record.chosen.shape[1] + 1, dtype=np.int32)
    for index, label in enumerate(record.labels):
        several = len(record.labels) > 1
        fig.add_scatter(
            x=place,
            y=record.surprise[index].astype(np.float32),
            text=[shown(record.characters[one]) for one in record.chosen[index].tolist()],
            mode="markers",
            name=f"surprise, {plain(label)}" if several else "surprise of each character",
            marker={"size": 4, "color": colours[index], "opacity": 0.45},
            hovertemplate="“%{text}” at %{x}: %{y:.2f} bits<extra></extra>",
        )
        fig.add_scatter(
            x=place,
            y=smooth(record.entropy[index], SMOOTHED).astype(np.float32),
            mode="lines",
            name=f"entropy, {plain(label)}" if several else f"entropy, mean of the last {SMOOTHED}",
            line={"color": colours[index], "width": 2.2, "dash": "dash" if index else "solid"},
            hovertemplate="entropy %{y:.2f} bits<extra></extra>",
        )
    if record.parting is not None:
        fig.add_vline(record.parting + 1, line={"color": look.palette.quiet, "width": 1.5, "dash": "dot"})
    fig.update_layout(
        xaxis={"title": {"text": "character"}, "range": [0, len(place) + 1]},
        yaxis={"title": {"text": "bits"}, "rangemode": "tozero"},
    )
    return fig


def _caption(record: Writing) -> str:
    return "; ".join(
        f"{label}: {_mean(record.surprise[index])} bits of surprise a character where {_mean(record.entropy[index])} "
        "were to be expected"
        for index, label in enumerate(record.labels)
    )


def _mean(values: Array) -> str:
    return f"{float(np.mean(values)):.2f}"

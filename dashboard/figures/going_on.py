"""How long a network that is left alone goes on rightly: a film or a sound, beyond the length of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain, shade_trained
from dashboard.theme import with_alpha
from rnncore.records import Array, Examples, Sound


@dataclass(frozen=True)
class Alone:
    """What was measured, of each of E sequences at each of A moments.

    Attributes:
        at: the moments, (A,), in ``unit`` since the network was left alone.
        like: how like the truth it is, (A, E).
        copied: the same of the last that was read, told again and again; None where that makes no sense.
        trained: the moment at which training's sequences end; None where it is not known.
    """

    at: Array
    like: Array
    unit: str
    measure: str
    copied: Array | None = None
    trained: float | None = None


@singledispatch
def alone(record: object) -> Alone | None:
    """What a record says of it; None for nothing."""
    return None


@alone.register
def _(record: Examples) -> Alone | None:
    if not len(record.overlap):
        return None
    at = np.arange(1, len(record.overlap) + 1)
    trained = len(record.targets) - record.context
    return Alone(at, record.overlap, "frames ahead", "overlap with the truth", record.copied, max(trained, 1))


@alone.register
def _(record: Sound) -> Alone | None:
    trained = record.trained_milliseconds
    return Alone(record.milliseconds, record.like, "milliseconds alone", "correlation with the truth", None, trained)


@Drawn
def going_on(found: Sequence[tuple[Line, object]], look: Look = LIGHT) -> Sketch:
    """A line for each run, the mean over sequences that it was never trained on, with the middle half of them shaded.

    Args:
        found: runs and their records, ``Examples`` of films or ``Sound``.
    """
    measured = [(line, one) for line, record in found if (one := alone(record)) is not None]
    if not measured:
        return empty(look, "How long it goes on rightly is known with the first training step.")
    first = measured[0][1]
    fig = figure(look, f"mean of {first.like.shape[1]} never trained on; shaded: the middle half of them")
    for line, one in measured:
        low, middle, high = (finite(part) for part in _summary(one.like))
        colour, name = line.style(look)["color"], plain(line.label)
        for edge, fill in ((low, None), (high, "tonexty")):
            fig.add_scatter(
                x=one.at, y=edge.astype(np.float32), mode="lines", line={"width": 0}, fill=fill, hoverinfo="skip",
                fillcolor=with_alpha(colour, 0.12), showlegend=False, name=name,
            )  # fmt: skip
        fig.add_scatter(
            x=one.at, y=middle.astype(np.float32), mode="lines", name=name, line=line.style(look),
            hovertemplate=f"%{{y:.2f}} after %{{x:.0f}} {one.unit.split()[0]}<extra>%{{fullData.name}}</extra>",
        )  # fmt: skip
    if first.copied is not None:
        fig.add_scatter(
            x=first.at, y=finite(first.copied.mean(1)).astype(np.float32), mode="lines", name="copying the last frame",
            line={"color": look.palette.quiet, "width": 1.6, "dash": "dot"},
            hovertemplate="%{y:.2f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    if first.trained is not None:
        shade_trained(fig, first.trained, look, text="as long as in training", x=0, xanchor="left", y=0.01, xshift=4)
    lowest = min(0.0, *(float(np.nanmin(one.like.mean(1))) for _, one in measured))
    fig.update_layout(
        xaxis={"title": {"text": first.unit}, "rangemode": "tozero"},
        yaxis={"title": {"text": first.measure}, "range": [lowest - 0.12, 1.03]},
    )
    return fig


def _summary(values: Array) -> Array:
    """Lower quartile, mean and upper quartile over sequences, (3, A)."""
    low, high = np.percentile(values, [25, 75], 1)
    return np.stack([low, values.mean(1), high])

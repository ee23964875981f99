"""P(valid) of networks that are trained on a few sentences, beside what theory says: against ε, and over training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.figures.word_tree import share
from dashboard.theme import with_alpha
from rnncore.lecture.structured_prediction import (
    LECTURE,
    Floats,
    Independent,
    Optimum,
    chances,
    nonsense,
    optimal_valid_share,
)
from rnncore.records import SentenceShares

NONE_YET = "Nothing is measured yet: choose an ε above and press Train."
_FIRST = "The first numbers come with the first training step."
_CURVE = 101


@dataclass(frozen=True)
class Course:
    """A run's measurements over its training, oldest first.

    Attributes:
        line: its name, and its cell's colour.
        records: one or more.
        first: it is the one that is looked at closely.
    """

    line: Line
    records: Sequence[SentenceShares]
    first: bool = False


exact_share = lru_cache(maxsize=1024)(optimal_valid_share)
"""P(valid) of the optimum at a constant ε."""


@lru_cache(maxsize=1)
def exact_curve() -> tuple[Floats, Floats]:
    """ε from 0 to 1, and the optimum's P(valid) there."""
    epsilons = np.linspace(0, 1, _CURVE)
    return epsilons, np.array([exact_share(float(epsilon)) for epsilon in epsilons])


@Drawn
def valid_by_epsilon(courses: Sequence[Course], look: Look = LIGHT) -> Sketch:
    """The exact P(valid) against ε, and where each run is."""
    measured = [course for course in courses if course.records]
    fig = figure(look, "; ".join(_said(course) for course in measured[:1]) or NONE_YET, hovermode="closest")
    x, y = exact_curve()
    fig.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name="exact, by enumeration",
        line={"color": look.palette.ink, "width": 2},
        hovertemplate="ε %{x:.2f}: exactly %{y:.4f}<extra></extra>",
    )
    for course in reversed(measured):  # the one that is looked at on top
        record, style = course.records[-1], course.line.style(look)
        fig.add_scatter(
            x=[record.epsilon],
            y=[record.valid],
            mode="markers",
            name=plain(course.line.label),
            marker={
                "size": 13 if course.first else 10,
                "color": style["color"] if course.first else look.palette.card,
                "line": {"width": 1.5, "color": look.palette.card if course.first else style["color"]},
            },
            showlegend=False,
            hovertemplate=f"{plain(_said(course))}<extra>%{{fullData.name}}</extra>",
        )
    if measured:
        record = measured[0].records[-1]
        fig.add_annotation(
            x=record.epsilon, y=record.valid, text=f"measured {record.valid:.3f}", showarrow=True, arrowhead=0,
            font={"color": look.palette.ink}, arrowwidth=1, arrowcolor=look.palette.quiet, standoff=8,
            ax=-24 if record.epsilon > 0.15 else 10, ay=-48, xanchor="right" if record.epsilon > 0.15 else "left",
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "ε, probability of feeding the truth"}, "range": [-0.03, 1.03]},
        yaxis=probability("P(valid), running freely"),
        showlegend=True,
    )
    return fig


@Drawn
def valid_over_training(courses: Sequence[Course], look: Look = LIGHT, *, at: int | None = None) -> Sketch:
    """P(valid) over the training step, and dashed the exact value for the ε of each run.

    Args:
        courses: the runs.
        look: see ``Look``.
        at: the moment that is looked at; None for the present.
    """
    measured = [course for course in courses if course.records]
    if not measured:
        return empty(look, _FIRST)
    first = measured[0]
    fig = figure(look, _said(first) if first.first else "")
    for course in reversed(measured):
        steps = [record.step for record in course.records]
        style = course.line.style(look, 2.4 if course.first else 1.4, dash="solid")
        colour = style["color"] if course.first else with_alpha(style["color"], 0.5)
        fig.add_scatter(
            x=steps,
            y=[exact_share(record.epsilon) for record in course.records],
            mode="lines",
            name="exact, at this ε",
            showlegend=course.first,
            line={"color": look.palette.ink if course.first else look.palette.line, "width": 1.2, "dash": "dash"},
            hoverinfo="skip",
        )
        fig.add_scatter(
            x=steps,
            y=[record.valid for record in course.records],
            mode="lines+markers" if len(steps) < 3 else "lines",
            name="measured" if course.first else plain(course.line.label),
            showlegend=course.first,
            line=style | {"color": colour},
            hovertemplate=f"{plain(course.line.label)}: %{{y:.4f}}<extra></extra>",
        )
        fig.add_annotation(
            x=steps[-1], y=course.records[-1].valid, text=f"ε {course.records[-1].epsilon:.2g}", xanchor="left",
            showarrow=False, xshift=5, font={"size": 11, "color": look.palette.ink if course.first else colour},
        )  # fmt: skip
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis=probability("P(valid), running freely"),
        showlegend=True,
        margin={"l": 52, "r": 48, "t": 10, "b": 42},
    )
    return fig


@Drawn
def nonsense_by_length(course: Course | None, look: Look = LIGHT) -> Sketch:
    """The share of texts that have become nonsense after n words: a run, its optimum, and independent outputs."""
    if course is None or not course.records:
        return empty(look, _FIRST)
    record = course.records[-1]
    fig = figure(look, f"after four words {share(float(record.nonsense[3]))} are nonsense")
    words = np.arange(1, len(record.nonsense) + 1)
    for name, values, line, mode in (
        ("independent outputs", _nonsense(None), {"color": look.palette.bad, "width": 1.4, "dash": "dot"}, "lines"),
        ("exact, at this ε", _nonsense(record.epsilon), {"color": look.palette.ink, "width": 1.2, "dash": "dash"},
         "lines"),
        ("measured", record.nonsense, course.line.style(look, 2.4, dash="solid"), "lines+markers"),
    ):  # fmt: skip
        fig.add_scatter(
            x=words,
            y=values.astype(np.float32),
            mode=mode,
            name=name,
            line=line,
            hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
        )
    fig.update_layout(
        xaxis={"title": {"text": "words said"}, "dtick": 1},
        yaxis=probability("share that begins no sentence"),
        showlegend=True,
    )
    return fig


@lru_cache(maxsize=256)
def _nonsense(epsilon: float | None) -> Floats:
    reader = Independent(LECTURE) if epsilon is None else Optimum(LECTURE, epsilon)
    return nonsense(chances(reader, LECTURE), LECTURE)


def _said(course: Course) -> str:
    record = course.records[-1]
    exact = exact_share(record.epsilon)
    return (
        f"ε {record.epsilon:.3g}: measured {record.valid:.4f} at step {record.step:,}, exact {exact:.4f}, "
        f"difference {record.valid - exact:+.4f}".replace("-", "−")
    )


def probability(title: str, most: float = 1.0) -> dict[str, Any]:
    """An axis of probabilities."""
    return {"title": {"text": title}, "range": [-0.03, most + 0.04], "tickvals": [0, 0.25, 0.5, 0.75, 1]}

"""What a falling ε does to a network on a few sentences: its way along the optima, and over training."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain
from dashboard.figures.structured_prediction import Course, exact_curve, exact_share, probability

NONE_YET = "Nothing is measured yet: press Train all three."


@Drawn
def valid_along_schedule(courses: Sequence[Course], look: Look = LIGHT) -> Sketch:
    """P(valid) against the ε of the moment, from 1 on the left: the optimum at each ε, and where each run went."""
    measured = [course for course in courses if course.records]
    fig = figure(look, _ends(measured) or NONE_YET, hovermode="closest")
    epsilons, exact = exact_curve()
    fig.add_scatter(
        x=epsilons, y=exact, mode="lines", name="optimum at this ε, exactly", hoverinfo="skip",
        line={"color": look.palette.ink, "width": 6}, opacity=0.22,
    )  # fmt: skip
    for course in measured:
        style = course.line.style(look, 2)
        last = len(course.records) - 1
        fig.add_scatter(
            x=[record.epsilon for record in course.records],
            y=[record.valid for record in course.records],
            mode="lines+markers",
            name=plain(course.line.label),
            line=style,
            marker={"color": style["color"], "size": [12 if n == last else 5 for n in range(last + 1)]},
            customdata=[[record.step, exact_share(record.epsilon)] for record in course.records],
            hovertemplate="step %{customdata[0]:,}, ε %{x:.3f}: %{y:.3f}, optimum %{customdata[1]:.3f}"
            "<extra>%{fullData.name}</extra>",
        )
    fig.update_layout(
        xaxis={"title": {"text": "ε of the moment: training goes to the right"}, "range": [1.04, -0.04]},
        yaxis=probability("P(valid), running freely"),
        showlegend=True,
    )
    return fig


@Drawn
def valid_by_schedule(courses: Sequence[Course], look: Look = LIGHT, *, at: int | None = None) -> Sketch:
    """P(valid) over the training step, a line per run, each named.

    Args:
        courses: the runs.
        look: see ``Look``.
        at: the moment that is looked at; None for the present.
    """
    measured = [course for course in courses if course.records]
    if not measured:
        return empty(look, NONE_YET)
    fig = figure(look, _ends(measured))
    for course in measured:
        fig.add_scatter(
            x=[record.step for record in course.records],
            y=[record.valid for record in course.records],
            mode="lines+markers" if len(course.records) < 3 else "lines",
            name=plain(course.line.label),
            line=course.line.style(look, 2),
            customdata=[record.epsilon for record in course.records],
            hovertemplate="%{y:.3f} at ε %{customdata:.3f}<extra>%{fullData.name}</extra>",
        )
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis=probability("P(valid), running freely"),
        showlegend=True,
    )
    return fig


def _ends(courses: Sequence[Course]) -> str:
    return "; ".join(
        f"{course.line.label}: {course.records[-1].valid:.3f} at ε {course.records[-1].epsilon:.2g}"
        for course in courses
    )

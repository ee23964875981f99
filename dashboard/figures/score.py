"""A task's own measure over training: on sequences as those of training, and on longer ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, MANY, Drawn, Line, Look, Sketch, empty, figure, finite, plain, thin
from dashboard.figures.decades import log_marks
from rnncore.comparison.results import Measure
from rnncore.config import KnownTask
from rnncore.records import Columns


@dataclass(frozen=True)
class Scores:
    """One run's series "score"."""

    line: Line
    series: Columns


def in_words(task: KnownTask) -> str:
    """What knowing nothing is worth, and what counts as solved."""
    loss = f"{task.floor / task.loss_size:.3g} {task.loss_unit}"
    if task.higher_is_better:
        return (
            f"Knowing nothing: a loss of {loss}, and {task.score_name} {share(task.chance)}. "
            f"Solved from {share(task.solved_at)} on."
        )
    return f"Knowing nothing: a loss of {loss}. Solved at {task.solved_at:g} and below."


def share(value: float) -> str:
    """0.125 → '12.5%'."""
    return f"{100 * value:.3g}%"


def written(task: KnownTask, value: float) -> str:
    """A score as it is read: a share as percentage, an error as a number."""
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.1f}%" if task.higher_is_better else f"{value:.3g}"


@Drawn
def score_over_training(
    runs: Sequence[Scores], measure: Measure | None, look: Look = LIGHT, at: int | None = None
) -> Sketch:
    """The score against the training step, with chance and what counts as solved; dotted on longer sequences.

    Args:
        runs: one for each.
        measure: what the runs are judged by; None where they learn different tasks.
        at: mark this training step.
    """
    if measure is None:
        return empty(look, "These runs are judged by different measures.<br>Choose runs of one task to compare them.")
    found = [run for run in runs if len(run.series.get("step", ()))]
    if not found:
        return empty(look, "The score appears here with the first validation, moments after the run starts.")
    better = "higher" if measure.higher_is_better else "lower"
    fig = figure(look, f"{_captions(found, measure)}; {better} is better")
    for run in found:
        _draw(fig, run, look, alone=len(found) == 1)
    mark_levels(fig, measure, look)
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis=score_axis(measure, fig),
        margin={"r": 72},
    )
    return fig


def _draw(fig: Sketch, run: Scores, look: Look, *, alone: bool) -> None:
    name = plain(run.line.label)
    for column, said, changes in (
        ("score", "trained lengths", {}),
        ("score_longer", "longer ones", {"dash": "dot", "width": 1.4}),
    ):
        values = finite(run.series[column])
        if np.isnan(values).all():
            continue
        x, y = thin(run.series["step"], values)
        fig.add_scatter(
            x=x, y=y, mode="lines+markers", connectgaps=True, name=said if alone else f"{name}, {said}",
            line=run.line.style(look) | changes, marker={"size": 4},
            hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip


def _captions(found: Sequence[Scores], measure: Measure) -> str:
    """Of many runs, what they came to at the lengths of training only."""
    if len(found) < MANY:
        return "; ".join(_caption(run, measure, len(found)) for run in found)
    return ", ".join(f"{plain(run.line.label)} {_last(run.series['score'], measure)}" for run in found)


def _caption(run: Scores, measure: Measure, runs: int) -> str:
    who = f"{plain(run.line.label)}: " if runs > 1 else ""
    words = f"{who}{_last(run.series['score'], measure)} at trained lengths"
    longer = finite(run.series["score_longer"])
    return words if np.isnan(longer).all() else f"{words}, {_last(longer, measure)} at longer ones"


def _last(column: Any, measure: Measure) -> str:
    known = finite(column)
    known = known[~np.isnan(known)]
    if not len(known):
        return "no score"
    return share(known[-1]) if measure.higher_is_better else f"{known[-1]:.3g}"


def score_axis(measure: Measure, fig: Sketch) -> dict[str, Any]:
    """Shares from 0 to 1; errors by orders of magnitude."""
    title = {"title": {"text": measure.name}}
    if measure.higher_is_better:
        return title | {"range": [-0.03, 1.03], "tickformat": ".0%", "type": "linear"}
    levels = [level for level in (measure.chance, measure.solved_at) if level is not None]
    return title | {"autorange": True} | log_marks(fig, *levels)


def mark_levels(fig: Sketch, measure: Measure, look: Look) -> None:
    """Chance, and what counts as solved, as quiet lines with their names."""
    chance = "chance" if measure.higher_is_better else "floor"
    for level, name in ((measure.chance, chance), (measure.solved_at, "solved")):
        if level is None:
            continue
        fig.add_shape(
            type="line", xref="paper", x0=0, x1=1, y0=level, y1=level, layer="below",
            line={"color": look.palette.line, "width": 1.2, "dash": "dot"},
        )  # fmt: skip
        fig.add_annotation(
            text=name, xref="paper", x=1.005, xanchor="left", showarrow=False,
            y=level if measure.higher_is_better else math.log10(level),
            font={"size": 10, "color": look.palette.quiet},
        )  # fmt: skip

"""A task's own measure by the length of what was read: whether what was learned holds beyond the trained lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain, shade_trained
from dashboard.figures.score import mark_levels, score_axis, share
from rnncore.comparison.results import Measure
from rnncore.records import LengthScores


@Drawn
def length_scores(
    found: Sequence[tuple[Line, LengthScores]], measure: Measure | None, look: Look = LIGHT, noun: str = "length"
) -> Sketch:
    """The newest score at each length, with its standard error; trained lengths are shaded.

    Args:
        found: one for each run.
        measure: what the runs are judged by; None where they learn different tasks.
        look: light or dark.
        noun: what the length is of, for the axis.
    """
    if measure is None:
        return empty(look, "These runs are judged by different measures.<br>Choose runs of one task to compare them.")
    if not found:
        return empty(look, "The score at each length appears here with the first test on longer sequences.")
    fig = figure(look, "; ".join(_caption(line, record, measure, len(found)) for line, record in found))
    for trained in sorted({record.trained for _, record in found}):
        shade_trained(fig, trained, look, text="trained", xanchor="right", y=1)
    for line, record in found:
        fig.add_scatter(
            x=record.lengths, y=finite(record.scores).astype(np.float32), mode="lines+markers", name=plain(line.label),
            line=line.style(look, 1.6), marker={"size": 5}, showlegend=len(found) > 1, customdata=record.count,
            error_y={"type": "data", "array": _bars(record), "thickness": 1, "width": 0},
            hovertemplate=f"{noun} %{{x}}: %{{y:.3g}}, %{{customdata}} sequences<extra>%{{fullData.name}}</extra>",
        )  # fmt: skip
    mark_levels(fig, measure, look)
    fig.update_layout(
        xaxis={"title": {"text": noun}, "rangemode": "tozero"}, yaxis=score_axis(measure, fig), margin={"r": 72}
    )
    return fig


def _bars(record: LengthScores) -> np.ndarray:
    """Standard errors; none for a single sequence."""
    return np.nan_to_num(np.asarray(record.error, np.float64)).astype(np.float32)


def _caption(line: Line, record: LengthScores, measure: Measure, runs: int) -> str:
    who = f"{plain(line.label)}, step {record.step:,}" if runs > 1 else f"step {record.step:,}"
    longer = record.score_longer
    if not np.isfinite(longer):
        return f"{who}: no longer ones were tested"
    said = share(longer) if measure.higher_is_better else f"{longer:.3g}"
    return f"{who}: {said} beyond {record.trained:,}, as a mean over lengths"

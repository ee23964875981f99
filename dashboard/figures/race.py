"""A race in pictures: learning curves with their band over seeds, and each seed's final score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.figures.decades import log_marks
from dashboard.theme import with_alpha
from rnncore.comparison import MeanCurve, Measure, SeedCurve, Standing, mean_curve

AXES = ("training steps", "seconds of training", "tokens", "floating-point operations")
"""What learning may be held against."""


class Racer(NamedTuple):
    """A contender: its line and the curves of its seeds, on whichever axis."""

    line: Line
    seeds: list[SeedCurve]


@Drawn
def race_curves(
    racers: Sequence[Racer], measure: Measure, look: Look = LIGHT, *, axis: str = AXES[0], each: bool = False
) -> Sketch:
    """The measure against what it cost: mean over seeds, 95 % bootstrap interval as a band.

    Args:
        racers: the contenders.
        measure: what is drawn, with its chance and the value from which on the task is solved.
        axis: one of ``AXES``, for the title.
        each: draw each seed's own curve, too.
    """
    found = [(racer, mean_curve(racer.seeds)) for racer in racers]
    if not any(len(curve.x) for _, curve in found):
        return empty(look, "The curves appear here with the first scores, seconds after the first run starts.")
    counts = sorted({int(curve.seeds.max()) for _, curve in found if len(curve.x)})
    over = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    noun = "seed" if counts == [1] else "seeds"
    words = f"mean over {over} {noun}" + ("" if counts == [1] else "; bands are 95% bootstrap intervals")
    fig = figure(look, f"{words}; {'higher' if measure.higher_is_better else 'lower'} is better")
    for racer, curve in found:
        _draw(fig, racer, curve, look, each)
    _levels(fig, measure, look)
    fig.update_layout(
        xaxis={"title": {"text": axis}, "rangemode": "tozero"},
        yaxis={"title": {"text": measure.name}} | (log_marks(fig) if measure.log else _share(measure)),
        margin={"r": 72},
        hovermode="x unified",
    )
    return fig


def _draw(fig: Sketch, racer: Racer, curve: MeanCurve, look: Look, each: bool) -> None:
    x, mean, low, high, _ = curve
    style = racer.line.style(look)
    name = plain(racer.line.label)
    if each:
        for seed in racer.seeds:
            fig.add_scatter(
                x=np.asarray(seed.x, np.float64), y=np.asarray(seed.y, np.float32), mode="lines", legendgroup=name,
                line={"color": with_alpha(style["color"], 0.45), "width": 1, "dash": racer.line.dash},
                showlegend=False, hoverinfo="skip", name=name,
            )  # fmt: skip
    wide = np.isfinite(low)
    if wide.any():
        fig.add_scatter(
            x=np.concatenate([x[wide], x[wide][::-1]]),
            y=np.concatenate([low[wide], high[wide][::-1]]).astype(np.float32),
            mode="lines", line={"width": 0}, fill="toself", fillcolor=with_alpha(style["color"], 0.16),
            hoverinfo="skip", showlegend=False, legendgroup=name, name=name,
        )  # fmt: skip
    fig.add_scatter(
        x=x, y=mean.astype(np.float32), mode="lines", line=style, name=name, legendgroup=name,
        hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _share(measure: Measure) -> dict[str, object]:
    return {"range": [-0.03, 1.03]} if measure.higher_is_better else {}


def _levels(fig: Sketch, measure: Measure, look: Look) -> None:
    """Chance, and what counts as solved, as quiet lines with their names."""
    chance = "chance" if measure.higher_is_better else "knowing nothing"
    for level, name in ((measure.chance, chance), (measure.solved_at, "solved")):
        if level is not None:
            fig.add_shape(type="line", xref="paper", x0=0, x1=1, y0=level, y1=level, layer="below",
                          line={"color": look.palette.line, "width": 1.2, "dash": "dot"})  # fmt: skip
            height = math.log10(level) if measure.log else level
            fig.add_annotation(text=name, xref="paper", x=1.005, xanchor="left", y=height, showarrow=False,
                               font={"size": 10, "color": look.palette.quiet})  # fmt: skip


@Drawn
def race_scores(
    standings: Sequence[Standing], scores: Sequence[Sequence[float]], lines: Sequence[Line], measure: Measure,
    look: Look = LIGHT,
) -> Sketch:  # fmt: skip
    """Each seed's final score as a dot, the mean and its interval as a bar: what the verdict is made of.

    Args:
        standings: of the contenders.
        scores: of each contender's finished seeds.
        lines: of the contenders.
        measure: what is drawn.
    """
    if not any(len(row) for row in scores):
        return empty(look, "Final scores appear here as runs finish.")
    fig = figure(
        look, "a dot for each finished seed; bars are means with their 95% intervals", height=80 + 44 * len(lines)
    )
    for place, (standing, row, line) in enumerate(zip(standings, scores, lines, strict=True)):
        if not len(row):
            continue
        style = line.style(look)
        mean, low, high = standing.score
        fig.add_scatter(
            x=np.asarray(row, np.float32), y=place + _spread(len(row)), mode="markers", showlegend=False,
            name=plain(line.label), marker={"size": 8, "color": with_alpha(style["color"], 0.55)},
            hovertemplate="%{x:.4g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        if math.isfinite(low):
            fig.add_scatter(x=[low, high], y=[place, place], mode="lines", showlegend=False, hoverinfo="skip",
                            name=plain(line.label), line={"color": style["color"], "width": 3})  # fmt: skip
        fig.add_scatter(x=[mean], y=[place], mode="markers", showlegend=False, name=plain(line.label),
                        marker={"symbol": "line-ns", "size": 18, "line": {"color": style["color"], "width": 3}},
                        hovertemplate="mean %{x:.4g}<extra>%{fullData.name}</extra>")  # fmt: skip
    for level in (measure.chance, measure.solved_at):
        if level is not None:
            fig.add_vline(x=level, line={"color": look.palette.line, "width": 1.2, "dash": "dot"})
    fig.update_layout(
        xaxis={"title": {"text": measure.name}} | (log_marks(fig, along="x") if measure.log else _share(measure)),
        yaxis={"tickvals": list(range(len(lines))), "ticktext": [plain(line.label) for line in lines],
               "range": [len(lines) - 0.5, -0.5], "showgrid": False, "automargin": True},
        hovermode="closest",
    )  # fmt: skip
    return fig


def _spread(count: int) -> np.ndarray:
    """Dots of equal scores side by side."""
    return np.linspace(-0.22, 0.22, count) if count > 1 else np.array([0.0])

"""ε against the iteration: the schedule as it was set, and the share of the truth that was really fed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from dashboard.figures.base import DASHES, LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.theme import with_alpha
from rnncore.config import ScheduledSampling
from rnncore.records import Array, Columns

POINTS = 200
"""Of a drawn schedule."""
MOST_WINDOWS = 48
SMALL = 0.01
"""An ε below it is said to be so."""
SIGMAS = 4
"""Standard errors on each side of ε: one window in 16,000 lies outside by chance."""
_NONE = "The coins appear here with the first training step."
FORCED = "Teacher forcing: every input is the truth,<br>so no coin is tossed."


@dataclass(frozen=True)
class Scheduled:
    """One run's schedule over its steps, and series "feeding" so far (see ``records.FEEDING_SERIES``)."""

    line: Line
    settings: ScheduledSampling
    steps: int
    feeding: Columns = field(default_factory=dict)

    @property
    def tossed(self) -> bool:
        """Whether there are coins."""
        return bool(len(self.feeding.get("step", ())))


class Windows(NamedTuple):
    """Coins of consecutive windows of steps, (W,) each."""

    step: Array  # the middle of the window
    coins: Array
    expected: Array  # mean ε of the coins
    fraction: Array  # of them that fed the truth
    error: Array  # standard error: sqrt(Σ ε(1-ε)) / coins

    @property
    def outside(self) -> int:
        """Windows farther from ε than ``SIGMAS`` standard errors (and what float32 loses)."""
        return int((np.abs(self.fraction - self.expected) > SIGMAS * self.error + 1e-6).sum())


def windows(feeding: Columns, most: int = MOST_WINDOWS) -> Windows:
    """Coins added up over windows of 2ⁿ steps, at most so many: as a run grows, the same windows stay for long.

    A last window that is not full yet is left out, unless it is the only one.
    """
    step, coins, epsilon, fraction = (
        np.asarray(feeding[name], np.float64) for name in ("step", "coins", "epsilon", "fraction")
    )
    stride = 1
    while len(step) > stride * most:
        stride *= 2
    starts = np.arange(0, max(len(step) - stride + 1, 1), stride)
    end = min(int(starts[-1]) + stride, len(step))

    def added(values: Array) -> Array:
        return np.asarray(np.add.reduceat(values[:end], starts))

    count = np.maximum(added(coins), 1)
    return Windows(
        step=(step[starts] + step[np.minimum(starts + stride, end) - 1]) / 2,
        coins=added(coins),
        expected=added(coins * epsilon) / count,
        fraction=added(coins * np.nan_to_num(fraction)) / count,
        error=np.sqrt(added(coins * epsilon * (1 - epsilon))) / count,
    )


def in_words(settings: ScheduledSampling, steps: int) -> str:
    """When half of the inputs are the network's own, and where ε ends."""
    if settings.teacher_forcing:
        return "every input is the truth: teacher forcing"
    first, last = (float(settings.epsilon_at(i)) for i in (0, steps - 1))
    if settings.schedule == "constant":
        return f"at every iteration {1 - first:.3g} of the inputs are the network's own on average: ε is {first:.3g}"
    half = settings.half_way
    if first <= 0.5:
        said = "half of the inputs or more are the network's own from the first iteration on"
    elif half is None or half > steps - 1:
        said = f"fewer than half of the inputs are the network's own in all of the {steps:,} iterations"
    else:
        said = f"half of the inputs are the network's own from iteration {round(half):,} on"
    return f"{said}; at the end ε is {f'{last:.2g}' if last >= SMALL or not last else f'below {SMALL}'}"


@Drawn
def schedule(
    named: list[tuple[str, ScheduledSampling]], steps: int, look: Look = LIGHT, *, height: int = 150
) -> Sketch:
    """Schedules over a run's steps, before it starts.

    Args:
        named: a name for the legend, and the schedule.
        steps: of the run.
        look: light or dark.
        height: in pixels.
    """
    fig = figure(look, "; ".join(in_words(settings, steps) for _, settings in named), height=height)
    for index, (name, settings) in enumerate(named):
        style = {"color": look.palette.accent, "width": 2, "dash": DASHES[index % len(DASHES)]}
        _curve(fig, name, settings, steps, style)
    half = named[0][1].half_way if len(named) == 1 else None
    if half is not None and 0 < half < steps:
        line = {"color": look.palette.quiet, "width": 1, "dash": "dot"}
        fig.add_shape(type="line", x0=half, x1=half, y0=0, y1=0.5, line=line)
        fig.add_shape(type="line", x0=0, x1=half, y0=0.5, y1=0.5, line=line)
    _axes(fig, steps)
    margin = {"l": 40, "r": 8, "t": 8 if len(named) == 1 else 24, "b": 36}
    fig.update_layout(height=height, showlegend=len(named) > 1, margin=margin)
    return fig


@Drawn
def epsilon(runs: list[Scheduled], look: Look = LIGHT, *, at: int | None = None) -> Sketch:
    """ε of each run over all of its steps, where it stands, and the measured share of truth in windows of steps.

    Args:
        runs: the runs in view.
        look: light or dark.
        at: the training step in view.
    """
    if not runs:
        return empty(look, _NONE)
    fig = figure(look, "; ".join(_said(run, len(runs)) for run in runs))
    for run in runs:
        style = run.line.style(look, 1.6)
        _curve(fig, plain(run.line.label), run.settings, run.steps, style)
        if not run.tossed:
            continue
        found = windows(run.feeding)
        _band(fig, found.step, found.expected, SIGMAS * found.error, style["color"])
        fig.add_scatter(
            x=found.step,
            y=found.fraction,
            mode="markers",
            showlegend=False,
            marker={"size": 5, "color": look.palette.card, "line": {"color": style["color"], "width": 1.4}},
            customdata=100 * SIGMAS * found.error,
            hovertemplate="around step %{x:,.0f}: %{y:.2%} fed, ±%{customdata:.2f}% allowed<extra></extra>",
        )
        fig.add_scatter(
            x=run.feeding["step"][-1:],
            y=run.feeding["epsilon"][-1:],
            mode="markers",
            showlegend=False,
            marker={"size": 11, "color": style["color"], "line": {"color": look.palette.card, "width": 2}},
            hovertemplate="now: step %{x:,}, ε %{y:.3f}<extra></extra>",
        )
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    _axes(fig, max(run.steps for run in runs))
    return fig


@Drawn
def deviation(runs: list[Scheduled], look: Look = LIGHT) -> Sketch:
    """Measured share minus ε in windows of steps, within the band of 4 standard errors: the coins, enlarged."""
    tossed = [run for run in runs if run.tossed]
    if not tossed:
        return empty(look, FORCED if runs and all(run.settings.teacher_forcing for run in runs) else _NONE)
    fig = figure(look, "; ".join(_outside(run, len(tossed)) for run in tossed))
    widest = 0.0
    for run in tossed:
        found = windows(run.feeding)
        off, half = 100 * (found.fraction - found.expected), 100 * SIGMAS * found.error
        widest = max(widest, float(half.max()), float(np.abs(off).max()))
        style = run.line.style(look, 1.4)
        _band(fig, found.step, np.zeros_like(off), half, style["color"])
        fig.add_scatter(
            x=found.step,
            y=off.astype(np.float32),
            mode="lines+markers",
            name=plain(run.line.label),
            showlegend=len(tossed) > 1,
            line=style,
            marker={"size": 4},
            customdata=half,
            hovertemplate="around step %{x:,.0f}: %{y:+.2f} points, ±%{customdata:.2f} allowed<extra></extra>",
        )
    span = 1.15 * widest or 1.0
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "fed − ε, percentage points"}, "range": [-span, span], "zeroline": True},
    )
    return fig


def _curve(fig: Sketch, name: str, settings: ScheduledSampling, steps: int, style: dict[str, object]) -> None:
    iteration = np.unique(np.linspace(0, steps - 1, POINTS).round())
    fig.add_scatter(
        x=iteration + 1,
        y=settings.epsilon_at(iteration).astype(np.float32),
        mode="lines",
        name=name,
        line=style,
        hovertemplate="ε %{y:.3f}<extra>%{fullData.name}</extra>",
    )


def _band(fig: Sketch, x: Array, middle: Array, half: Array, colour: str) -> None:
    fig.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([middle + half, (middle - half)[::-1]]).astype(np.float32),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=with_alpha(colour, 0.18),
        hoverinfo="skip",
        showlegend=False,
    )


def _axes(fig: Sketch, steps: int) -> None:
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "range": [0, steps * 1.02]},
        yaxis={"title": {"text": "ε"}, "range": [-0.03, 1.05], "tickvals": [0, 0.5, 1]},
    )


def _said(run: Scheduled, runs: int) -> str:
    if run.settings.teacher_forcing and runs > 1:
        return f"{plain(run.line.label)}: no coin is tossed"
    who = f"{plain(run.line.label)}: " if runs > 1 else ""
    return f"{who}{fed_in_words(run.feeding) if run.tossed else in_words(run.settings, run.steps)}"


def fed_in_words(feeding: Columns) -> str:
    """How much of the truth was fed in all steps so far, and how much chance allows."""
    total = windows(feeding, most=1)
    if not total.coins[0]:
        return "no coin was tossed so far"
    expected, error = float(total.expected[0]), SIGMAS * float(total.error[0])
    return (
        f"of {total.coins[0]:,.0f} coins so far {total.fraction[0]:{_digits(error)}} fed the truth, "
        f"expected {expected:{_digits(error)}} ± {error:{_digits(error)}} (4 standard errors)"
    )


def _digits(error: float) -> str:
    """As many digits of a percentage as its error makes sense of."""
    return f".{min(max(1 - math.floor(math.log10(100 * error)), 1), 4) if error > 0 else 1}%"


def _outside(run: Scheduled, runs: int) -> str:
    who = f"{plain(run.line.label)}: " if runs > 1 else ""
    found = windows(run.feeding)
    count = len(found.step)
    stride = f"{count} windows" if count > 1 else "one window"
    many = f"{found.outside} of {stride} lie" if found.outside != 1 else f"one of {stride} lies"
    return f"{who}{many} outside of 4 standard errors"

"""The global gradient norm of each step before clipping, and the threshold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain, thin
from rnncore.records import Columns

RECENT = 200


@Drawn
def gradient_norm(runs: list[tuple[Line, Columns]], look: Look = LIGHT, at: int | None = None) -> Sketch:
    """Norm before clipping on a log axis; clipped steps are those above the threshold in force.

    Args:
        runs: series "train" of each run.
        at: mark this training step.
    """
    runs = [(line, train) for line, train in runs if len(train.get("step", ()))]
    if not runs:
        return empty(look, "The gradient norm appears here with the first training step.")
    fig = figure(look, "; ".join(_caption(line, train, len(runs)) for line, train in runs))
    named: set[str] = set()  # what the legend explains already: the same marks for every run
    lowest, highest = math.inf, 0.0
    for line, train in runs:
        norm, threshold = (finite(train[name]) for name in ("grad_norm", "clip_norm"))
        x, y = thin(train["step"], norm)
        positive = norm[norm > 0]
        if len(positive):
            lowest, highest = min(lowest, float(positive.min())), max(highest, float(positive.max()))
        fig.add_scatter(
            x=x,
            y=np.where(y > 0, y, np.nan),
            mode="lines",
            name=f"{plain(line.label)}" if len(runs) > 1 else "before clipping",
            line=line.style(look, 1.2),
            hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )
        clipped = norm > np.where(np.isfinite(threshold), threshold, np.inf)
        if clipped.any():
            x, y = thin(train["step"][clipped], norm[clipped], 150)
            fig.add_scatter(
                x=x,
                y=y,
                mode="markers",
                name="clipped",
                legendgroup="clipped",
                showlegend="clipped" not in named,
                hoverinfo="skip",
                marker={"size": 4, "color": look.palette.warning},
            )
            named.add("clipped")
        if np.isfinite(threshold).any():
            changed = np.flatnonzero(np.diff(threshold, prepend=np.nan) != 0)  # nan != 0: the first, too
            index = np.unique(np.concatenate([changed[-50:], [len(threshold) - 1]]))
            fig.add_scatter(
                x=train["step"][index],
                y=threshold[index].astype(np.float32),
                mode="lines",
                name="threshold",
                legendgroup="threshold",
                showlegend="threshold" not in named,
                line={"color": look.palette.warning, "width": 1.2, "dash": "dash", "shape": "hv"},
                hoverinfo="skip",
            )
            named.add("threshold")
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "gradient norm"}, "type": "log"} | _ticks(lowest, highest),
    )
    return fig


def _ticks(lowest: float, highest: float) -> dict[str, Any]:
    """1, 2 and 5 of each decade; where there are many, powers of ten."""
    if highest < 300 * lowest or highest == 0:
        return {"dtick": "D2", "tickformat": ".1~g"}
    every = math.ceil(math.log10(highest / lowest) / 7)
    return {"dtick": every, "exponentformat": "power", "tickfont": {"size": 9}}  # plotly.js enlarges powers


def _caption(line: Line, train: Columns, runs: int) -> str:
    who = f"{plain(line.label)}: " if runs > 1 else ""
    norm, threshold = finite(train["grad_norm"][-RECENT:]), train["clip_norm"][-RECENT:]
    if np.isnan(norm[-1]):
        return f"{who}the gradient is no longer finite"
    if not np.isfinite(threshold[-1]):
        return f"{who}{norm[-1]:.3g} now, clipping is off"
    share = float(np.mean(np.isfinite(threshold) & ~(norm <= threshold)))  # an infinite norm is clipped, too
    return f"{who}{norm[-1]:.3g} now, threshold {threshold[-1]:.3g}, {share:.0%} of the last {len(norm)} steps clipped"

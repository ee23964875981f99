"""The global gradient norm of each step before clipping, and the threshold."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain, smooth, thin
from dashboard.figures.decades import marks
from rnncore.records import Array, Columns

RECENT = 200


@Drawn
def gradient_norm(
    runs: list[tuple[Line, Columns]], look: Look = LIGHT, at: int | None = None, *, share: bool = False
) -> Sketch:
    """Norm before clipping on a log axis; clipped steps are those above the threshold in force.

    Args:
        runs: series "train" of each run.
        at: mark this training step.
        share: also draw the norm after clipping and, below, the share of clipped steps among the last ``RECENT``.
    """
    runs = [(line, train) for line, train in runs if len(train.get("step", ()))]
    if not runs:
        return empty(look, "The gradient norm appears here with the first training step.")
    fig = figure(look, "; ".join(_caption(line, train, len(runs), at) for line, train in runs))
    named: set[str] = set()  # what the legend explains already: the same marks for every run
    lowest, highest = math.inf, 0.0
    for line, train in runs:
        norm, threshold = (finite(train[name]) for name in ("grad_norm", "clip_norm"))
        if share:
            _draw_clipping(fig, line, train, len(runs), look)
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
        mark = {"color": look.palette.accent, "width": 1.5}
        fig.add_shape(type="line", x0=at, x1=at, xref="x", y0=0, y1=1, yref="paper", line=mark)
    xaxis = {"title": {"text": "training step"}, "rangemode": "tozero"}
    yaxis = {"title": {"text": "gradient norm"}, "type": "log"} | marks(lowest, highest)
    if share:
        below = {"title": {"text": "clipped"}, "domain": [0.0, 0.24], "range": [-0.04, 1.04], "tickformat": ".0%"}
        fig.update_layout(yaxis2=below | {"dtick": 0.5})
        xaxis, yaxis = xaxis | {"anchor": "y2"}, yaxis | {"domain": [0.36, 1.0]}
    fig.update_layout(xaxis=xaxis, yaxis=yaxis)
    return fig


def clipped_share(train: Columns) -> Array:
    """Among the last ``RECENT`` steps up to each step, the share whose norm was above the threshold in force."""
    norm, threshold = finite(train["grad_norm"]), train["clip_norm"]
    return smooth((np.isfinite(threshold) & ~(norm <= threshold)).astype(float), RECENT)  # an infinite norm is clipped


def _draw_clipping(fig: Sketch, line: Line, train: Columns, runs: int, look: Look) -> None:
    """What the optimiser got, and how often that was less than there was."""
    norm, threshold = finite(train["grad_norm"]), train["clip_norm"]
    who = f"{plain(line.label)}: " if runs > 1 else ""
    x, y = thin(train["step"], np.fmin(norm, np.where(np.isnan(norm), np.nan, threshold)))
    fig.add_scatter(
        x=x,
        y=np.where(y > 0, y, np.nan),
        mode="lines",
        name=f"{who}after clipping",
        showlegend=runs == 1,
        line={"color": look.palette.ink, "width": 1, "dash": "dot"},
        hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
    )
    x, y = thin(train["step"], clipped_share(train))
    fig.add_scatter(
        x=x,
        y=y,
        yaxis="y2",
        mode="lines",
        name=f"{who}share clipped",
        showlegend=False,
        line=line.style(look, 1.8),
        hovertemplate=f"%{{y:.0%}} of the last {RECENT} steps<extra>%{{fullData.name}}</extra>",
    )


def _caption(line: Line, train: Columns, runs: int, at: int | None) -> str:
    who = f"{plain(line.label)}: " if runs > 1 else ""
    end = len(train["step"]) if at is None else max(int(np.searchsorted(train["step"], at, side="right")), 1)
    norm, threshold = finite(train["grad_norm"][max(end - RECENT, 0) : end]), train["clip_norm"][:end][-RECENT:]
    when = "now" if at is None else f"at step {train['step'][end - 1]:,.0f}"
    if np.isnan(norm[-1]):
        return f"{who}the gradient is no longer finite"
    if not np.isfinite(threshold[-1]):
        return f"{who}{norm[-1]:.3g} {when}, clipping is off"
    share = float(np.mean(np.isfinite(threshold) & ~(norm <= threshold)))  # an infinite norm is clipped, too
    clipped = f"{share:.0%} of the last {len(norm)} steps clipped"
    return f"{who}{norm[-1]:.3g} {when}, threshold {threshold[-1]:.3g}, {clipped}"

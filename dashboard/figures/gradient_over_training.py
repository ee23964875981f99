"""The gradient's reach over training: lag by training step."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.figures.decades import colour_bar, decades, logarithms
from dashboard.figures.gradient_flow import recurrent
from dashboard.theme import magnitude
from rnncore.records import Array, GradientFlow

MOST_LAGS = 128
"""Rows that a screen tells apart."""


@Drawn
def gradient_over_training(
    records: list[GradientFlow], look: Look = LIGHT, *, layer: int = 0, cell: bool = False, at: int | None = None
) -> Sketch:
    """‖∂L_last/∂h‖ by lag (upwards) and training step, on a log colour scale.

    Each column reaches from its measurement to the next.

    Args:
        records: of one run, oldest first.
        look: see ``Look``.
        layer: which layer; a run that has fewer shows its top one.
        cell: c in place of h, where there is one.
        at: mark this training step.
    """
    if not records:
        return empty(
            look, "The gradient over training appears here with the first probe,<br>at the first training step."
        )
    letter, columns = _columns(records, layer, cell)
    lags = records[-1].lags
    keep = np.unique(np.linspace(0, len(lags) - 1, min(len(lags), MOST_LAGS)).round().astype(int))
    grid = columns[:, keep].T[::-1]  # (lags, records), lag 0 first
    low, high = decades(float(grid[np.isfinite(grid)].max(initial=0)))
    steps = np.array([record.step for record in records])
    width = steps[-1] - steps[-2] if len(steps) > 1 else 1
    fig = figure(look, _caption(records, layer, letter, grid, at), hovermode="closest", showlegend=False)
    fig.add_heatmap(
        z=logarithms(grid, low),
        x=np.append(steps, steps[-1] + width),
        y=lags[keep][::-1],
        zmin=float(low),
        zmax=float(high),
        colorscale=magnitude(look.mode),
        colorbar=colour_bar(low, high, f"‖∂L/∂{letter}‖", look),
        hovertemplate="lag %{y}, about step %{x:.0f}<br>10<sup>%{z:.1f}</sup><extra></extra>",
    )
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.warning, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "showgrid": False, "zeroline": False},
        yaxis={"title": {"text": "lag: steps before the loss"}, "showgrid": False, "zeroline": False},
    )
    return fig


def _columns(records: list[GradientFlow], layer: int, cell: bool) -> tuple[str, Array]:
    """h or c, and its norms, (records, T)."""
    own = [(record.cell_last if cell and len(record.cell_last) else record.hidden_last) for record in records]
    letter = "c" if cell and len(records[-1].cell_last) else "h"
    return letter, np.stack([values[min(layer, len(values) - 1)] for values in own])


def _caption(records: list[GradientFlow], layer: int, letter: str, grid: Array, at: int | None) -> str:
    if not np.isfinite(grid).all():
        return "blank where the gradient was not finite"
    if not recurrent(records[-1]):
        return "of the window's last loss; blank where it is exactly 0"
    if letter == "h" and len(records[-1].cell_last) and len(grid) > 1 and not grid[1:].any():
        return "no step reads the h before it: choose c"
    shown = next((one for one in reversed(records) if at is None or one.step <= at), records[0])
    first, now = (float(one.half_life[min(layer, len(one.half_life) - 1)]) for one in (records[0], shown))
    if shown.step == records[0].step or not (math.isfinite(first) and math.isfinite(now)):
        return "of the window's last loss"
    return f"half-life {_steps(first)} at step {records[0].step:,}, {_steps(now)} at step {shown.step:,}"


def _steps(half_life: float) -> str:
    return f"{half_life:.3g} steps" if half_life > 0 else f"doubling in {-half_life:.3g} steps"

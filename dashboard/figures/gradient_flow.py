"""Gradient magnitude across time: how much of the last step's loss reaches each step before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, MANY, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.figures.decades import RANGE, decades, log_axis, mode_of, positive
from dashboard.theme import with_alpha
from rnncore.cells import CELLS
from rnncore.records import Array, GradientFlow


@Drawn
def gradient_flow(
    flows: list[tuple[Line, GradientFlow]],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    last: bool = True,
    total: bool = True,
    cell: bool = True,
    direct: bool = False,
) -> Sketch:
    """‖∂L_last/∂h‖ against the lag, with its fitted decay; the lag grows to the left, as the gradient travels.

    Args:
        flows: one record per run.
        layer: which layer; a run that has fewer shows its top one.
        last: draw ‖∂L_last/∂h_t‖ of the last step's loss alone, and its fit.
        total: draw ‖dL/dh_t‖ of the losses at all steps.
        cell: also draw the cell state's, for an LSTM.
        direct: also draw what ``retain_grad`` on the layer's output would show: the losses' direct gradient
            alone, without what arrives through the recurrence.
    """
    if not flows:
        return empty(look, "The gradient appears here with the first probe,<br>at the first training step.")
    fig = figure(look, _captions(flows, layer))
    highest = 10.0 ** RANGE[1]
    longest = max(flow.hidden_last.shape[1] for _, flow in flows) - 1
    for line, flow in flows:
        index = min(layer, len(flow.hidden_last) - 1)
        name = f"{plain(line.label)}: " if len(flows) > 1 else ""
        faint, both = with_alpha(line.style(look)["color"], 0.5), last and total
        curves: list[tuple[Array, str, dict[str, Any] | None]] = []
        if total:
            curves.append((flow.hidden_total, "h, all losses", line.style(look, 1.2, color=faint) if both else None))
        if total and cell:
            colour = faint if both else line.style(look)["color"]
            curves.append((flow.cell_total, "c, all losses", line.style(look, 1.2, dash="dashdot", color=colour)))
        if direct:
            retained = {"color": look.palette.quiet, "width": 1.2, "dash": "dot"}
            curves.append((flow.hidden_direct, "h, direct part only", retained))
        if last and cell:
            curves.append((flow.cell_last, "c, last loss", line.style(look, 1.2, dash="dashdot")))
        if last:
            curves.append((flow.hidden_last, "h, last loss", None))
        for values, what, style in curves:
            if not len(values):  # a cell without c
                continue
            norms = positive(values[index])
            fig.add_scatter(
                x=flow.lags,
                y=norms,
                mode=mode_of(norms),
                marker={"size": 5},
                name=f"{name}{what}",
                showlegend=len(flows) == 1 or not what.startswith("c") or not last,
                line=style or line.style(look, 2.6),
                hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
            )
            usable = values[index][np.isfinite(values[index])]
            highest = max(highest, float(usable.max(initial=0)) if what.startswith("h") else 0)
        fitted = _fitted(flow, index) if last else None
        if fitted is not None:
            fig.add_scatter(
                x=flow.lags,
                y=fitted,
                mode="lines",
                name=f"{name}fit",
                hoverinfo="skip",
                line={"color": look.palette.quiet, "width": 1, "dash": "dot"},
                showlegend=len(flows) == 1,
            )
    beside = 0.02 * longest or 0.5
    fig.update_layout(
        xaxis={  # given, not "reversed": after an empty figure plotly.js forgets that
            "title": {"text": "lag: steps before the loss"},
            "range": [longest + beside, -beside],
        }
        | ({} if longest else {"tickvals": [0]}),
        yaxis=log_axis("gradient norm ‖∂L/∂h‖", decades(highest)),
    )
    return fig


def recurrent(flow: GradientFlow) -> bool:
    """Whether a state hands on the gradient from step to step: then its decay can be fitted."""
    return flow.cell not in CELLS or CELLS[flow.cell].recurrent


def _fitted(flow: GradientFlow, layer: int) -> Array | None:
    """The least-squares line, through the mean of the points as such a line must go."""
    factor, last = float(flow.factor[layer]), flow.hidden_last[layer]
    if not recurrent(flow):
        return None
    usable = np.isfinite(last) & (last > 0)
    if not (math.isfinite(factor) and factor > 0 and usable.any()):
        return None
    level = np.log(last[usable].astype(np.float64)).mean() - math.log(factor) * flow.lags[usable].mean()
    return np.exp(level + math.log(factor) * flow.lags).astype(np.float32)


def _captions(flows: Sequence[tuple[Line, GradientFlow]], layer: int) -> str:
    """Of many runs, their factors only."""
    factors = [float(flow.factor[min(layer, len(flow.factor) - 1)]) for _, flow in flows]
    if len(flows) < MANY or not all(map(math.isfinite, factors)):
        return "; ".join(_caption(line, flow, layer, len(flows)) for line, flow in flows)
    each = (f"{plain(line.label)} {factor:.3f}" for (line, _), factor in zip(flows, factors, strict=True))
    return "factor per step: " + ", ".join(each)


def _caption(line: Line, flow: GradientFlow, layer: int, runs: int) -> str:
    layer = min(layer, len(flow.factor) - 1)
    who = f"{plain(line.label)}: " if runs > 1 else ""
    factor, half_life = float(flow.factor[layer]), float(flow.half_life[layer])
    if not np.isfinite(flow.hidden_last).all():
        return f"{who}the gradient is no longer finite"
    if not recurrent(flow):
        last = flow.hidden_last[layer]
        return f"{who}no recurrence: the last loss depends on h at {int((last > 0).sum())} of {len(last)} steps"
    if len(flow.cell_last) and len(flow.lags) > 1 and not flow.hidden_last[layer][:-1].any():
        return f"{who}no step reads the h before it: only c hands on the gradient"
    if not math.isfinite(factor):
        return f"{who}too few steps to fit a decay"
    if half_life < 0:
        return f"{who}factor {factor:.3f} per step, doubles every {-half_life:.3g} steps"
    if not math.isfinite(half_life):
        return f"{who}factor 1 per step"
    return f"{who}factor {factor:.3f} per step, half-life {half_life:.3g} steps"

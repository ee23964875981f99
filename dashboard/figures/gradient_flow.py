"""Gradient magnitude across time: how much of the last step's loss reaches each step before it."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.theme import with_alpha
from rnncore.records import GradientFlow

RANGE = (-8, 2)
"""Decades shown. The axis never follows the data inwards: a rescaled curve would fake a vanishing gradient."""
_BLOCK = 4  # decades by which the axis grows where values lie beyond


@Drawn
def gradient_flow(
    flows: list[tuple[Line, GradientFlow]],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    total: bool = True,
    cell: bool = True,
    direct: bool = False,
) -> Sketch:
    """‖∂L_last/∂h‖ against the lag, with its fitted decay; the lag grows to the left, as the gradient travels.

    Args:
        flows: one record per run.
        layer: which layer; a run that has fewer shows its top one.
        total: also draw ‖dL/dh_t‖ of the losses at all steps.
        cell: also draw the cell state's, for an LSTM.
        direct: also draw what ``retain_grad`` on the layer's output would show: the losses' direct gradient
            alone, without what arrives through the recurrence.
    """
    if not flows:
        return empty(look, "The gradient appears here with the first probe,<br>at the first training step.")
    fig = figure(look, "; ".join(_caption(line, flow, layer, len(flows)) for line, flow in flows))
    lowest, highest = 10.0 ** RANGE[0], 10.0 ** RANGE[1]
    longest = max(flow.hidden_last.shape[1] for _, flow in flows) - 1
    for line, flow in flows:
        index = min(layer, len(flow.hidden_last) - 1)
        name = f"{plain(line.label)}: " if len(flows) > 1 else ""
        last = flow.hidden_last[index]
        if total:
            fig.add_scatter(
                x=flow.lags,
                y=_positive(flow.hidden_total[index]),
                mode="lines",
                name=f"{name}h, all losses",
                line=line.style(look, 1.2, color=with_alpha(line.style(look)["color"], 0.5)),
                hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
            )
        if direct:
            fig.add_scatter(
                x=flow.lags,
                y=_positive(flow.hidden_direct[index]),
                mode="lines",
                name=f"{name}h, direct part only",
                line={"color": look.palette.quiet, "width": 1.2, "dash": "dot"},
                hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
            )
        if cell and len(flow.cell_last):
            fig.add_scatter(
                x=flow.lags,
                y=_positive(flow.cell_last[index]),
                mode="lines",
                name=f"{name}c, last loss",
                showlegend=len(flows) == 1,
                line=line.style(look, 1.2, dash="dashdot"),
                hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
            )
        fig.add_scatter(
            x=flow.lags,
            y=_positive(last),
            mode="lines",
            name=f"{name}h, last loss",
            line=line.style(look, 2.6),
            hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
        )
        fitted = _fitted(flow, index)
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
        usable = last[np.isfinite(last) & (last > 0)]
        if len(usable):
            highest = max(highest, float(usable.max()))
    fig.update_layout(
        xaxis={  # given, not "reversed": after an empty figure plotly.js forgets that
            "title": {"text": "lag: steps before the loss"},
            "range": [longest + 0.02 * max(longest, 1), -0.02 * max(longest, 1)],
        },
        yaxis={
            "title": {"text": "gradient norm ‖∂L/∂h‖, nats"},
            "type": "log",
            "range": _decades(lowest, highest),
            "exponentformat": "power",
            "dtick": 2,
            "tickfont": {"size": 9},  # plotly.js enlarges powers by a quarter
        },
    )
    return fig


def _decades(lowest: float, highest: float) -> list[float]:
    low, high = (math.log10(value) for value in (lowest, highest))
    grown = RANGE[1] + _BLOCK * math.ceil(max(high - RANGE[1], 0) / _BLOCK)
    return [math.floor(low), min(grown, 38)]


def _positive(values: np.ndarray) -> np.ndarray:
    """Zero and non-finite values have no place on a log axis: they leave a gap."""
    values = np.asarray(values, np.float32)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan).astype(np.float32)


def _fitted(flow: GradientFlow, layer: int) -> np.ndarray | None:
    """The least-squares line, through the mean of the points as such a line must go."""
    factor, last = float(flow.factor[layer]), flow.hidden_last[layer]
    usable = np.isfinite(last) & (last > 0)
    if not (math.isfinite(factor) and factor > 0 and usable.any()):
        return None
    level = np.log(last[usable].astype(np.float64)).mean() - math.log(factor) * flow.lags[usable].mean()
    return np.exp(level + math.log(factor) * flow.lags).astype(np.float32)


def _caption(line: Line, flow: GradientFlow, layer: int, runs: int) -> str:
    layer = min(layer, len(flow.factor) - 1)
    who = f"{plain(line.label)}: " if runs > 1 else ""
    factor, half_life = float(flow.factor[layer]), float(flow.half_life[layer])
    if not np.isfinite(flow.hidden_last).all():
        return f"{who}the gradient is no longer finite"
    if not math.isfinite(factor):
        return f"{who}too few steps to fit a decay"
    if half_life < 0:
        return f"{who}factor {factor:.3f} per step, doubles every {-half_life:.3g} steps"
    if not math.isfinite(half_life):
        return f"{who}factor 1 per step"
    return f"{who}factor {factor:.3f} per step, half-life {half_life:.3g} steps"

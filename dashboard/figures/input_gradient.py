"""The gradient at the input across time: how much of the last step's loss reaches each step that was read."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain
from dashboard.figures.decades import RANGE, decades, log_axis, mode_of, positive
from dashboard.theme import with_alpha
from rnncore.records import Array, GradientFlow


@Drawn
def input_gradient(
    flows: list[tuple[Line, GradientFlow]], look: Look = LIGHT, *, last: bool = True, total: bool = True
) -> Sketch:
    """‖∂L/∂x‖ against the lag, of recurrent and other networks alike; the lag grows to the left.

    Args:
        flows: one record per run.
        last: draw that of the last step's loss alone; its line ends where it is exactly 0.
        total: draw that of the losses at all steps.
    """
    if not flows:
        return empty(look, "The gradient appears here with the first probe,<br>at the first training step.")
    found = [(line, flow) for line, flow in flows if len(flow.input_last)]
    if not found:
        return empty(
            look, "Of this run nothing was measured at the input:<br>it was trained by a program of its own, or before "
            "this chart was made."
        )  # fmt: skip
    fig = figure(look, "; ".join(_caption(line, flow, len(flows)) for line, flow in flows))
    longest = max(len(flow.input_last) for _, flow in found) - 1
    highest = 10.0 ** RANGE[1]
    for line, flow in found:
        name = f"{plain(line.label)}: " if len(flows) > 1 else ""
        both = last and total
        if total:
            colour = with_alpha(line.style(look)["color"], 0.5) if both else line.style(look)["color"]
            add_reach(fig, flow.lags, flow.input_total, f"{name}all losses", line.style(look, 1.2, color=colour))
        if last:
            beyond = "exactly 0 beyond" if flow.field else "too small for float32 beyond"
            add_reach(
                fig, flow.lags, flow.input_last, f"{name}last loss", line.style(look, 2.6), beyond=beyond, side="left"
            )
        values = np.concatenate([flow.input_last, flow.input_total])
        highest = max(highest, float(values[np.isfinite(values)].max(initial=0)))
    fig.update_layout(
        xaxis={  # given, not "reversed": after an empty figure plotly.js forgets that
            "title": {"text": "lag: steps before the loss"},
            "range": [longest + 0.02 * max(longest, 1), -0.02 * max(longest, 1)],
        },
        yaxis=log_axis("gradient norm ‖∂L/∂x‖", decades(highest)),
    )
    return fig


def add_reach(
    fig: Sketch, lags: Array, norms: Array, name: str, style: dict[str, Any], *, beyond: str = "", side: str = "right"
) -> None:
    """A line that ends where the gradient is 0, which has no place on a logarithmic axis; the end is marked in words.

    Args:
        lags: of each norm, (T,), in either order.
        beyond: what is said at the end, '' for nothing.
        side: where zeros lie.
    """
    there = norms > 0
    ends = bool(beyond) and bool(there.any()) and bool(np.isfinite(norms).all())
    end = int(lags[there].max()) if ends else int(lags.max())
    drawn = lags <= end
    shown = positive(norms[drawn])
    fig.add_scatter(
        x=lags[drawn], y=shown, mode=mode_of(shown), name=name, line=style, marker={"size": 5},
        hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
    if end == int(lags.max()):
        return
    fig.add_scatter(
        x=[end], y=[float(finite(norms)[lags == end][0])], mode="markers+text", text=[beyond],
        textposition=f"bottom {side}", textfont={"size": 11, "color": style["color"]}, showlegend=False,
        marker={"size": 9, "symbol": "square", "color": style["color"]}, hoverinfo="skip",
    )  # fmt: skip


def _caption(line: Line, flow: GradientFlow, runs: int) -> str:
    who, steps = f"{plain(line.label)}: " if runs > 1 else "", len(flow.input_last)
    if not steps:
        return f"{who}not measured at the input"
    if not np.isfinite(flow.input_last).all():
        return f"{who}the gradient is no longer finite"
    if not flow.input_last.any():
        return f"{who}the last loss has a gradient of 0 everywhere"
    if not flow.field:
        return f"{who}recurrent, so that no step is out of reach"
    if flow.field < steps:
        return f"{who}an output sees {flow.field} steps, its own among them, and nothing before"
    return f"{who}an output sees every step of the window"

"""Step Jacobians along a sequence and multiplied together: whether small changes of the state grow or fade."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain, shown
from dashboard.figures.dynamics import DIRECT, Spectra, captions, layer_of, measured_of, nearest, who, why_none
from dashboard.theme import gate_colour
from rnncore.records import Array, LyapunovSpectrum, StepJacobian

_BOTH = "σ<sub>max</sub> (line), ρ (dots)"


@Drawn
def along_sequence(records: Spectra, look: Look = LIGHT, *, layer: int = 0, t: int | None = None) -> Sketch:
    """σ_max and the spectral radius of J_t against the step of the sequence, with a line at 1.

    Args:
        records: one per run.
        look: see ``Look``.
        layer: which layer.
        t: the step that is looked at closer; None for the last.
    """
    measured = measured_of(records)
    if not measured:
        return empty(look, why_none(records))
    fig = figure(look, captions(records, lambda one: _along_words(one, layer)))
    for line, record in measured:
        own = layer_of(record, layer)
        read = [f"reading {shown(record.text[at])}" if at < len(record.text) else "" for at in record.steps]
        pair = record.largest[own], record.radius[own]
        _draw_pair(fig, line, look, record.steps, pair, measured, "%{y:.3g} %{customdata}", customdata=read)
    last = measured[0][1]
    fig.add_vline(x=int(last.steps[nearest(last, t)]), line={"color": look.palette.accent, "width": 1.2})
    fig.update_layout(
        xaxis={"title": {"text": "step of the sequence t"}},
        yaxis=_factor_axis(fig, look, f"in one step: {_BOTH}"),
        showlegend=True,
    )
    return fig


@Drawn
def growth_by_lag(
    records: Spectra,
    look: Look = LIGHT,
    *,
    layer: int = 0,
    exponents: dict[Line, LyapunovSpectrum] | None = None,
) -> Sketch:
    """The factor per step over a lag: σ_max and ρ of the product, to the power of 1/lag.

    With a growing lag both approach e^λ₁ (Oseledets 1968): whether the gradient vanishes or explodes is decided
    there, not by one step's σ_max.

    Args:
        records: one per run.
        look: see ``Look``.
        layer: which layer.
        exponents: Lyapunov exponents of the runs that have them, for the limit.
    """
    measured = measured_of(records)
    if not measured:
        return empty(look, why_none(records))
    fig = figure(look, captions(records, lambda one: _growth_words(one, layer)))
    for line, record in measured:
        own, lags, power = layer_of(record, layer), np.array(record.lags), 1 / np.array(record.lags)
        largest, radius = record.product_singular[own].max(-1), record.product_radius[own]
        pair = positive(largest) ** power, positive(radius) ** power
        _draw_pair(fig, line, look, lags, pair, measured, "%{y:.3g} per step")
        if len(record.direct):
            fig.add_scatter(
                x=lags,
                y=positive(record.product_direct[own].max(-1)) ** power,
                mode="lines+markers",
                marker={"size": 5},
                name=f"{who(line, measured)}{DIRECT}, max Π f",
                line={"color": gate_colour("c", look.mode), "width": 1.4, "dash": "dashdot"},
                hovertemplate="%{y:.3g} per step<extra>%{fullData.name}</extra>",
            )
        _draw_limit(fig, line, (exponents or {}).get(line), layer, record.lags, look)
    ticks = max((record.lags for _, record in measured), key=len)
    fig.update_layout(
        xaxis={
            "title": {"text": "lag: steps multiplied together"},
            "type": "log",
            "tickvals": list(ticks),
            "ticktext": [str(lag) for lag in ticks],
            "range": [-0.04, math.log10(max(ticks[-1], 2)) + 0.04],
        },
        yaxis=_factor_axis(fig, look, f"per step: {_BOTH}"),
        showlegend=True,
    )
    return fig


def _draw_pair(
    fig: Sketch, line: Line, look: Look, x: Array, pair: tuple[Array, Array], measured: Spectra, hover: str, **more: Any
) -> None:
    """σ_max as a line and ρ dotted; beside another run the legend names runs only, and the axis says which is which."""
    alone = len(measured) == 1
    for name, values, style in (
        ("σ<sub>max</sub>", pair[0], line.style(look, 2.2)),
        ("ρ, spectral radius", pair[1], line.style(look, 1.6, dash="dot")),
    ):
        dotted = style["dash"] == "dot"
        fig.add_scatter(
            x=x,
            y=positive(values),
            mode="lines+markers",
            marker={"size": 5},
            name=name if alone else plain(line.label) + (": ρ" if dotted else ""),
            showlegend=alone or not dotted,
            line=style,
            hovertemplate=f"{hover}<extra>%{{fullData.name}}</extra>",
            **more,
        )


def _draw_limit(
    fig: Sketch, line: Line, exponents: LyapunovSpectrum | None, layer: int, lags: tuple[int, ...], look: Look
) -> None:
    if exponents is None:
        return
    first = float(exponents.driven[min(layer, len(exponents.driven) - 1), 0])
    if math.isfinite(first):
        fig.add_scatter(
            x=[lags[0], lags[-1]],
            y=[math.exp(first)] * 2,
            mode="lines",
            name="e<sup>λ₁</sup>, the limit",
            showlegend=len(fig.data) < 5,
            line=line.style(look, 1, dash="longdash", color=look.palette.quiet),
            hovertemplate="%{y:.3g} per step<extra>limit</extra>",
        )


def _factor_axis(fig: Sketch, look: Look, title: str) -> dict[str, Any]:
    """A log axis from .1 to 10 at least, grown in decades, with its line at 1."""
    fig.add_shape(type="line", x0=0, x1=1, xref="x domain", y0=1, y1=1, yref="y",
                  line={"color": look.palette.quiet, "width": 1.2})  # fmt: skip
    values = np.concatenate([np.asarray(trace["y"], float) for trace in fig.data])
    logs = np.log10(values[np.isfinite(values)])
    low, high = (float(logs.min()), float(logs.max())) if len(logs) else (0.0, 0.0)
    bottom, top = min(-1, math.floor(low)), max(0.5, math.ceil(2 * high) / 2)
    ticks = [10.0**k * m for k in range(bottom, math.ceil(top) + 1) for m in (1, 2, 5)]
    if top - bottom > 4:
        ticks = ticks[::3]
    return {"title": {"text": title}, "type": "log", "range": [bottom, top], "tickvals": ticks,
            "ticktext": [f"{tick:g}" for tick in ticks]}  # fmt: skip


def positive(values: Array) -> Array:
    values = finite(values)
    return np.where(values > 0, values, np.nan).astype(np.float32)


def _along_words(record: StepJacobian, layer: int) -> list[str]:
    own, looked_at = layer_of(record, layer), len(record.steps)
    stretching, outside = int((record.largest[own] > 1).sum()), int((record.radius[own] > 1).sum())
    words = [f"σ_max above 1 at {stretching} of {looked_at} steps looked at, ρ at {outside}"]
    bound = float(record.weight_bound[own])
    if math.isfinite(bound):
        proof = "below 1: the gradient must vanish" if bound < 1 else "not below 1, so this alone proves nothing"
        words.append(f"σ_max(W_hh)·γ = {bound:.3g}, {proof}")
    return words


def _growth_words(record: StepJacobian, layer: int) -> list[str]:
    own, lag = layer_of(record, layer), record.lags[-1]
    one, many = float(record.product_singular[own, 0].max()), float(record.product_singular[own, -1].max())
    if not many > 0:
        return [f"nothing of a change is left after {lag} steps"]
    return [
        f"{many ** (1 / lag):.3g} per step over {lag} steps",
        f"a change becomes at most {one:.3g} of itself in one step, {many:.2g} in {lag}",
    ]

"""A memory by hand and the two paths through an LSTM's."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite
from dashboard.theme import CELL_COLOURS, GATE_COLOURS, with_alpha
from rnncore.records import Array, RememberOrForget

_WAIT = "The unit's values appear here in a moment."


@Drawn
def unit_values(record: RememberOrForget | None, look: Look = LIGHT) -> Sketch:
    """a over the steps, what is added at each, and the factor below each step."""
    if record is None:
        return empty(look, _WAIT)
    steps = np.arange(len(record.a))
    colour = CELL_COLOURS["lstm"][look.mode]
    fig = figure(look, f"a ends at {_said(record.a[-1])}")
    fig.add_scatter(
        x=np.repeat(steps[1:], 3),
        y=np.column_stack([np.zeros(len(record.g)), record.g, np.full(len(record.g), np.nan)]).ravel(),
        mode="lines", name="g, added", line={"color": GATE_COLOURS["g"][look.mode], "width": 9}, hoverinfo="skip",
    )  # fmt: skip
    fig.add_scatter(
        x=steps, y=finite(record.a), mode="lines+markers+text", name="a, remembered",
        text=[_short(a) for a in record.a], textposition="top center", cliponaxis=False, 
        line={"color": colour, "width": 2.4}, marker={"size": 9},
        hovertemplate="a = %{y:.4g} after step %{x}<extra></extra>",
    )  # fmt: skip
    fig.update_layout(xaxis=_steps(record.f, look), yaxis={"title": {"text": "value"}, "zeroline": True})
    _note_overflow(fig, record.a, look)
    return fig


@Drawn
def unit_gradient(record: RememberOrForget | None, look: Look = LIGHT) -> Sketch:
    """∂a_T/∂a_t as the product of the factors behind step t, and as autograd has it."""
    if record is None:
        return empty(look, _WAIT)
    steps = np.arange(len(record.product))
    fig = figure(look, f"{_said(record.product[0])} of a₀ arrives")
    fig.add_scatter(
        x=steps, y=finite(record.product), mode="lines", name="Πf, product", fill="tozeroy",
        fillcolor=with_alpha(GATE_COLOURS["f"][look.mode], 0.15),
        line={"color": GATE_COLOURS["f"][look.mode], "width": 2.4, "shape": "linear"},
        hovertemplate="%{y:.4g} of a after step %{x} arrives<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        x=steps, y=finite(record.autograd), mode="markers", name="autograd",
        marker={"size": 10, "color": "rgba(0,0,0,0)", "line": {"width": 2, "color": look.palette.ink}},
        hovertemplate="%{y:.4g} by autograd<extra></extra>",
    )  # fmt: skip
    fig.update_layout(xaxis=_steps(record.f, look), yaxis={"title": {"text": "∂a at the end / ∂a here"}})
    _note_overflow(fig, record.product, look)
    return fig


@Drawn
def lstm_paths(record: RememberOrForget | None, look: Look = LIGHT) -> Sketch:
    """The direct path and the whole Jacobian of an LSTM's cell state against the lag."""
    if record is None:
        return empty(look, _WAIT)
    fig = figure(look, f"over {len(record.lags)} steps the whole is {record.ratio:.3g} times the direct path")
    for values, name, colour in (
        (record.total, "∂c<sub>T</sub>/∂c<sub>t</sub>, whole", GATE_COLOURS["c"][look.mode]),
        (record.direct, "Πf, direct path", GATE_COLOURS["f"][look.mode]),
    ):
        fig.add_scatter(
            x=record.lags, y=finite(values), mode="lines+markers", name=name, line={"color": colour, "width": 2.4},
            marker={"size": 5}, hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "steps back, T − t"}, "range": [len(record.lags) + 0.5, 0.5]},
        yaxis={"type": "log", "exponentformat": "power", "title": {"text": "size, root mean square over units"}},
        hovermode="x unified",
    )
    return fig


def _steps(f: Array, look: Look) -> dict[str, object]:
    """An axis of steps with the factor of each below it."""
    thin = 1 if len(f) <= 12 else 2
    places = list(range(0, len(f) + 1, thin))
    return {
        "title": {"text": "step, and its factor f"},
        "range": [-0.5, len(f) + 0.5],
        "tickvals": places,
        "ticktext": ["0" if not t else f"{t}<br><b>×{_short(f[t - 1])}</b>" for t in places],
        "showgrid": False,
    }


def _note_overflow(fig: Sketch, values: Array, look: Look) -> None:
    if not np.isfinite(values).all():
        fig.add_annotation(
            text="overflow: beyond 1.8·10³⁰⁸ there is no number left", xref="paper", yref="paper", x=0.5, y=0.98,
            showarrow=False, font={"color": look.palette.bad},
        )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "∞"


def _said(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "an overflow"

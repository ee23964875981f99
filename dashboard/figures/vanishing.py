"""What is left of a gradient after each step back, the factors behind it, singular values, and clipping."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, lines
from dashboard.theme import GATE_COLOURS, cell_colour
from rnncore.records import Vanishing
from rnncore.records.vanishing import factor

FLOAT32 = 3.4e38
"""Larger numbers overflow in a training's float32."""
_WAIT = "The gradient of each network appears here as it is measured."


def _styles(record: Vanishing) -> list[Line]:
    return lines(list(zip(record.networks, record.cells, strict=True)))


def _gain(record: Vanishing, gain: int) -> int:
    return min(gain, len(record.gains) - 1)


@Drawn
def gradient_by_lag(record: Vanishing | None, look: Look = LIGHT, *, gain: int = 4, lags: int = 50) -> Sketch:
    """‖∂h_T/∂h_{T-k}‖ against k for every network at one gain, over some lags."""
    if record is None:
        return empty(look, _WAIT)
    gain, lags = _gain(record, gain), max(min(lags, len(record.lags)), 3)
    overflows = bool((np.nan_to_num(record.norms[:, gain, :lags], posinf=np.inf) > FLOAT32).any())
    more = "; beyond the red line float32 overflows" if overflows else ""
    fig = figure(look, f"recurrent weights × {record.gains[gain]:g}, at initialisation{more}", hovermode="closest")
    for line, norms in zip(_styles(record), record.norms[:, gain, :lags], strict=True):
        fig.add_scatter(
            x=record.lags[:lags], y=finite(np.where(norms > 0, norms, np.nan)), mode="lines", name=line.label,
            line=line.style(look, 2), hovertemplate="%{y:.3g} after %{x} steps back<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    if overflows:
        fig.add_shape(
            type="line", x0=0, x1=1, xref="paper", y0=FLOAT32, y1=FLOAT32,
            line={"color": look.palette.bad, "width": 1.5},
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "steps back, k"}, "range": [lags + 0.5, 0.5]},
        yaxis={"type": "log", "title": {"text": "‖∂h<sub>T</sub>/∂h<sub>T−k</sub>‖"}, "exponentformat": "power"},
    )
    return fig


@Drawn
def factors(record: Vanishing | None, look: Look = LIGHT, *, gain: int = 4, lags: int = 50) -> Sketch:
    """The factor per step of every network at one gain, and of the trained ones."""
    if record is None:
        return empty(look, _WAIT)
    gain, lags = _gain(record, gain), max(min(lags, len(record.lags)), 3)
    found = [factor(norms) for norms in record.norms[:, gain, :lags]]
    after = [factor(norms) for norms in record.trained_norms[:, :lags]]
    fig = figure(look, f"fitted over {lags} steps; rings: after training on parity, gain 1", hovermode="closest",
                 showlegend=False)  # fmt: skip
    rows = list(range(len(record.networks)))
    fig.add_scatter(
        x=finite(np.array(found)), y=rows, mode="markers+text", text=[_digits(value) for value in found],
        textposition="top center", cliponaxis=False, textfont={"size": 11},
        marker={"size": 12, "color": [cell_colour(cell, look.mode) for cell in record.cells]},
        hovertemplate="%{x:.4f} per step<extra>%{customdata}</extra>", customdata=list(record.networks),
    )  # fmt: skip
    fig.add_scatter(
        x=finite(np.array(after)), y=[record.networks.index(name) for name in record.trained], mode="markers",
        marker={"size": 15, "symbol": "circle-open", "line": {"width": 2.5},
                "color": [cell_colour(cell, look.mode) for cell in record.trained_cells]},
        hovertemplate="%{x:.4f} per step after training<extra>%{customdata}</extra>", customdata=list(record.trained),
    )  # fmt: skip
    fig.add_vline(x=1, line={"color": look.palette.ink, "width": 1.2, "dash": "dot"})
    fig.update_layout(
        xaxis={"title": {"text": "factor per step; above 1 it explodes"}, "rangemode": "tozero"},
        yaxis={"tickvals": rows, "ticktext": list(record.networks), "automargin": True, "showgrid": False,
               "range": [len(rows) - 0.4, -0.7], "zeroline": False},
    )  # fmt: skip
    return fig


@Drawn
def singular_values(record: Vanishing | None, look: Look = LIGHT, *, gain: int = 4, network: int = 0) -> Sketch:
    """All singular values of one network's product against the lag; the largest and the median strong."""
    if record is None:
        return empty(look, _WAIT)
    gain, network = _gain(record, gain), min(network, len(record.networks) - 1)
    values = record.spectra[network, gain].astype(np.float64)  # (Q, H)
    if not np.isfinite(values).any():
        return empty(look, "The product overflowed, or is not measured yet: it has no singular values.")
    values = np.where(values > 0, values, np.nan)  # 0: below the rounding error of the largest
    fig = figure(look, f"{record.networks[network]}, recurrent weights × {record.gains[gain]:g}", hovermode="closest")
    size = values.shape[1]
    colour = cell_colour(record.cells[network], look.mode)
    x = np.tile(np.append(record.spectrum_at.astype(float), np.nan), size)
    y = np.concatenate([np.append(column, np.nan) for column in values.T])
    fig.add_scatter(
        x=x, y=finite(y), mode="lines", line={"color": colour, "width": 0.8}, opacity=0.35, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    for place, name, dash in ((0, "largest, σ_max", "solid"), (size // 2, "median", "dash")):
        fig.add_scatter(
            x=record.spectrum_at, y=finite(values[:, place]), mode="lines+markers", name=name, marker={"size": 5},
            line={"color": colour, "width": 2.4, "dash": dash},
            hovertemplate="%{y:.3g} over %{x} steps<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "factors in the product, k"}, "range": [record.spectrum_at[-1] + 1, 0]},
        yaxis={"type": "log", "title": {"text": "singular values"}, "exponentformat": "power"},
    )
    return fig


@Drawn
def clipping(record: Vanishing | None, look: Look = LIGHT) -> Sketch:
    """Right answers without and with clipping, where gradients explode and where they vanish."""
    if record is None or not np.isfinite(record.clipped_right).any():
        return empty(look, "Runs with and without clipping follow at the end.")
    fig = figure(look, "vanilla RNN, plain gradient descent, lr .5; clipping at 1", hovermode="closest")
    for place, name in enumerate(("without clipping", "with clipping")):
        fig.add_bar(
            x=list(record.clipped), y=finite(record.clipped_right[:, place]), name=name, width=0.32,
            offset=-0.34 + 0.36 * place, text=[_share(value) for value in record.clipped_right[:, place]],
            textposition="outside", cliponaxis=False,
            marker={"color": look.palette.line if place == 0 else GATE_COLOURS["o"][look.mode]},
            customdata=record.largest[:, place],
            hovertemplate="%{y:.1%} right; largest norm before clipping %{customdata:.3g}"
            "<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_layout(
        yaxis={"title": {"text": "right answers"}, "tickformat": ".0%", "range": [0, 1.15]}, xaxis={"showgrid": False}
    )
    return fig


def _digits(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else ""


def _share(value: float) -> str:
    return f"{100 * value:.0f}%" if np.isfinite(value) else ""

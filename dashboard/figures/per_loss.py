"""Each loss by itself: how strongly it depends on each earlier state, and one of them beside the sum of all."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure
from dashboard.figures.decades import colour_bar, decades, log_axis, logarithms, positive
from dashboard.theme import magnitude
from rnncore.records import Array, PerLoss

WAIT = "Each loss by itself appears here some seconds into the run;<br>Measure now asks for it at once."


@Drawn
def per_loss(
    record: PerLoss | None,
    look: Look = LIGHT,
    *,
    layer: int = 0,
    cell: bool = False,
    tau: int | None = None,
    by_lag: bool = False,
) -> Sketch:
    """‖∂L_τ/∂h_t‖ as a heatmap on a log colour scale: a row per loss, a column per step or per lag.

    Args:
        record: one measurement.
        look: see ``Look``.
        layer: which row of the record's layers and directions.
        cell: c in place of h, where there is one.
        tau: mark the row of the loss nearest to this step; None for the last.
        by_lag: columns by τ - t, growing to the left, in place of t.
    """
    if record is None:
        return empty(look, WAIT)
    row, letter, values = _chosen(record, layer, cell)
    grid = _by_lag(values) if by_lag else values
    low, high = decades(float(values[np.isfinite(values)].max(initial=0)))
    place = nearest(record, tau)
    fig = figure(look, _caption(record, row), hovermode="closest", showlegend=False)
    fig.add_heatmap(
        z=logarithms(grid, low),
        x=record.reads[-1] - record.reads[::-1] if by_lag else record.reads,
        y=record.losses,
        zmin=float(low),
        zmax=float(high),
        colorscale=magnitude(look.mode),
        colorbar=colour_bar(low, high, f"‖∂L<sub>τ</sub>/∂{letter}<sub>t</sub>‖", look),
        hovertemplate=f"τ = %{{y}}, {'lag' if by_lag else 't'} = %{{x}}<br>10<sup>%{{z:.1f}}</sup><extra></extra>",
    )
    half = record.stride / 2
    fig.add_shape(
        type="rect",
        xref="x domain",
        x0=0,
        x1=1,
        y0=float(record.losses[place]) - half,
        y1=float(record.losses[place]) + half,
        line={"color": look.palette.warning, "width": 1.5},
    )
    first, last = float(record.reads[0]), float(record.reads[-1])
    edges = [-half, last - first + half] if by_lag else [first - half, last + half]
    fig.update_layout(
        xaxis={
            "title": {"text": "lag: steps before the loss" if by_lag else f"step t where {letter} is"},
            "range": edges[::-1] if by_lag else edges,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "title": {"text": "step τ of the loss"},
            "range": [float(record.losses[0]) - half, float(record.losses[-1]) + half],
            "showgrid": False,
            "zeroline": False,
        },
    )
    return fig


@Drawn
def one_loss(
    record: PerLoss | None,
    line: Line,
    look: Look = LIGHT,
    *,
    layer: int = 0,
    cell: bool = False,
    tau: int | None = None,
) -> Sketch:
    """The loss of one step alone, beside the gradient of all losses: by one backward recurrence, and as the sum.

    Args:
        record: one measurement.
        line: the run's.
        look: see ``Look``.
        layer: which row of the record's layers and directions.
        cell: c in place of h, where there is one.
        tau: the loss nearest to this step; None for the last.
    """
    if record is None:
        return empty(look, WAIT)
    row, letter, values = _chosen(record, layer, cell)
    place = nearest(record, tau)
    total, summed = (
        (record.cell_total[row], record.cell_sum[row])
        if letter == "c"
        else (record.hidden_total[row], record.hidden_sum[row])
    )
    step = int(record.losses[place])
    fig = figure(look, _sum_caption(record), showlegend=True)
    quiet = look.palette.quiet
    for name, y, style in (
        ("all losses, one recurrence", total, {"color": quiet, "width": 4, "dash": "solid"}),
        ("‖Σ over τ‖ of the matrix", summed, {"color": look.palette.ink, "width": 1.2, "dash": "dot"}),
        (f"loss at τ = {step} alone", values[place], line.style(look, 2.6)),
    ):
        fig.add_scatter(
            x=record.reads,
            y=positive(y),
            mode="lines" if len(y) > 1 else "markers",
            name=name,
            line=style,
            opacity=0.45 if style["width"] == 4 else 1,
            hovertemplate="%{y:.2e}<extra>%{fullData.name}</extra>",
        )
    fig.add_vline(x=step, line={"color": look.palette.warning, "width": 1.5})
    reach = max(float(one[np.isfinite(one)].max(initial=0)) for one in (total, values[place]))
    half = record.stride / 2
    first, last = float(record.reads[0]), float(record.reads[-1])
    fig.update_layout(
        xaxis={"title": {"text": f"step t where {letter} is"}, "range": [first - half, last + half], "zeroline": False},
        yaxis=log_axis(f"‖∂L/∂{letter}<sub>t</sub>‖", decades(reach)),
    )
    return fig


def nearest(record: PerLoss, tau: int | None) -> int:
    """The place among the record's losses that is nearest to τ; of None the last."""
    return len(record.losses) - 1 if tau is None else int(np.abs(record.losses - tau).argmin())


def _chosen(record: PerLoss, layer: int, cell: bool) -> tuple[int, str, Array]:
    """Which row, h or c, and the matrix (K, N)."""
    row = min(layer, len(record.hidden) - 1)
    return (row, "c", record.cells[row]) if cell and len(record.cells) else (row, "h", record.hidden[row])


def _by_lag(values: Array) -> Array:
    """Columns by t → columns by lag, the smallest first; blank where a lag would lead before the first step."""
    losses, reads = values.shape
    found = np.full((losses, reads), np.nan, values.dtype)
    for loss in range(losses):
        found[loss, : loss + 1] = values[loss, loss::-1]
    return found


def _caption(record: PerLoss, row: int) -> str:
    words = [f"{record.rows[row]} at step {record.step:,}" if len(record.rows) > 1 else f"at step {record.step:,}"]
    if not record.finite:
        words.append("the gradient is no longer finite: blank")
    return ", ".join([*words, record.left_out] if record.left_out else words)


def _sum_caption(record: PerLoss) -> str:
    if not record.finite:
        return "the gradient is no longer finite"
    if record.sum_error < SUM_AGREES:
        return f"Σ over τ and the gradient of all losses agree to {record.sum_error:.0e} of the largest"
    return f"Σ over τ misses {record.sum_error:.0%}: part of the loss does not read the outputs step by step"


SUM_AGREES = 1e-4
"""Rounding of float32 stays far below it."""

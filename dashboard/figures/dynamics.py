"""Step Jacobians taken apart: eigenvalues and singular values."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain, shown
from dashboard.theme import gate_colour, with_alpha
from rnncore.records import Array, StepJacobian

WAIT = "Appears here with the first measurement, at the first training step;<br>Measure now asks for one more."
BINS_PER_DECADE = 4
DECADES = (-4, 1)
"""Of the axis of singular values at least; it grows in blocks of 4, so that it seldom jumps."""
LOWEST = -16
"""Decade below which float64 holds nothing beside a value of about 1."""
FEW = 0.03
"""Share of singular values that may lie below the axis."""
DIRECT = "direct path c → c"

Spectra = list[tuple[Line, StepJacobian]]
Words = Callable[[StepJacobian], list[str]]
"""Clauses of a caption, the most telling first: beside another run there is room for that one only."""


@Drawn
def eigenvalues(records: Spectra, look: Look = LIGHT, *, layer: int = 0, t: int | None = None) -> Sketch:
    """Eigenvalues of J_t in the complex plane with the unit circle, at the looked-at step nearest to ``t``.

    For an LSTM they are those of the full (h, c) Jacobian; the direct path c → c, whose eigenvalues are the forget
    gate's values, stands beside it on the real axis.

    Args:
        records: one per run.
        look: see ``Look``.
        layer: which layer; a run that has fewer shows its top one.
        t: which step of the sequence; None for the last.
    """
    measured = measured_of(records)
    if not measured:
        return empty(look, why_none(records))
    fig = figure(look, captions(records, lambda one: _eigenvalue_words(one, layer, t)), hovermode="closest")
    edge = 1.15
    for index, (line, record) in enumerate(measured):
        values = finite(record.eigenvalues[layer_of(record, layer), nearest(record, t)])
        edge = max(edge, 1.06 * float(np.nanmax(np.abs(values), initial=0)))
        colour = line.style(look)["color"]
        fig.add_scatter(
            x=values[:, 0].astype(np.float32),
            y=values[:, 1].astype(np.float32),
            mode="markers",
            name=f"{who(line, measured)}{full_name(record)}",
            marker={"size": 6, "color": with_alpha(colour, 0.5), "line": {"width": 0.8, "color": colour},
                    "symbol": "circle" if index == 0 else "diamond"},
            customdata=np.hypot(values[:, 0], values[:, 1]).astype(np.float32),
            hovertemplate="%{x:.3f} + %{y:.3f} i<br>|·| = %{customdata:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        if len(record.direct):
            forget = record.direct[layer_of(record, layer), nearest(record, t)]
            fig.add_scatter(
                x=forget.astype(np.float32),
                y=np.zeros(len(forget), np.float32),
                mode="markers",
                name=f"{who(line, measured)}{DIRECT}, diag(f)",
                marker=_direct_marker(look, index),
                hovertemplate="f = %{x:.3f}<extra>%{fullData.name}</extra>",
            )
    fig.add_shape(
        type="circle", x0=-1, y0=-1, x1=1, y1=1, xref="x", yref="y", line={"color": look.palette.quiet, "width": 1.2}
    )
    fig.update_layout(
        xaxis={"title": {"text": "real part"}, "range": [-edge, edge], "constrain": "domain"},
        yaxis={"title": {"text": "imaginary part"}, "range": [-edge, edge], "scaleanchor": "x", "constrain": "domain"},
        showlegend=True,
    )
    return fig


@Drawn
def singular_values(
    records: Spectra, look: Look = LIGHT, *, layer: int = 0, t: int | None = None, lag: int = 1
) -> Sketch:
    """How the singular values of J_t, or of the product over a lag, spread on a log axis with a line at 1.

    Args:
        records: one per run.
        look: see ``Look``.
        layer: which layer.
        t: for lag 1, which step of the sequence; products end at the last step.
        lag: over how many steps; a record that lacks it shows the nearest lag that it has.
    """
    measured = measured_of(records)
    if not measured:
        return empty(look, why_none(records))
    fig = figure(look, captions(records, lambda one: _singular_words(one, layer, t, lag)), hovermode="closest")
    drawn: list[tuple[str, Array, dict[str, Any]]] = []
    for line, record in measured:
        values, direct, found = _of_lag(record, layer, t, lag)
        drawn.append((f"{who(line, measured)}{full_name(record)}", values, line.style(look, 1.8)))
        if len(direct):
            style = line.style(look, 1.4, color=gate_colour("c", look.mode), dash="dot")
            drawn.append((f"{who(line, measured)}{DIRECT}, diag({'f' if found == 1 else 'Π f'})", direct, style))
    low, high = _decades([values for _, values, _ in drawn])
    edges = np.logspace(low, high, (high - low) * (BINS_PER_DECADE if high - low <= 9 else 1) + 1)
    for name, values, style in drawn:
        counts, _ = np.histogram(values[values > 0], edges)
        fig.add_scatter(
            x=edges.astype(np.float32),
            y=(np.append(counts, counts[-1]) / max(len(values), 1)).astype(np.float32),
            mode="lines",
            name=name,
            line=style | {"shape": "hv"},
            fill="tozeroy",
            fillcolor=with_alpha(style["color"], 0.18),
            hovertemplate="from %{x:.2e}: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    fig.add_vline(x=1, line={"color": look.palette.quiet, "width": 1.2})
    fig.update_layout(
        xaxis={
            "title": {"text": "singular value: factor by which a direction is stretched"},
            "type": "log",
            "range": [low, high],
            "dtick": max(1, (high - low) // 6),
            "exponentformat": "power",
            "tickfont": {"size": 9},  # plotly.js enlarges powers by a quarter
        },
        yaxis={"title": {"text": "share of directions"}, "tickformat": ".0%", "rangemode": "tozero"},
        showlegend=True,
    )
    return fig


def nearest(record: StepJacobian, t: int | None) -> int:
    """The place among the record's steps that is nearest to t; of None the last."""
    return len(record.steps) - 1 if t is None else int(np.abs(record.steps - t).argmin())


def _of_lag(record: StepJacobian, layer: int, t: int | None, lag: int) -> tuple[Array, Array, int]:
    """Singular values, the direct path's beside them, and the lag that they belong to."""
    own, nothing = layer_of(record, layer), np.zeros(0)
    if lag == 1 or not record.lags:
        at = nearest(record, t)
        return record.singular[own, at], record.direct[own, at] if len(record.direct) else nothing, 1
    place = int(np.abs(np.log(np.array(record.lags) / lag)).argmin())
    direct = record.product_direct[own, place] if len(record.direct) else nothing
    return record.product_singular[own, place], direct, record.lags[place]


def measured_of(records: Spectra) -> Spectra:
    """Those that hold something."""
    return [(line, record) for line, record in records if record.state_size]


def why_none(records: Spectra) -> str:
    """What stands in an empty figure."""
    return "<br>".join(wrapped(record.note) for _, record in records) or WAIT


def wrapped(sentence: str) -> str:
    """A sentence in lines that fit into a card."""
    return "<br>".join(textwrap.wrap(plain(sentence), 72))


def layer_of(record: StepJacobian, layer: int) -> int:
    """The layer, or the top one of a record that has fewer."""
    return min(layer, len(record.singular) - 1)


def who(line: Line, measured: Spectra) -> str:
    """The run's name before a curve's, where there are several runs."""
    return f"{plain(line.label)}: " if len(measured) > 1 else ""


def _direct_marker(look: Look, index: int) -> dict[str, Any]:
    colour = gate_colour("c", look.mode)
    return {"size": 9, "color": colour, "symbol": "line-ns-open" if index == 0 else "x-thin-open",
            "line": {"width": 1, "color": colour}}  # fmt: skip


def _decades(groups: list[Array]) -> tuple[int, int]:
    """Ends of an axis that holds nearly all values of each group; the few below are counted in the caption."""
    low, high = float(DECADES[0]), float(DECADES[1])
    for values in groups:
        there = np.log10(values[np.isfinite(values) & (values > 0)])
        if len(there):
            low, high = min(low, float(np.quantile(there, FEW))), max(high, float(there.max()))
    below, above = (max(0, math.ceil(beyond / 4)) for beyond in (DECADES[0] - low, high - DECADES[1]))
    return max(DECADES[0] - 4 * below, LOWEST), DECADES[1] + 4 * above


def captions(records: Spectra, words: Words) -> str:
    """Each run's words; of one that holds nothing, why."""
    if len(records) == 1:
        return "; ".join(words(records[0][1]))
    return "; ".join(
        f"{plain(line.label)}: {words(record)[0] if record.state_size else plain(record.note)}"
        for line, record in records
    )


def full_name(record: StepJacobian) -> str:
    """What the whole Jacobian is of, so that it is not taken for the direct path."""
    return "full Jacobian of (h, c)" if len(record.direct) else "Jacobian of h"


def where(record: StepJacobian, t: int | None) -> str:
    """The looked-at step nearest to t, and what it read."""
    at = int(record.steps[nearest(record, t)])
    return f"step {at}" + (f", reading “{shown(record.text[at])}”" if at < len(record.text) else "")


def _eigenvalue_words(record: StepJacobian, layer: int, t: int | None) -> list[str]:
    own, at = layer_of(record, layer), nearest(record, t)
    outside = int((np.linalg.norm(record.eigenvalues[own, at], axis=-1) > 1).sum())
    words = [
        f"ρ = {record.radius[own, at]:.3g} at {where(record, t)}",
        f"{outside} of {record.state_size} outside the circle",
    ]
    if len(record.direct):
        words.append(f"direct path: f up to {record.direct[own, at].max():.3g}")
    return words


def _singular_words(record: StepJacobian, layer: int, t: int | None, lag: int) -> list[str]:
    values, direct, found = _of_lag(record, layer, t, lag)
    name, what = ("f", where(record, t)) if found == 1 else ("Π f", f"the last {found} steps together")
    words = [f"{what}: σ_max {values.max():.3g}, median {np.median(values):.2g}"]
    lowest = _decades([values, direct])[0]
    beyond = int((values < 10.0**lowest).sum())
    if beyond:
        words.append(f"{beyond} of {len(values)} are below 1e{lowest}".replace("e-", "e−"))
    if len(direct):
        words.append(f"direct path: {name} up to {direct.max():.3g}")
    return words

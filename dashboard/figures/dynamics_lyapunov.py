"""Lyapunov exponents: how fast small changes of the state grow or fade in the long run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain
from dashboard.figures.dynamics import WAIT, wrapped
from rnncore.records import Array, LyapunovSpectrum

LEAST = 0.1
"""The axis reaches at least so far above and below 0: a rescaled curve would fake growth."""
SETTLED = 0.02
"""Nats per step by which the estimate may move over its second half and still count as settled."""

DRIVEN, FREE = "on the data", "left to itself"

Spectra = list[tuple[Line, LyapunovSpectrum]]
Words = Callable[[LyapunovSpectrum, int, bool], str]


@Drawn
def lyapunov_convergence(records: Spectra, look: Look = LIGHT, *, layer: int = 0) -> Sketch:
    """The running estimate of λ₁, driven by the data (solid) and left to itself (dotted), with a line at 0.

    Args:
        records: one per run.
        look: see ``Look``.
        layer: which layer; a run that has fewer shows its top one.
    """
    if not _any(records, layer):
        return empty(look, _why_none(records, layer))
    fig = figure(look, _captions(records, layer, _convergence_words))
    for line, record in records:
        for name, _, running, _ in _kinds(record, layer):
            steps = np.arange(1, len(running) + 1)
            _draw(fig, line, name, steps, running, look, records, "after %{x} steps: λ₁ = %{y:.3f}")
    fig.update_layout(
        xaxis={"title": {"text": "counted steps"}, "rangemode": "tozero"},
        yaxis=_axis(fig, f"λ₁, nats per step{_which(records)}"),
        showlegend=True,
    )
    _draw_zero(fig, look)
    return fig


@Drawn
def lyapunov_spectrum(records: Spectra, look: Look = LIGHT, *, layer: int = 0) -> Sketch:
    """The exponents in order, driven by the data (solid) and left to itself (dotted), with a line at 0.

    Args:
        records: one per run.
        look: see ``Look``.
        layer: which layer.
    """
    if not _any(records, layer):
        return empty(look, _why_none(records, layer))
    fig = figure(look, _captions(records, layer, _spectrum_words))
    for line, record in records:
        for name, exponents, _, _ in _kinds(record, layer):
            index = np.arange(1, len(exponents) + 1)
            _draw(fig, line, name, index, exponents, look, records, "λ<sub>%{x}</sub> = %{y:.3f}", markers=True)
    fig.update_layout(
        xaxis={"title": {"text": "index i, in the order of QR"}, "rangemode": "tozero"},
        yaxis=_axis(fig, f"λ<sub>i</sub>, nats per step{_which(records)}"),
        showlegend=True,
    )
    _draw_zero(fig, look)
    return fig


def _draw(
    fig: Sketch, line: Line, name: str, x: Array, y: Array, look: Look, records: Spectra, hover: str, *,
    markers: bool = False,
) -> None:  # fmt: skip
    free = name != DRIVEN
    style: dict[str, Any] = line.style(look, 1.6, dash="dot") if free else line.style(look, 2.2)
    fig.add_scatter(
        x=x,
        y=finite(y).astype(np.float32),
        mode="lines+markers" if markers else "lines",
        marker={"size": 5},
        name=name if len(records) == 1 else plain(line.label) + (f": {name}" if free else ""),
        showlegend=len(records) == 1 or not free,
        line=style,
        hovertemplate=f"{hover}<extra>%{{fullData.name}}</extra>",
    )


def _axis(fig: Sketch, title: str) -> dict[str, Any]:
    values = np.concatenate([trace["y"] for trace in fig.data])
    low, high = min(-LEAST, float(np.nanmin(values, initial=0))), max(LEAST, float(np.nanmax(values, initial=0)))
    room = 0.04 * (high - low)
    return {"title": {"text": title}, "range": [low - room, high + room], "zeroline": False}


def _draw_zero(fig: Sketch, look: Look) -> None:
    fig.add_shape(
        type="line", x0=0, x1=1, xref="x domain", y0=0, y1=0, yref="y", line={"color": look.palette.quiet, "width": 1.2}
    )


def _which(records: Spectra) -> str:
    """Beside another run the legend names runs only."""
    return f"<br>{DRIVEN} (line), {FREE} (dots)" if len(records) > 1 else ""


def _kinds(record: LyapunovSpectrum, layer: int) -> list[tuple[str, Array, Array, str]]:
    """Name, exponents, running estimate of the first, and why there are none, of both kinds."""
    own = min(layer, len(record.driven) - 1)
    return [
        (DRIVEN, record.driven[own], record.driven_running[own], record.driven_notes[own]),
        (FREE, record.autonomous[own], record.autonomous_running[own], record.autonomous_notes[own]),
    ]


def _any(records: Spectra, layer: int) -> bool:
    return any(not note for _, record in records for *_, note in _kinds(record, layer))


def _why_none(records: Spectra, layer: int) -> str:
    notes = [wrapped(note) for _, record in records for *_, note in _kinds(record, layer)]
    return "<br>".join(dict.fromkeys(notes)) or WAIT


def _captions(records: Spectra, layer: int, words: Words) -> str:
    """One run in full; of several what is most telling of each."""
    many = len(records) > 1
    return "; ".join(
        (f"{plain(line.label)}: " if many else "") + words(record, layer, many) for line, record in records
    )


def _convergence_words(record: LyapunovSpectrum, layer: int, short: bool) -> str:
    own = min(layer, len(record.driven) - 1)
    found = []
    for name, exponents, _, note in _kinds(record, layer):
        first, drift = float(exponents[0]), record.drift(own, autonomous=name == FREE)
        settled = "settled within" if drift <= SETTLED else "not settled, it still moved by"
        words = f"{name} λ₁ = {signed(first)} per step, {in_words(first, drift if drift <= SETTLED else 0.0)}"
        if note:
            found.append(f"not measured {name}" if short else f"{name}: {plain(note)}")
        elif short:
            found.append(f"{signed(first)} {name}")
        else:
            found.append(words if math.isnan(drift) else f"{words} ({settled} {drift:.2g})")
    return ", ".join(found) if short else "; ".join(found)


def _spectrum_words(record: LyapunovSpectrum, layer: int, short: bool) -> str:
    found = []
    for name, exponents, _, note in _kinds(record, layer):
        shut = int(np.isneginf(exponents).sum())
        above = f"{int((exponents > 0).sum())} above 0" + (f", {shut} of −∞ (shut exactly)" if shut else "")
        found.append(f"{name}: {'not measured' if note else above}")
    count = record.driven.shape[1]
    every = "all" if count == record.state_size else f"the {count} largest of"
    return "; ".join(found) if short else f"{every} {record.state_size:,} exponents; " + "; ".join(found)


def in_words(exponent: float, doubt: float = 0.0) -> str:
    """What λ₁ does to a small change, as far as it is known to ``doubt``: halves every 5.8 steps, doubles every 3."""
    if exponent == -math.inf:
        return "a change is gone at once"
    if abs(exponent) <= max(doubt, 0.005):
        return "a change about keeps its size"
    steps = math.log(2) / abs(exponent)
    return f"a change {'halves' if exponent < 0 else 'doubles'} every {steps:.2g} steps"


def signed(value: float) -> str:
    """Three digits with a true minus sign."""
    return f"{value:.3g}".replace("-inf", "−∞").replace("-", "−")

"""Teacher forcing against free running: what the truth costs, by position and over training, and what is written."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain
from dashboard.theme import with_alpha
from rnncore.records import Array, Exposure
from rnncore.records.exposure import Interval

NATS = math.log(2)
"""Of one bit."""
SIGMAS = 1.96
WAIT = (
    "Teacher forcing against free running appears here some seconds after the start,<br>"
    "or with “Measure now” of a running run."
)
OWN, TRUTH, GAP = "fed its own", "fed the truth", "fed its own − fed the truth"
Exposures = list[tuple[Line, Exposure]]
Histories = list[tuple[Line, list[Exposure]]]


@Drawn
def exposure_by_position(records: Exposures, look: Look = LIGHT, *, gap: bool = False, why: str = WAIT) -> Sketch:
    """Loss of the true text at each position after the primer, with the truth fed and with its own draws fed.

    Args:
        records: line and record of each run; runs are told apart by dashes, ways of feeding by colour.
        look: light or dark.
        gap: the difference, stream by stream, in place of both.
        why: what to say where there are no records.
    """
    measured = [(line, record) for line, record in records if record.streams]
    if not measured:
        return empty(look, _why(records, why))
    fig = figure(look, "; ".join(_gap_said(line, record, len(measured)) for line, record in measured))
    for line, record in measured:
        if gap:
            apart, error = (finite(values) / NATS for values in (record.free - record.forced, record.gap_error))
            name = plain(line.label) if len(measured) > 1 else GAP
            _line(fig, record.positions, apart, SIGMAS * error, name, line.style(look), "position %{x}: %{y:+.2f} bits")
            continue
        who = f"{plain(line.label)}, " if len(measured) > 1 else ""
        for name, mean, error, colour in (
            (OWN, record.free, record.free_error, look.palette.warning),
            (TRUTH, record.forced, record.forced_error, look.palette.accent),
        ):
            style = {"color": colour, "width": 2, "dash": line.dash}
            _line(fig, record.positions, finite(mean) / NATS, SIGMAS * finite(error) / NATS, f"{who}{name}", style,
                  "position %{x}: %{y:.2f} bits")  # fmt: skip
    unit = measured[0][1].unit
    fig.update_layout(
        xaxis={"title": {"text": f"{unit}s since the primer"}},
        yaxis={"title": {"text": f"{'gap' if gap else 'loss of the truth'}, bits per {unit}"}, "rangemode": "tozero"},
    )
    return fig


@Drawn
def written_bits(records: Exposures, look: Look = LIGHT, *, why: str = WAIT) -> Sketch:
    """Mean bits under the n-gram model of what was written freely, up to each position, and the band of real text.

    Args:
        records: line and record of each run.
        look: light or dark.
        why: what to say where there are no records.
    """
    measured = [(line, record) for line, record in records if record.order]
    if not measured:
        return empty(look, _why(records, why, bits=True))
    fig = figure(look, "; ".join(_keeps_said(line, record, len(measured)) for line, record in measured))
    first = measured[0][1]
    real = {"color": look.palette.quiet, "width": 1.6}
    _line(fig, first.positions, first.text_mean, first.band, "real text, 95 % band", real, "real text: %{y:.2f} bits")
    for line, record in measured:
        name = plain(line.label) if len(measured) > 1 else "what it writes"
        style = {"color": look.palette.warning, "width": 2.2, "dash": line.dash}
        _line(fig, record.positions, record.written_mean, None, name, style, "up to position %{x}: %{y:.2f} bits")
        if record.keeps < len(record.positions):
            fig.add_scatter(
                x=[record.keeps + 1],
                y=record.written_mean[record.keeps : record.keeps + 1].astype(np.float32),
                mode="markers",
                showlegend=False,
                marker={"size": 10, "symbol": "x-thin", "line": {"color": look.palette.bad, "width": 2.5}},
                hovertemplate="leaves the band at position %{x}<extra></extra>",
            )
    top = max(
        float((first.text_mean + first.band).max()), *(float(record.written_mean.max()) for _, record in measured)
    )
    fig.update_layout(
        xaxis={"title": {"text": f"{first.unit}s since the primer"}, "range": [0, len(first.positions) + 0.5]},
        yaxis={"title": {"text": f"mean bits under the {first.order}-gram"}, "range": [0, 1.05 * top]},
    )
    return fig


@Drawn
def exposure_over_training(
    histories: Histories, look: Look = LIGHT, *, gap: bool = True, at: int | None = None, why: str = WAIT
) -> Sketch:
    """The gap with its 95 % interval against the training step, or both losses.

    Args:
        histories: of each run, oldest first.
        look: light or dark.
        gap: the difference; else the mean loss under either way of feeding.
        at: the training step in view.
        why: what to say where there are no records.
    """
    kept = [(line, [one for one in records if one.streams]) for line, records in histories]
    kept = [(line, records) for line, records in kept if records]
    if not kept:
        return empty(look, _why([(line, records[-1]) for line, records in histories if records], why))
    fig = figure(look, "; ".join(_gap_said(line, records[-1], len(kept)) for line, records in kept))
    for line, records in kept:
        steps = np.array([record.step for record in records])
        if gap:
            values = finite(np.array([record.gap for record in records])) / NATS  # (M, 3)
            name = plain(line.label) if len(kept) > 1 else GAP
            style = line.style(look, 1.8)
            _line(fig, steps, values[:, 0], values[:, 2] - values[:, 0], name, style, "%{y:+.2f} bits", dots=True)
            continue
        who = f"{plain(line.label)}, " if len(kept) > 1 else ""
        for name, of, colour in (
            (OWN, "free", look.palette.warning),
            (TRUTH, "forced", look.palette.accent),
        ):
            mean = finite(np.array([getattr(record, of).mean() for record in records])) / NATS
            style = {"color": colour, "width": 1.8, "dash": line.dash}
            _line(fig, steps, mean, None, f"{who}{name}", style, "%{y:.2f} bits", dots=True)
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    unit = kept[0][1][0].unit
    title = f"gap, bits per {unit}" if gap else f"loss of the truth, bits per {unit}"
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": title}, "rangemode": "tozero", "zeroline": True, "zerolinecolor": look.palette.line},
    )
    return fig


def _line(
    fig: Sketch,
    x: Array,
    y: Array,
    half: Array | None,
    name: str,
    style: dict[str, object],
    hover: str,
    *,
    dots: bool = False,
) -> None:
    """A line, and around it a band of the same colour."""
    if half is not None:
        fig.add_scatter(
            x=np.concatenate([x, x[::-1]]),
            y=np.concatenate([y + half, (y - half)[::-1]]).astype(np.float32),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=with_alpha(str(style["color"]), 0.16),
            hoverinfo="skip",
            showlegend=False,
        )
    fig.add_scatter(
        x=x,
        y=np.asarray(y, np.float32),
        mode="lines+markers" if dots else "lines",
        marker={"size": 5},
        name=name,
        line=style,
        hovertemplate=f"{hover}<extra>%{{fullData.name}}</extra>",
    )


def _why(records: Exposures, otherwise: str, *, bits: bool = False) -> str:
    """Why there is nothing to draw."""
    notes = [record.note for _, record in records if record.note and (bits or not record.streams)]
    if not notes:
        return otherwise
    return plain(notes[0][:1].upper() + notes[0][1:]).replace(": ", ":<br>").replace("; ", ";<br>")


def in_bits(nats: Interval) -> Interval:
    """The same in bits."""
    return Interval(*(value / NATS for value in nats))


def interval_in_words(found: Interval, *, signed: bool = True) -> str:
    """A difference with its interval and, if wanted, whether its sign is certain."""
    if not all(map(math.isfinite, found)):
        return "not finite"
    said = f"{found.mean:+.2f} bits [{found.low:+.2f}, {found.high:+.2f}]"
    if not signed:
        return said
    sign = {1: "more than zero", -1: "less than zero", 0: "the interval holds zero"}[found.sign]
    return f"{said}, {sign}"


def _who(line: Line, runs: int) -> str:
    return f"{plain(line.label)}: " if runs > 1 else ""


def _gap_said(line: Line, record: Exposure, runs: int) -> str:
    found = interval_in_words(in_bits(record.gap_interval), signed=runs == 1)
    return f"{_who(line, runs)}free running costs {found} at step {record.step:,}"


def _keeps_said(line: Line, record: Exposure, runs: int) -> str:
    who, total = _who(line, runs), len(record.positions)
    said = f"keeps to real text for {record.keeps} of {total} {record.unit}s"
    if record.keeps == total:
        said = f"keeps to real text for all {total} {record.unit}s"
    return f"{who}{said} at step {record.step:,}"

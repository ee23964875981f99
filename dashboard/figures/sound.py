"""A chord that was heard for a moment, and how a network goes on with it: as waves, and as a spectrum."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, thin
from dashboard.theme import cell_colour, with_alpha
from rnncore.records import Array, Sound

WAIT = "What the network sings is heard with the first training step."
CLOSE = 24
"""Milliseconds of the close-up."""
BEGINNING, TRAINED, END = 0, 1, 2
"""Where it is: when the network is left alone; where training's chords end; at the very end."""
HIGHEST = 1400
"""Hz of the spectrum's axis: no chord has a tone above it."""
LOUD = 0.6
"""Share of the loudest sample that fits that the true sound's largest one gets."""


def _start(record: Sound, place: int) -> float:
    """Where the close-up begins, in milliseconds."""
    end = 1000 * len(record.truth) / record.rate
    starts = (-CLOSE / 3, record.trained_milliseconds - CLOSE / 2, end - CLOSE)
    return float(min(starts[min(place, END)], end - CLOSE))


@Drawn
def sound(record: Sound | None, look: Look = LIGHT, *, cell: str = "", n: int = 0, place: int = BEGINNING) -> Sketch:
    """The whole of it, above; and a close-up of a few periods, below: the truth, and what the network sings.

    Args:
        record: what was measured.
        cell: of the network, for its colour.
        n: which chord; the last one there is where there are fewer.
        place: of the close-up.
    """
    if record is None:
        return empty(look, WAIT)
    n = min(n, len(record.names) - 1)
    fig = figure(look, caption(record, n), height=430)
    rate, colour = record.rate / 1000, cell_colour(cell, look.mode)
    heard, truth, found = (np.asarray(part[:, n], float) for part in (record.before, record.truth, record.found))
    t, before = np.arange(len(truth)) / rate, (np.arange(len(heard)) - len(heard)) / rate
    ink = {"color": with_alpha(look.palette.ink, 0.75), "width": 1.2}
    parts: tuple[tuple[str, Array, Array, dict[str, Any]], ...] = (
        ("heard", before, heard, ink),
        ("how it really goes on", t, truth, {"color": look.palette.quiet, "width": 2.2}),
        ("what the network sings", t, found, {"color": colour, "width": 1.5}),
    )
    start = _start(record, place)
    for name, x, y, line in parts:
        rows = [thin(x, y, 1600)]
        near = (x >= start - 1) & (x <= start + CLOSE + 1)
        rows.append((x[near].astype(np.float32), y[near].astype(np.float32)))
        for row, (shown_x, shown_y) in enumerate(rows):
            axis = "2" if row else ""
            fig.add_scatter(
                x=shown_x, y=shown_y, mode="lines", name=name, xaxis=f"x{axis}", yaxis=f"y{axis}", legendgroup=name,
                line=line if row else line | {"width": 0.8}, showlegend=bool(row), opacity=1.0 if row else 0.85,
                hovertemplate="%{y:.2f} at %{x:.1f} ms<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    for axis, at in (("", 0.0), ("", record.trained_milliseconds), ("2", 0.0)):
        if not axis or start <= at <= start + CLOSE:
            fig.add_shape(
                type="line", x0=at, x1=at, xref=f"x{axis}", y0=0, y1=1, yref=f"y{axis} domain",
                line={"color": look.palette.accent, "width": 1.4, "dash": "dot" if at else "solid"},
            )  # fmt: skip
    fig.add_shape(
        type="rect", x0=start, x1=start + CLOSE, xref="x", y0=0, y1=1, yref="y domain", layer="below",
        line={"width": 0}, fillcolor=with_alpha(look.palette.accent, 0.16),
    )  # fmt: skip
    for text, at in (("alone from here", 0.0), ("as long as in training", record.trained_milliseconds)):
        fig.add_annotation(
            text=text, x=at, xref="x", y=1, yref="y domain", yanchor="bottom", xanchor="left", showarrow=False,
            font={"size": 10, "color": look.palette.quiet},
        )  # fmt: skip
    largest = 1.1 * float(np.abs(np.concatenate([heard, truth])).max())
    end = float(t[-1])
    fig.update_layout(
        margin={"t": 20, "b": 40, "r": 16},
        xaxis={"range": [float(before[0]), end], "anchor": "y", "showgrid": False},
        yaxis={"domain": [0.66, 1], "range": [-largest, largest], "showticklabels": False, "showgrid": False,
               "anchor": "x"},
        xaxis2={"range": [start, start + CLOSE], "anchor": "y2", "title": {"text": "milliseconds alone"}},
        yaxis2={"domain": [0, 0.5], "range": [-largest, largest], "anchor": "x2", "title": {"text": "close-up"},
                "showticklabels": False},
        legend={"y": 0.5, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        uirevision=f"{look.uirevision}|{n}|{place}",
    )  # fmt: skip
    return fig


def caption(record: Sound, n: int) -> str:
    """Which chord it is, and how far it is kept."""
    level = 100 * float(np.median(record.level[-1]))
    return (
        f"{record.names[n]}, never heard together before; step {record.step:,}; on average the chord is kept for "
        f"{record.kept:.0f} ms, and ends with {level:.0f}% of its power"
    )


def voices(record: Sound | None, n: int) -> list[dict[str, Any]]:
    """What may be listened to: the chord as it is and as the network sings it, both after what was heard; WAV files
    of 16 bits in base64, with where on the chart's axis they begin and end."""
    if record is None:
        return []
    n = min(n, len(record.names) - 1)
    loudest = float(np.abs(np.asarray(record.truth[:, n], float)).max())
    ends = {"begins": -1000 * len(record.before) / record.rate, "ends": 1000 * len(record.truth) / record.rate}
    pairs = (("The true chord", record.truth), ("The network", record.found))
    return [
        {"label": label, "wav": _wav(np.concatenate([record.before, part])[:, n], record.rate, loudest)} | ends
        for label, part in pairs
    ]


def _wav(samples: Array, rate: int, loudest: float) -> str:
    values = np.clip(np.asarray(samples, float) * (LOUD / loudest), -1, 1)
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(rate)
        made.writeframes((values * 32767).astype("<i2").tobytes())
    return base64.b64encode(file.getvalue()).decode()


@Drawn
def spectrum(record: Sound | None, look: Look = LIGHT, *, cell: str = "", n: int = 0) -> Sketch:
    """The tones of the last half: of the chord as it is, and of what the network sings there."""
    if record is None:
        return empty(look, WAIT)
    n = min(n, len(record.names) - 1)
    hertz, truth, found = record.spectrum(n)
    near = hertz <= HIGHEST
    half = 500 * len(record.truth) / record.rate
    about = "whether the notes are right, and how loud they are"
    fig = figure(look, f"{record.names[n]} in its last {half:.0f} ms: {about}")
    lines = (
        ("how it really goes on", truth, {"color": look.palette.quiet, "width": 2.2}),
        ("what the network sings", found, {"color": cell_colour(cell, look.mode), "width": 1.8}),
    )
    for name, values, line in lines:
        fig.add_scatter(
            x=hertz[near].astype(np.float32), y=values[near].astype(np.float32), mode="lines", name=name, line=line,
            hovertemplate="%{y:.2f} at %{x:.0f} Hz<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    notes = record.notes[n].tolist()
    for name, note in zip(record.names[n].split(" + "), notes, strict=True):
        anchor = "right" if note < max(notes) else "left"  # neighbours stand apart on a narrow page
        fig.add_annotation(
            text=name, x=note, y=1, yref="paper", yanchor="bottom", xanchor=anchor, showarrow=False,
            font={"size": 11, "color": look.palette.ink}, xshift=6 if anchor == "right" else -6,
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "frequency, Hz"}, "range": [100, HIGHEST]},
        yaxis={"title": {"text": "amplitude"}, "rangemode": "tozero"},
        margin={"t": 22},
        legend={"x": 1, "xanchor": "right", "y": 0.98, "yanchor": "top", "orientation": "v"},
    )
    return fig

"""What a prediction looked at: the characters read, each as strongly coloured as the logit depends on it."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain, shown
from dashboard.theme import MONO, highlight
from rnncore.records import Array, Attribution

MOST_SHOWN = 256
"""Characters of the window's end that are drawn: more would not be read, and would not move."""
COLUMNS = 48
_ROW = 40  # pixels
_NONE = (
    "What a prediction looked at appears here a few seconds after<br>the start, "
    "or with “Measure now” of a running run.<br>A run that learns no text, or is trained elsewhere, has none:<br>"
    "Gradient flow shows how far back each step reaches in these."
)


@Drawn
def attribution(record: Attribution | None, look: Look = LIGHT, *, tau: int | None = None) -> Sketch:
    """The text, coloured for one prediction; pointing at a character (its ``customdata``) chooses another.

    Colour is the square root of ‖∂ logit/∂x_t‖ relative to the largest, so that weak ones show.

    Args:
        record: one sequence's attributions.
        look: light or dark.
        tau: the step whose prediction is looked at; the last one for None or where it was not followed back.
    """
    if record is None:
        return empty(look, _NONE)
    tau = int(record.taus[-1]) if tau is None or record.row(tau) is None else tau
    first = max(0, len(record.text) - MOST_SHOWN)
    characters = [*record.text[first:], record.targets[-1]]
    rows = math.ceil(len(characters) / COLUMNS)
    columns = math.ceil(len(characters) / rows)
    place = np.arange(len(characters))
    read = first + place  # the step at which each was read; each but the first was predicted a step before
    strength = _strength(record, tau)[first:]
    z = np.full(rows * columns, np.nan, np.float32)
    z[: len(strength)] = strength
    z[len(strength) : len(characters)] = 0.0
    chosen = np.full(rows * columns, -1)
    chosen[: len(characters)] = read - 1
    chosen[chosen < record.taus[0]] = -1
    fig = figure(look, _caption(record, tau, first), height=rows * _ROW + 16, margin={"l": 4, "r": 4, "t": 6, "b": 6})
    fig.layout["meta"]["bare"] = True  # no buttons over the text
    fig.add_heatmap(
        z=z.reshape(rows, columns),
        customdata=chosen.reshape(rows, columns).astype(np.int32),
        zmin=0.0,
        zmax=1.0,
        colorscale=highlight(look.mode),
        showscale=False,
        xgap=1,
        ygap=5,
        hoverinfo="none",
    )
    past = read <= tau
    for text_of, colour in ((past, look.palette.ink), (~past, look.palette.quiet)):
        fig.add_scatter(
            x=(place[text_of] % columns).astype(np.int32),
            y=(place[text_of] // columns).astype(np.int32),
            text=[shown(character) for character in np.array(characters, dtype=object)[text_of]],
            mode="text",
            textfont={"family": MONO, "size": 16, "color": colour},
            hoverinfo="skip",
            showlegend=False,
        )
    at = tau + 1 - first
    fig.add_shape(
        type="rect",
        x0=at % columns - 0.5,
        x1=at % columns + 0.5,
        y0=at // columns - 0.46,
        y1=at // columns + 0.46,
        line={"color": look.palette.ink, "width": 2},
    )
    hidden = {"visible": False, "fixedrange": True}
    fig.update_layout(
        xaxis=hidden | {"range": [-0.6, columns - 0.4]},
        yaxis=hidden | {"range": [rows - 0.45, -0.55]},
        hovermode="closest",
    )
    return fig


@Drawn
def attribution_by_lag(records: list[tuple[Line, Attribution]], look: Look = LIGHT) -> Sketch:
    """The mean share of a prediction's attribution against the lag, a line per run.

    Args:
        records: line and record of each run.
        look: light or dark.
    """
    if not records:
        return empty(look, _NONE)
    fig = figure(look, "; ".join(_reach(line, record, len(records)) for line, record in records))
    for line, record in records:
        share = record.by_lag
        fig.add_scatter(
            x=np.arange(len(share), dtype=np.int32),
            y=np.where(share > 0, share, np.nan).astype(np.float32),
            mode="lines",
            name=plain(line.label),
            showlegend=len(records) > 1,
            line=line.style(look, 2.2),
            hovertemplate="lag %{x}: %{y:.2%}<extra></extra>",
        )
    fig.update_layout(
        xaxis={"title": {"text": "lag: characters before the prediction"}, "rangemode": "tozero"},
        yaxis={
            "title": {"text": "mean share of the attribution"},
            "type": "log",
            "range": [-6, 0],
            "exponentformat": "power",
            "dtick": 1,
            "tickfont": {"size": 9},
        },
    )
    return fig


def _strength(record: Attribution, tau: int) -> Array:
    """Square root of each input's norm relative to the largest, (T,); nan where it is not finite."""
    row = record.row(tau)
    norms = record.norms[row].astype(np.float64)
    norms = np.where(np.isfinite(norms), norms, np.nan)
    largest = np.nanmax(norms, initial=0.0)
    return np.sqrt(norms / largest) if largest > 0 else norms


def _within(shares: Array, part: float) -> int:
    """Lags 0 ... n-1 that hold at least this part; the number n."""
    return int(np.searchsorted(np.cumsum(np.nan_to_num(shares)), part * np.nansum(shares))) + 1


def _caption(record: Attribution, tau: int, first: int) -> str:
    row = record.row(tau)
    norms = record.norms[row, : tau + 1][::-1].astype(np.float64)  # by lag
    wanted = shown(record.targets[tau])
    odds = f"“{wanted}” was given {record.probability[row]:.1%}"
    if not np.isfinite(norms).all():
        return f"{odds}; its gradient is not finite"
    if not norms.any():
        return f"{odds}; it depends on none of the characters read"
    cut = f"; the last {len(record.text) - first} of {len(record.text)} characters are shown" if first else ""
    count = _within(norms, 0.9)
    last = "the last character" if count == 1 else f"the last {count} characters"
    return f"{odds}; nine tenths of what it depends on lie in {last}{cut}"


def _reach(line: Line, record: Attribution, runs: int) -> str:
    who = f"{plain(line.label)}: " if runs > 1 else ""
    share = record.by_lag
    if not np.isfinite(share).any():
        return f"{who}no finite attribution"
    half, most = _within(share, 0.5), _within(share, 0.9)
    return f"{who}half within the last {half}, nine tenths within the last {most} characters"

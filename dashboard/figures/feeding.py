"""What the network was fed: the coins of a batch as a grid, one sequence of it as text, and what deciding costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain, shown
from dashboard.theme import MONO, Palette, with_alpha
from rnncore.records import Array, Columns, Feeding

WAIT = "The coins of a batch appear here with the first training step,<br>or with “Measure now” of a running run."
CHARACTERS = 48
"""Of one row of the text."""
_ROW = 46  # pixels
RECENT = 500
"""Steps whose times are looked at."""


@Drawn
def coins(record: Feeding | None, look: Look = LIGHT, *, sequence: int = 1, why: str = WAIT) -> Sketch:
    """A row per sequence, a column per step: whose token was fed. Clicking a row chooses its sequence.

    Args:
        record: of one batch.
        look: light or dark.
        sequence: the one that is shown as text, from 1; it is framed.
        why: what to say where there is no record.
    """
    if record is None:
        return empty(look, why)
    length, count = record.coins.shape
    fig = figure(look, _coins_caption(record), height=max(150, 14 * count + 80))
    truth, own = _colours(look.palette)
    z = np.where(record.tossed, record.coins, np.nan).T
    fig.add_heatmap(
        z=z,
        x=np.arange(1, length + 1),
        y=np.arange(1, count + 1),
        zmin=0.0,
        zmax=1.0,
        colorscale=[[0.0, own], [0.5, own], [0.5, truth], [1.0, truth]],
        showscale=False,
        xgap=1,
        ygap=1,
        hovertemplate="step %{x} of sequence %{y}: coin %{z:.0f}<br>1 the truth, 0 its own<extra></extra>",
    )
    _legend(fig, [("the truth was fed", truth), ("its own prediction was fed", own), ("no coin", None)], look)
    row = min(sequence, count)
    frame = {"color": look.palette.ink, "width": 2}
    fig.add_shape(type="rect", x0=0.5, x1=length + 0.5, y0=row - 0.5, y1=row + 0.5, line=frame)
    fig.update_layout(
        xaxis={"title": {"text": "step of the window"}, "range": [0.4, length + 0.6]},
        yaxis={"title": {"text": "sequence"}, "range": [count + 0.6, 0.4], "dtick": 5 if count > 8 else 1},
        hovermode="closest",
        margin={"t": 28},
    )
    return fig


@Drawn
def fed_text(record: Feeding | None, look: Look = LIGHT, *, sequence: int = 1, why: str = WAIT) -> Sketch:
    """One sequence as it was fed; below a token that differs from the truth stands the true one.

    Args:
        record: of one batch.
        look: light or dark.
        sequence: which one, from 1.
        why: what to say where there is no record.
    """
    if record is None:
        return empty(look, why)
    column = min(sequence, record.coins.shape[1]) - 1
    truth, inputs = record.truth[:, column], record.inputs[:, column]
    replaced, wrong = record.replaced[:, column], inputs != truth
    longest = max((len(name) for name in record.names), default=1)
    per_row = CHARACTERS if longest == 1 else max(1, 110 // (longest + 2))
    rows = math.ceil(len(inputs) / per_row)
    per_row = math.ceil(len(inputs) / rows)
    place = np.arange(len(inputs))
    kind = np.full(rows * per_row, np.nan, np.float32)
    kind[: len(inputs)] = replaced.astype(int) + (replaced & wrong)
    hover = [""] * (rows * per_row)
    hover[: len(inputs)] = [_hover(record, t, column) for t in range(len(inputs))]
    caption = _text_caption(record, column)
    fig = figure(look, caption, height=rows * _ROW + 40, margin={"l": 4, "r": 4, "t": 30, "b": 4})
    fig.layout["meta"]["bare"] = True  # no buttons over the text
    colours = _tints(look.palette)
    scale = [[edge, colour] for n, colour in enumerate(colours) for edge in (n / 3, (n + 1) / 3)]
    fig.add_heatmap(
        z=kind.reshape(rows, per_row),
        text=[hover[row * per_row : (row + 1) * per_row] for row in range(rows)],
        zmin=0.0,
        zmax=2.0,
        colorscale=scale,
        showscale=False,
        xgap=1,
        ygap=5,
        hovertemplate="%{text}<extra></extra>",
    )
    names = [plain_token(record.name(one)) for one in inputs.tolist()]
    style = {"family": MONO, "size": 16 if longest == 1 else 14, "color": look.palette.ink}
    _text(fig, place, per_row, names, style, -0.08)
    true = [plain_token(record.name(one)) for one in truth[wrong].tolist()]
    _text(fig, place[wrong], per_row, true, style | {"size": 11}, 0.3)
    legend = ["the truth", "its own prediction, and right", "its own, with the true one below"]
    _legend(fig, list(zip(legend, colours, strict=True)), look)
    hidden = {"visible": False, "fixedrange": True}
    fig.update_layout(
        xaxis=hidden | {"range": [-0.6, per_row - 0.4]},
        yaxis=hidden | {"range": [rows - 0.45, -0.55]},
        hovermode="closest",
    )
    return fig


def plain_token(name: str) -> str:
    """A character made visible, or a word without markup."""
    return shown(name) if len(name) == 1 else plain(name)


def _text(fig: Sketch, place: Array, per_row: int, names: list[str], style: dict[str, Any], down: float) -> None:
    fig.add_scatter(
        x=(place % per_row).astype(np.int32),
        y=(place // per_row + down).astype(np.float32),
        text=names,
        mode="text",
        textfont=style,
        hoverinfo="skip",
        showlegend=False,
    )


def _colours(palette: Palette) -> tuple[str, str]:
    """Of the truth, and of the network's own."""
    return with_alpha(palette.accent, 0.35), with_alpha(palette.warning, 0.75)


def _tints(palette: Palette) -> tuple[str, str, str]:
    """Behind text: the truth, its own and right, its own and wrong."""
    return with_alpha(palette.accent, 0.16), with_alpha(palette.warning, 0.22), with_alpha(palette.warning, 0.55)


def _legend(fig: Sketch, entries: list[tuple[str, str | None]], look: Look) -> None:
    """Squares that say what the colours of a heatmap mean."""
    for name, colour in entries:
        line = {"color": look.palette.line, "width": 1}
        fig.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=name,
            hoverinfo="skip",
            marker={"symbol": "square", "size": 11, "color": colour or look.palette.card, "line": line},
        )


def _hover(record: Feeding, t: int, column: int) -> str:
    truth, own = record.name(int(record.truth[t, column])), record.name(int(record.own[t, column]))
    fed = "its own" if record.replaced[t, column] else "the truth"
    guess = f"its own “{plain_token(own)}”" if own else "it made no prediction here"
    return f"step {t + 1}, fed: {fed}<br>the truth “{plain_token(truth)}”, {guess}"


def _coins_caption(record: Feeding) -> str:
    length, count = record.coins.shape
    said = f"training step {record.step:,}, ε {record.epsilon:.3g}: "
    said += f"{record.fraction:.1%} of {record.count:,} coins of the batch fed the truth" if record.count else "no coin"
    if count < record.sequences:
        said += f"; {count} of {record.sequences:,} sequences are shown"
    return said + (f", and {length} of {record.length:,} steps" if length < record.length else "")


def _text_caption(record: Feeding, column: int) -> str:
    replaced = record.replaced[:, column]
    if not replaced.any():
        return f"sequence {column + 1}: every input is the truth"
    right = int((record.inputs == record.truth)[replaced, column].sum())
    return (
        f"sequence {column + 1}: {int(replaced.sum())} of {len(replaced)} inputs are its own predictions, {right} of "
        f"them right; in all sequences shown {record.right:.0%} are"
    )


@dataclass(frozen=True)
class Timed:
    """One run's series "train" and "feeding", up to the moment in view."""

    line: Line
    train: Columns
    feeding: Columns
    forced: bool


class Cost(NamedTuple):
    """Milliseconds of a typical step: all of it, and deciding what to feed."""

    step: float
    deciding: float

    @property
    def factor(self) -> float:
        """How many times as long as without deciding, which is teacher forcing."""
        return self.step / max(self.step - self.deciding, 1e-9)


def cost_of(run: Timed) -> Cost | None:
    """Medians over the last steps, which what is measured now and then leaves alone; None before the third step."""
    seconds = np.asarray(run.train.get("seconds", ()), np.float64)[-RECENT:]
    if len(seconds) < 3:
        return None
    deciding = np.asarray(run.feeding.get("seconds", ()), np.float64)[-RECENT:]
    return Cost(1000 * float(np.median(np.diff(seconds))), 1000 * float(np.median(deciding)) if len(deciding) else 0.0)


@Drawn
def feeding_cost(runs: list[Timed], look: Look = LIGHT) -> Sketch:
    """A bar per run: milliseconds of a typical step, and how many of them decide what to feed."""
    found = [(run, cost) for run in runs if (cost := cost_of(run)) is not None]
    if not found:
        return empty(look, "What a step costs appears here with the third training step.")
    fig = figure(look, "; ".join(_cost_said(run, cost, len(found)) for run, cost in found))
    names = [plain(run.line.label) for run, _ in found]
    parts = (
        ("the training step", [cost.step - cost.deciding for _, cost in found], with_alpha(look.palette.accent, 0.35)),
        ("deciding what to feed", [cost.deciding for _, cost in found], with_alpha(look.palette.warning, 0.75)),
    )
    for name, values, colour in parts:
        fig.data.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": np.array(values, np.float32),
                "y": names,
                "name": name,
                "marker": {"color": colour},
                "hovertemplate": "%{x:.3g} ms<extra>%{fullData.name}</extra>",
            }
        )
    fig.update_layout(
        barmode="stack",
        bargap=0.45,
        xaxis={"title": {"text": "milliseconds a step (median)"}, "rangemode": "tozero"},
        yaxis={"autorange": "reversed"},
        hovermode="closest",
        legend={"traceorder": "normal"},
    )
    return fig


def _cost_said(run: Timed, cost: Cost, runs: int) -> str:
    who = f"{plain(run.line.label)}: " if runs > 1 else ""
    if run.forced:
        return f"{who}{cost.step:.3g} ms a step, nothing to decide"
    return f"{who}{cost.factor:.2f} times the same step under teacher forcing"

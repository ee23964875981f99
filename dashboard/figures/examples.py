"""What a network answers on one sequence that it was never trained on: pictures, words, and the odds of each answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import MONO, highlight
from rnncore.records import Array, Examples

WAIT = "The first answers come with the first training step."
GAP = 1
"""Dark pixels between two frames of a strip."""
LARGEST = 12
"""Frames side by side in one strip."""
ROW, FEWEST, BELOW = 22, 150, 120
"""Pixels of each answer, of all of them at least, and of what stands below them."""
STRIP, GAP_ABOVE = 640, 26
"""Pixels of a strip's width that it is given height for, and between it and the answers."""


def strip(frames: Array, picture: tuple[int, ...]) -> Array:
    """Frames (T, h·w) side by side, (h, T·(w + gap) - gap); nan in the gaps."""
    rows, columns = picture
    wide = np.full((rows, len(frames) * (columns + GAP) - GAP), np.nan)
    for t, frame in enumerate(frames):
        wide[:, t * (columns + GAP) : t * (columns + GAP) + columns] = np.asarray(frame, float).reshape(rows, columns)
    return wide


def written(record: Examples, n: int) -> tuple[str, str]:
    """What is right and what the network answers, in words: of answers at one step only, that one."""
    asked = record.targets[:, n] >= 0
    right = [record.names[one] for one in record.targets[asked, n]]
    found = [record.names[one] for one in record.answers[asked, n].argmax(-1)]
    glue = "" if all(len(one) == 1 for one in record.names) else ", "
    return glue.join(right), glue.join(found)


@Drawn
def odds(record: Examples | None, look: Look = LIGHT, *, n: int = 0) -> Sketch:
    """What was read at each step, and below it the probability of each answer; right ones are framed.

    Args:
        n: which sequence; the last one there is where there are fewer.
    """
    if record is None or not record.choices:
        return empty(look, WAIT)
    n = min(n, len(record.read) - 1)
    odds, targets = np.asarray(record.answers[:, n], float), record.targets[:, n]
    steps = last_step(record, n) + 1
    odds, targets, labels = odds[:steps], targets[:steps], record.read[n][:steps]
    shown = bool(record.picture) and bool(np.asarray(record.pictures)[:, n].any())
    seen = _seen(np.asarray(record.pictures)[:steps, n]) if shown else np.zeros((0, 0))
    above = _above(len(seen), record.picture) if shown else 0
    rows = max(ROW * len(record.names), FEWEST)
    tall = rows + above  # without the margins and the axis
    top = rows / tall
    fig = figure(look, caption(record, n), height=BELOW + tall, hovermode="closest")
    if steps == 1:
        _bars(fig, look, record.names, odds[0], int(targets[0]), top)
    else:
        _odds(fig, look, record.names, odds, targets, labels, top)
    if shown:
        _strip(fig, look, seen, record.picture, [top + GAP_ABOVE / tall, 1])
    return fig


def _odds(
    fig: Sketch, look: Look, names: Sequence[str], odds: Array, targets: Array, labels: Sequence[str], top: float
) -> None:
    """A column for each step."""
    steps = len(odds)
    crowded = steps * max(map(len, labels), default=1) > 60
    fig.add_heatmap(
        z=odds.T, x=list(range(steps)), y=list(range(len(names))), zmin=0, zmax=1, xgap=1, ygap=1,
        colorscale=highlight(look.mode), showscale=False,
        customdata=[[[names[k], labels[t] if t < len(labels) else ""] for t in range(steps)]
                    for k in range(len(names))],
        hovertemplate="%{customdata[0]}: %{z:.1%}<br>step %{x}, read: %{customdata[1]}<extra></extra>",
    )  # fmt: skip
    for t in np.nonzero(targets >= 0)[0]:
        right = odds[t].argmax() == targets[t]
        colour = look.palette.good if right else look.palette.bad
        fig.add_shape(
            type="rect", x0=t - 0.48, x1=t + 0.48, y0=targets[t] - 0.46, y1=targets[t] + 0.46,
            line={"color": colour, "width": 2},
        )  # fmt: skip
    fig.update_layout(
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        xaxis={
            "tickvals": list(range(steps)), "ticktext": [_read(one) for one in labels], "showgrid": False,
            "zeroline": False, "title": {"text": "read at each step"}, "range": [-0.5, steps - 0.5],
            "tickangle": 0, "tickfont": {"family": MONO, "size": 10 if crowded else 11},
        },
        yaxis={
            "tickvals": list(range(len(names))), "ticktext": list(names), "showgrid": False,
            "zeroline": False, "range": [-0.5, len(names) - 0.5], "automargin": True,
            "domain": [0, top],
        },
    )  # fmt: skip


def _bars(fig: Sketch, look: Look, names: Sequence[str], odds: Array, right: int, top: float) -> None:
    """The odds of a single step, which has no time to be drawn along: as bars."""
    frame = look.palette.good if int(odds.argmax()) == right else look.palette.bad
    fig.add_bar(
        x=odds, y=list(range(len(names))), orientation="h", showlegend=False, cliponaxis=False,
        marker={"color": highlight(look.mode)[1][1],
                "line": {"color": frame, "width": [2 if k == right else 0 for k in range(len(names))]}},
        text=[f"{one:.1%}" for one in odds], textposition="outside", textfont={"color": look.palette.quiet},
        customdata=list(names), hovertemplate="%{customdata}: %{x:.1%}<extra></extra>",
    )  # fmt: skip
    fig.update_layout(
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        xaxis={"title": {"text": "probability of each answer"}, "tickformat": ".0%", "range": [0, 1.08]},
        yaxis={
            "tickvals": list(range(len(names))), "ticktext": list(names), "showgrid": False, "zeroline": False,
            "range": [-0.5, len(names) - 0.5], "automargin": True, "domain": [0, top],
        },
    )  # fmt: skip


def _strip(fig: Sketch, look: Look, frames: Array, picture: tuple[int, ...], domain: list[float]) -> None:
    """The frames above the odds."""
    image = strip(frames, picture)
    fig.add_heatmap(
        z=image, xaxis="x2", yaxis="y2", zmin=0, zmax=1, showscale=False, hoverinfo="skip",
        colorscale=[[0, look.palette.line], [1, look.palette.ink]],
    )  # fmt: skip
    fig.update_layout(
        xaxis2={"visible": False, "anchor": "y2", "range": [-0.5, image.shape[1] - 0.5], "fixedrange": True,
                "constrain": "domain", "constraintoward": "left"},
        yaxis2={"visible": False, "anchor": "x2", "domain": domain, "range": [len(image) - 0.5, -0.5],
                "fixedrange": True, "scaleanchor": "x2", "constrain": "domain", "constraintoward": "bottom"},
    )  # fmt: skip


@Drawn
def frames(record: Examples | None, look: Look = LIGHT, *, n: int = 0) -> Sketch:
    """Predicted pictures below the true ones: each from the true one before, and then from the network's own.

    Args:
        n: which sequence.
    """
    if record is None or record.choices:
        return empty(look, WAIT)
    n = min(n, len(record.read) - 1)
    fig = figure(look, caption(record, n), height=420, hovermode="closest")
    steps = min(LARGEST, len(record.targets))
    rows = [
        ("what comes next", record.targets[1:steps, n]),
        ("predicted from the truth", record.answers[1:steps, n]),
        (f"what comes after {record.context} frames", record.truth[: steps - 1, n]),
        ("predicted from its own predictions", record.free[: steps - 1, n]),
    ]
    layout: dict[str, Any] = {"margin": {"l": 8, "r": 8, "t": 8, "b": 8}}
    for row, (name, pictures) in enumerate(rows):
        top = 1 - row * 0.25 - (0.02 if row > 1 else 0)
        axis = str(row + 1) if row else ""
        image = strip(np.asarray(pictures), record.picture)
        fig.add_heatmap(
            z=image, xaxis=f"x{axis}", yaxis=f"y{axis}", zmin=0, zmax=1, showscale=False, hoverinfo="skip",
            colorscale=[[0, look.palette.line], [1, look.palette.ink]], name=name,
        )  # fmt: skip
        layout[f"xaxis{axis}"] = {
            "visible": False, "anchor": f"y{axis}", "fixedrange": True, "constrain": "domain",
            "constraintoward": "left",
        }  # fmt: skip
        layout[f"yaxis{axis}"] = {
            "visible": False, "anchor": f"x{axis}", "domain": [top - 0.2, top - 0.045], "fixedrange": True,
            "range": [len(image) - 0.5, -0.5], "scaleanchor": f"x{axis}",
        }  # fmt: skip
        fig.add_annotation(
            text=name, x=0, y=top - 0.002, xref="paper", yref="paper", xanchor="left", yanchor="top", showarrow=False,
            font={"size": 12, "color": look.palette.quiet},
        )  # fmt: skip
    fig.update_layout(**layout)
    return fig


def caption(record: Examples, n: int) -> str:
    """What is right, what is answered, and how good that is."""
    score = float(record.scores[n])
    if not record.choices:
        return f"example {n + 1}: overlap {100 * score:.0f}% one frame ahead; training step {record.step:,}"
    right, found = written(record, n)
    if len(right) > 40:
        return f"example {n + 1}: {100 * score:.0f}% of its answers are right; training step {record.step:,}"
    if right == found:
        return f"example {n + 1}: {found}, which is right; training step {record.step:,}"
    return f"example {n + 1}: {found}, but right is {right}; training step {record.step:,}"


def last_step(record: Examples, n: int) -> int:
    """The last step at which something is asked for."""
    return int(np.nonzero(record.targets[:, n] >= 0)[0].max(initial=0))


def _seen(frames: Array) -> Array:
    """The frames that are read, (T, h·w); of a picture that is read once, that one alone."""
    return frames[frames.any(1)] if not frames[1:].any() else frames


def _above(count: int, picture: tuple[int, ...]) -> int:
    """Pixels for so many frames side by side over the width of a usual card, and a gap below them."""
    rows, columns = picture
    return GAP_ABOVE + round(min(max(STRIP * rows / (count * (columns + GAP)), 28), 110))


def _read(label: str) -> str:
    return label if len(label) < 10 else f"{label[:9]}…"

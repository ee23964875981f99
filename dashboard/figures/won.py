"""Races against cells: who was ahead where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain
from dashboard.theme import highlight, with_alpha
from rnncore.cells import CELLS
from rnncore.comparison import Result
from rnncore.comparison.won import AHEAD, BEHIND, LEVEL, PLACES, SAME, UNNAMED, Entry
from rnncore.config import CELL_LABELS

MOST = 12
"""Races that are drawn, the newest ones."""
NAMES = {AHEAD: "ahead of all others", LEVEL: "level at the front", SAME: "no difference shown", BEHIND: "behind",
         UNNAMED: "too few seeds"}  # fmt: skip
_LONGEST = 40  # characters of a race's name


@Drawn
def won(results: Sequence[Result], look: Look = LIGHT, *, scale: float = 1.0) -> Sketch:
    """A row for each race, a column for each cell; in a field the cell's score, shaded by how it did.

    Args:
        results: of races, the newest first; of a cell's contenders the one that did best is shown.
        scale: how much larger than usual letters are.
    """
    shown = list(results[:MOST])
    if not shown:
        return empty(look, "No race between cells is over yet.")
    cells = [name for name in CELLS if any(name in one.cells for one in shown)]
    fig = figure(look, _caption(len(results)), height=round(scale * (96 + 40 * len(shown))), hovermode="closest")
    fields = [[next(iter(one.of(cell)), None) for cell in cells] for one in shown]
    colours = _colours(look)
    steps = [edge / len(PLACES) for place in range(len(PLACES)) for edge in (place, place + 1)]
    shades = [colours[name] for name in PLACES for _ in range(2)]
    fig.add_heatmap(
        z=np.array([[np.nan if one is None else PLACES.index(one.place) for one in row] for row in fields], np.float32),
        x=list(range(len(cells))), y=list(range(len(shown))), zmin=-0.5, zmax=len(PLACES) - 0.5,
        colorscale=[[at, colour] for at, colour in zip(steps, shades, strict=True)], showscale=False, xgap=3, ygap=3,
        text=[[_text(race, one) for one in row] for race, row in zip(shown, fields, strict=True)],
        texttemplate="%{text}", hoverongaps=False,
        textfont={"size": scale * (12 if len(cells) <= 12 else 9), "color": look.palette.ink},
        customdata=[[_said(race, one) for one in row] for race, row in zip(shown, fields, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    for name in PLACES:
        if any(one is not None and one.place == name for row in fields for one in row):
            marker = {"symbol": "square", "size": 12, "color": colours[name],
                      "line": {"width": 1, "color": look.palette.line}}  # fmt: skip
            fig.add_scatter(x=[None], y=[None], mode="markers", name=NAMES[name], marker=marker)
    names = [one.title for one in shown]
    rows, titles = [_row(one, names) for one in shown], [CELL_LABELS[cell].replace(" ", "<br>") for cell in cells]
    letters = {"size": 11 * scale, "color": look.palette.quiet}
    bare = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True, "tickfont": letters}
    fig.update_layout(
        xaxis={"tickvals": list(range(len(cells))), "ticktext": titles, "side": "top",
               "range": [-0.5, len(cells) - 0.5], **bare},
        yaxis={"tickvals": list(range(len(shown))), "ticktext": rows,
               "range": [len(shown) - 0.5, -0.5], **bare},
        legend={"orientation": "h", "x": 0, "y": 0, "xanchor": "left", "yanchor": "top", "font": letters},
        margin={"l": 8, "r": 8, "t": 8, "b": 34}, dragmode=False,
    )  # fmt: skip
    return fig


def _colours(look: Look) -> dict[str, str]:
    """All of them leave ink legible."""
    full = str(highlight(look.mode)[-1][1])
    return {AHEAD: full, LEVEL: with_alpha(full, 0.5), SAME: with_alpha(full, 0.2), BEHIND: look.palette.grid,
            UNNAMED: with_alpha(full, 0)}  # fmt: skip


def _caption(count: int) -> str:
    older = f"; the newest {MOST} of {count}" if count > MOST else ""
    return f"a race in each row; of each cell the contender that did best, with its mean score over the seeds{older}"


def _row(one: Result, names: list[str]) -> str:
    """A race's name, with its id where others have the same, and what it was judged by."""
    name = one.title if len(one.title) <= _LONGEST else one.title[: _LONGEST - 1].rstrip() + "…"
    name += f" · {one.race}" if names.count(one.title) > 1 else ""
    return f"{plain(name)}<br><span style='font-size:.9em'>{plain(one.measure.name)}</span>"


def _text(race: Result, one: Entry | None) -> str:
    if one is None:
        return ""
    score = race.measure.text(one.score.mean)
    return f"<b>{score}</b>" if one.place == AHEAD else score


def _said(race: Result, one: Entry | None) -> str:
    return "" if one is None else f"{plain(one.label)} {race.measure.interval(one.score)}: {plain(one.told)}"

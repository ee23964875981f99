"""A sweep in pictures: a heatmap over two of its axes, and every combination as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain
from dashboard.theme import magnitude
from rnncore.comparison import Measure, Race, Standing
from rnncore.config import CELL_LABELS

MOST_TICKS = 24
"""Labels of an axis, and fields of a row that hold their number."""
LONGEST_NUMBER = 8
"""Characters of a value that is shown as it was written."""


def sweep_scores(race: Race, standings: Sequence[Standing], across: str, down: str) -> np.ndarray:
    """Mean scores (values of ``down``, values of ``across``), over whatever else varies; nan where none is known."""
    columns, rows = race.axes[across], race.axes.get(down, ("",))
    found: dict[tuple[int, int], list[float]] = {}
    for standing in standings:
        changes = race.contenders[standing.place].changes
        if math.isfinite(standing.score.mean):
            row = rows.index(changes[down]) if down else 0
            found.setdefault((row, columns.index(changes[across])), []).append(standing.score.mean)
    grid = np.full((len(rows), len(columns)), np.nan)
    for place, values in found.items():
        grid[place] = np.mean(values)
    return grid


@Drawn
def sweep_heatmap(
    race: Race, standings: Sequence[Standing], measure: Measure, look: Look = LIGHT, *, across: str, down: str = ""
) -> Sketch:
    """The score of each pair of values, with the number in its field.

    Args:
        race: the sweep.
        standings: of all its combinations.
        measure: what it was judged by.
        across: the axis from left to right.
        down: the axis from top to bottom; '' where there is only one.
    """
    grid = sweep_scores(race, standings, across, down)
    if not np.isfinite(grid).any():
        return empty(look, "The map fills as runs finish.")
    others = [leaf for leaf in race.axes if leaf not in (across, down)]
    more = f"; means over {' and '.join(_name(leaf) for leaf in others)}" if others else ""
    fig = figure(look, f"{measure.name}, mean over {_count(len(race.seeds))}; the deeper, the better{more}",
                 height=max(330, 110 + 46 * len(grid)))  # fmt: skip
    log = measure.log and np.nanmin(grid) > 0
    shade = np.log10(grid) if log else grid
    depth = shade if measure.higher_is_better else -shade
    low, high = (0.0, 1.0) if measure.higher_is_better else (float(np.nanmin(depth)), float(np.nanmax(depth)))
    places = [[(row, column) for column in range(grid.shape[1])] for row in range(len(grid))]
    fig.add_heatmap(
        z=depth.astype(np.float32), x=list(range(grid.shape[1])), y=list(range(grid.shape[0])), zmin=low,
        zmax=high if high > low else low + 1, colorscale=magnitude(look.mode), showscale=False, xgap=2, ygap=2,
        text=[[measure.text(float(value)) for value in row] for row in grid],
        texttemplate="%{text}" if grid.shape[1] <= MOST_TICKS else "",
        customdata=[[_pair(race, across, down, *place[::-1]) for place in row] for row in places],
        hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip
    fig.update_layout(
        xaxis=_axis(across, race.axes[across]) | {"showgrid": False},
        yaxis=(_axis(down, race.axes[down]) if down else {"visible": False})
        | {"showgrid": False, "automargin": True, "range": [len(grid) - 0.5, -0.5]},
        hovermode="closest",
    )
    return fig


@Drawn
def sweep_parallel(race: Race, standings: Sequence[Standing], measure: Measure, look: Look = LIGHT) -> Sketch:
    """Every combination as a line over its settings to its score; drag along an axis to pick some.

    Args:
        race: the sweep.
        standings: of all its combinations.
        measure: what it was judged by.
    """
    done = [one for one in standings if math.isfinite(one.score.mean)]
    if not done:
        return empty(look, "Lines appear here as runs finish.")
    scores = np.array([one.score.mean for one in done])
    log = measure.log and scores.min() > 0
    shown = np.log10(scores) if log else scores
    depth = shown if measure.higher_is_better else -shown
    fig = figure(look, "a line for each combination; drag along an axis to pick out some of them")
    dimensions = [
        {
            "label": plain(_name(leaf)),
            "values": [values.index(race.contenders[one.place].changes[leaf]) for one in done],
            **_ticks(leaf, values),
            "range": [-0.2, len(values) - 0.8],
        }
        for leaf, values in race.axes.items()
    ]
    last = {"label": plain(measure.name), "values": shown.tolist()}
    if log:
        ticks = list(range(math.floor(shown.min()), math.ceil(shown.max()) + 1))
        last |= {"tickvals": ticks, "ticktext": [f"{10.0**tick:g}" for tick in ticks], "range": [ticks[0], ticks[-1]]}
    elif measure.higher_is_better:
        last["range"] = [0.0, 1.0]
    fig.data.append({
        "type": "parcoords",
        "dimensions": [*dimensions, last],
        "line": {"color": depth.tolist(), "colorscale": _visible(look), "showscale": False},
        "labelfont": {"size": 12, "color": look.palette.ink},
        "tickfont": {"size": 11, "color": look.palette.ink},
        "rangefont": {"size": 10, "color": look.palette.quiet},
    })  # fmt: skip
    fig.update_layout(margin={"l": 70, "r": 70, "t": 50, "b": 24})
    return fig


def _pair(race: Race, across: str, down: str, column: int, row: int) -> str:
    said = _said(across, race.axes[across][column])
    return f"{said}, {_said(down, race.axes[down][row])}" if down else said


def _visible(look: Look) -> list[list[float | str]]:
    """The scale of magnitudes without its end that is the card's own colour."""
    kept = [colour for _, colour in magnitude(look.mode)[1:]]
    return [[place / (len(kept) - 1), colour] for place, colour in enumerate(kept)]


def _axis(leaf: str, values: Sequence[str]) -> dict[str, object]:
    return {"title": {"text": plain(_name(leaf))}, **_ticks(leaf, values)}


def _ticks(leaf: str, values: Sequence[str]) -> dict[str, object]:
    """Labels that have room; the field or line between two of them tells its value when it is pointed at."""
    every = math.ceil(len(values) / MOST_TICKS)
    places = list(range(0, len(values), every))
    return {"tickvals": places, "ticktext": [_said(leaf, values[place]) for place in places]}


def _said(leaf: str, value: str) -> str:
    if leaf == "cell":
        return CELL_LABELS.get(value, value)
    try:
        return plain(value) if len(value) <= LONGEST_NUMBER else f"{float(value):.3g}"
    except ValueError:
        return plain(value)


_NAMES = {"lr": "learning rate"}


def _name(leaf: str) -> str:
    return _NAMES.get(leaf, leaf.replace("_", " "))


def _count(seeds: int) -> str:
    return "one seed" if seeds == 1 else f"{seeds} seeds"

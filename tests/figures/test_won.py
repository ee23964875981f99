"""Claims about the map of races and cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashboard.figures.base import Look
from dashboard.figures.won import MOST, NAMES, won
from rnncore.comparison import Interval, Result, measure_of
from rnncore.comparison.won import AHEAD, BEHIND, LEVEL, PLACES, UNNAMED, Entry
from rnncore.config import RunConfig

ACCURACY = measure_of(RunConfig.of(task="parity"))


def entry(cell, place, mean=0.5):
    return Entry(cell, cell.upper(), Interval(mean, mean - 0.1, mean + 0.1), place, ("another",))


FOUND = [
    Result("a", "Adding <i>: gates win", ACCURACY, (entry("gru", AHEAD, 0.9), entry("lstm", BEHIND, 0.7))),
    Result("b", "Parity", ACCURACY, (entry("lstm", LEVEL), entry("lstm", BEHIND), entry("lru", LEVEL))),
]


def test_a_field_is_shaded_by_how_the_cell_did_and_says_its_score():
    fig = won(FOUND)
    (grid,) = [trace for trace in fig.data if trace.type == "heatmap"]
    assert list(fig.layout.xaxis.ticktext) == ["LSTM", "GRU", "LRU"]
    wanted = [[BEHIND, AHEAD, None], [LEVEL, None, LEVEL]]
    for row, names in zip(grid.z, wanted, strict=True):
        assert [PLACES[int(value)] if np.isfinite(value) else None for value in row] == names
    assert [list(row) for row in grid.text] == [["0.700", "<b>0.900</b>", ""], ["0.500", "", "0.500"]]
    assert grid.customdata[0][1] == "GRU 0.900 [0.800, 1.000]: ahead, next another"


def test_each_place_has_a_colour_of_its_own_and_the_legend_has_those_that_are_there():
    for mode in ("light", "dark"):
        fig = won(FOUND, Look(mode))
        shades = [colour for _, colour in fig.data[0].colorscale]
        assert shades[::2] == shades[1::2]
        assert len(set(shades)) == len(PLACES)
        legend = {trace.name: trace.marker.color for trace in fig.data if trace.type == "scatter"}
        assert legend == {NAMES[place]: shades[2 * PLACES.index(place)] for place in (AHEAD, LEVEL, BEHIND)}


def test_no_markup_of_a_race_s_name_survives_and_a_long_one_is_cut():
    long = Result("c", "x" * 100, ACCURACY, (entry("gru", UNNAMED), entry("lstm", UNNAMED)))
    first, _, last = won([*FOUND, long]).layout.yaxis.ticktext
    assert first.startswith("Adding ‹i›: gates win<br>")
    assert last.split("<br>")[0] == "x" * 39 + "…"


def test_races_of_the_same_name_are_told_apart_by_their_id():
    rows = won([*FOUND, replace(FOUND[1], race="k3m9xw")]).layout.yaxis.ticktext
    assert [row.split("<br>")[0] for row in rows] == ["Adding ‹i›: gates win", "Parity · b", "Parity · k3m9xw"]


def test_of_many_races_the_newest_are_drawn_and_the_caption_says_so():
    fig = won(FOUND * 10)
    assert len(fig.layout.yaxis.ticktext) == MOST
    assert f"the newest {MOST} of 20" in fig.layout.meta["caption"]


def test_without_a_race_it_says_so():
    assert "No race" in won([]).layout.annotations[0].text

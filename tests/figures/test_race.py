"""Figures of races and sweeps: what is drawn is what was measured."""

import numpy as np
import pytest

from dashboard.figures.base import Look, lines
from dashboard.figures.race import AXES, Racer, race_curves, race_scores
from dashboard.figures.sweep import sweep_heatmap, sweep_parallel, sweep_scores
from rnncore.comparison import Interval, Race, SeedCurve, measure_of, standings, sweep
from rnncore.config import RunConfig

MEASURE = measure_of(RunConfig.of(task="delayed_recall"))
ERROR = measure_of(RunConfig.of(task="adding"))
LINES = lines([("LSTM", "lstm"), ("GRU", "gru")])
BASE = {"task": "delayed_recall", "steps": 10}


def racers(count=3, over=True):
    x = np.arange(5.0)
    return [Racer(line, [SeedCurve(x, 0.1 * seed + 0.1 * x + 0.2 * place, over) for seed in range(count)])
            for place, line in enumerate(LINES)]  # fmt: skip


def placed(race, means):
    """Standings with these means, in the race's order."""
    from dataclasses import replace

    found = standings(race, [])
    return [
        replace(one, score=Interval(mean, mean - 0.1, mean + 0.1), seeds=3)
        for one, mean in zip(found, means, strict=True)
    ]


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_mean_with_its_band_for_each_contender(mode):
    figure = race_curves(racers(), MEASURE, Look(mode))
    for place, line in enumerate(LINES):
        band, mean = named(figure, line.label)
        assert mean.y == pytest.approx(0.1 + 0.1 * np.arange(5) + 0.2 * place, abs=1e-6)
        assert max(band.y) == pytest.approx(
            max(mean.y) + 0.1, abs=1e-6
        )  # from the least to the greatest of three seeds
        assert band.fill == "toself"
    assert {one.text for one in figure.layout.annotations} == {"chance", "solved"}
    assert "mean over 3 seeds; bands are 95% bootstrap intervals" in figure.layout.meta["caption"]


def test_each_seed_on_demand():
    assert len(race_curves(racers(), MEASURE, each=True).data) == len(race_curves(racers(), MEASURE).data) + 6


def test_one_seed_has_no_band():
    figure = race_curves(racers(1), MEASURE)
    assert len(figure.data) == 2
    assert "bands" not in figure.layout.meta["caption"]


def test_errors_fall_on_a_log_axis_and_lower_is_said_to_be_better():
    figure = race_curves(racers(), ERROR, axis=AXES[3])
    assert figure.layout.yaxis.type == "log"
    assert "lower is better" in figure.layout.meta["caption"]
    assert figure.layout.xaxis.title.text == "floating-point operations"
    places = {one.text: one.y for one in figure.layout.annotations}
    assert places["solved"] == pytest.approx(np.log10(0.01))


def test_a_text_shows_what_knowing_nothing_costs_on_a_linear_axis():
    text = measure_of(RunConfig(), vocab_size=64)
    figure = race_curves(racers(), text)
    assert [(one.text, one.y) for one in figure.layout.annotations] == [("knowing nothing", 6)]
    assert figure.layout.yaxis.type is None
    assert figure.layout.yaxis.title.text == "validation loss, bits per character"


def test_nothing_yet_is_said_in_words():
    empty = Racer(LINES[0], [])
    assert "appear here" in race_curves([empty], MEASURE).layout.annotations[0].text
    race = Race.of("r", BASE, [{"cell": "lstm"}, {"cell": "gru"}])
    assert "appear here" in race_scores(standings(race, []), [[], []], LINES, MEASURE).layout.annotations[0].text
    grid = sweep("s", BASE, {"lr": [0.1, 0.2]})
    assert "as runs finish" in sweep_heatmap(grid, standings(grid, []), MEASURE, across="lr").layout.annotations[0].text
    assert "as runs finish" in sweep_parallel(grid, standings(grid, []), MEASURE).layout.annotations[0].text


def test_a_dot_for_each_seed_and_a_bar_for_each_interval():
    race = Race.of("r", BASE, [{"cell": "lstm"}, {"cell": "gru"}])
    figure = race_scores(placed(race, [0.4, 0.8]), [[0.3, 0.5], [0.8]], LINES, MEASURE)
    dots, bar, mean = named(figure, "LSTM")
    assert dots.x == pytest.approx([0.3, 0.5])
    assert list(bar.x) == pytest.approx([0.3, 0.5])
    assert list(mean.x) == [0.4]


def test_a_map_holds_the_mean_over_whatever_else_varies():
    grid = sweep("s", BASE, {"lr": [0.1, 0.01], "cell": ["lstm", "gru"], "num_layers": [1, 2]})
    means = [0.1, 0.3, 0.5, 0.7, 0.2, 0.4, 0.6, float("nan")]
    table = placed(grid, means)
    assert sweep_scores(grid, table, "lr", "cell") == pytest.approx(np.array([[0.2, 0.3], [0.6, 0.6]]))
    figure = sweep_heatmap(grid, table, MEASURE, across="lr", down="cell")
    assert [list(row) for row in figure.data[0].text] == [["0.200", "0.300"], ["0.600", "0.600"]]
    assert list(figure.layout.yaxis.ticktext) == ["LSTM", "GRU"]
    assert "means over num layers" in figure.layout.meta["caption"]


def test_many_values_leave_their_labels_room_and_are_told_when_pointed_at():
    grid = sweep("s", BASE, {"lr": [0.1 * 0.9**n for n in range(60)], "cell": ["lstm", "gru"]})
    table = placed(grid, [0.5] * 120)
    figure = sweep_heatmap(grid, table, MEASURE, across="lr", down="cell")
    assert len(figure.layout.xaxis.ticktext) == 20
    assert max(map(len, figure.layout.xaxis.ticktext)) <= 8
    assert not figure.data[0].texttemplate
    assert figure.data[0].customdata[1][1] == "0.09, GRU"
    assert len(sweep_parallel(grid, table, MEASURE).data[0].dimensions[0].ticktext) == 20


def test_the_better_score_is_the_deeper_field_for_errors_too():
    grid = sweep("s", {"task": "adding"}, {"lr": [0.1, 0.01, 0.001]})
    figure = sweep_heatmap(grid, placed(grid, [0.1, 0.001, 0.01]), ERROR, across="lr")
    depths = np.array(figure.data[0].z)[0]
    assert depths.argmax() == 1
    assert np.diff(np.sort(depths)) == pytest.approx([1.0, 1.0])  # tenfold is as far as tenfold


def test_a_line_for_each_combination_that_has_a_score():
    grid = sweep("s", BASE, {"lr": [0.1, 0.01], "cell": ["lstm", "gru"]})
    figure = sweep_parallel(grid, placed(grid, [0.1, float("nan"), 0.5, 0.7]), MEASURE)
    lr, cell, score = figure.data[0].dimensions
    assert (list(lr["values"]), list(cell["values"])) == ([0, 1, 1], [0, 0, 1])
    assert list(score["values"]) == [0.1, 0.5, 0.7]
    assert list(cell["ticktext"]) == ["LSTM", "GRU"]

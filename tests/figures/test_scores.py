"""Claims about a task's own measure: levels, units, longer sequences, and words where there is nothing to draw."""

import math

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.learning_curve import Curve, learning_curve, unit_of
from dashboard.figures.length_scores import length_scores
from dashboard.figures.score import Scores, in_words, score_over_training, written
from rnncore.comparison.results import measure_of
from rnncore.config import TASKS, KnownTask, RunConfig
from rnncore.records import LengthScores

LSTM, GRU = Line("LSTM · 8", "lstm"), Line("GRU · 8", "gru")
KNOWN = [kind for kind in TASKS if isinstance(RunConfig.of(task=kind).task, KnownTask)]


def series(scores, longer):
    step = np.arange(1, len(scores) + 1) * 100
    return {"step": step, "seconds": step * 0.1, "score": np.array(scores), "score_longer": np.array(longer)}


def scores_by_length(lengths=(10, 20, 40, 80), scores=(1.0, 0.9, 0.6, 0.2), trained=20):
    return LengthScores.of(
        np.repeat(lengths, 4), np.repeat(scores, 4) + np.tile([0.0, 0.02, -0.02, 0.0], len(lengths)),
        step=300, score=0.95, trained=trained,
    )  # fmt: skip


@pytest.mark.parametrize("kind", KNOWN)
def test_chance_and_solved_are_drawn_at_their_values_on_either_axis(kind):
    measure = measure_of(RunConfig.of(task=kind))
    fig = score_over_training([Scores(LSTM, series([0.1, 0.2], [math.nan, 0.3]))], measure, Look("dark"))
    task = RunConfig.of(task=kind).task
    assert {shape.y0 for shape in fig.layout.shapes} == {task.chance, task.solved_at}
    for label in fig.layout.annotations:
        value = label.y if task.higher_is_better else 10**label.y
        assert any(value == pytest.approx(level) for level in (task.chance, task.solved_at))
    assert (fig.layout.yaxis.type == "log") == (not task.higher_is_better)


def test_longer_sequences_have_a_line_of_their_own_that_bridges_what_was_not_measured():
    run = Scores(LSTM, series([0.2, 0.5, 0.9], [0.1, math.nan, 0.4]))
    fig = score_over_training([run], measure_of(RunConfig.of(task="parity")))
    assert [trace.name for trace in fig.data] == ["trained lengths", "longer ones"]
    assert fig.data[1].connectgaps
    assert "90% at trained lengths, 40% at longer ones" in fig.layout.meta["caption"]


def test_a_task_without_longer_sequences_has_one_line():
    run = Scores(LSTM, series([0.2, 0.5], [math.nan, math.nan]))
    fig = score_over_training([run], measure_of(RunConfig.of(task="digits")))
    assert len(fig.data) == 1
    assert "longer" not in fig.layout.meta["caption"]


def test_runs_of_different_tasks_and_runs_without_a_score_are_said_in_words():
    run = Scores(LSTM, series([0.2], [0.1]))
    assert "different measures" in score_over_training([run], None).layout.annotations[0].text
    assert "different measures" in length_scores([], None).layout.annotations[0].text
    measure = measure_of(RunConfig.of(task="parity"))
    assert "first validation" in score_over_training([], measure).layout.annotations[0].text
    assert "first test" in length_scores([], measure).layout.annotations[0].text


def test_trained_lengths_are_shaded_and_the_mean_beyond_them_is_said():
    fig = length_scores([(LSTM, scores_by_length())], measure_of(RunConfig.of(task="parity")))
    shaded = next(shape for shape in fig.layout.shapes if shape.type == "rect")
    assert (shaded.x0, shaded.x1) == (0, 20)
    np.testing.assert_allclose(fig.data[0].y, [1.0, 0.9, 0.6, 0.2], rtol=1e-6)
    np.testing.assert_allclose(fig.data[0].error_y.array, np.sqrt(0.0008 / 3) / 2, rtol=1e-5)
    assert "40% beyond 20" in fig.layout.meta["caption"]


def test_a_single_sequence_of_a_length_has_no_error_bar():
    record = LengthScores.of(np.array([5, 9]), np.array([1.0, 0.0]), step=1, score=1.0, trained=5)
    fig = length_scores([(LSTM, record), (GRU, record)], measure_of(RunConfig.of(task="parity")))
    assert list(fig.data[0].error_y.array) == [0, 0]
    assert [trace.name for trace in fig.data] == ["LSTM · 8", "GRU · 8"]


@pytest.mark.parametrize("kind", KNOWN)
def test_the_words_name_floor_and_chance(kind):
    task = RunConfig.of(task=kind).task
    words = in_words(task)
    assert f"{task.floor / task.loss_size:.3g} {task.loss_unit}" in words
    assert (f"{100 * task.chance:.3g}%" in words) == task.higher_is_better


def test_a_score_is_written_as_its_task_means_it():
    assert written(RunConfig.of(task="parity").task, 0.5) == "50.0%"
    assert written(RunConfig.of(task="adding").task, 0.1667) == "0.167"
    assert written(RunConfig.of(task="adding").task, math.nan) == "–"


@pytest.mark.parametrize(("kind", "floor"), [("delayed_recall", 3.0), ("adding", 1 / 6)])
def test_the_floor_is_on_the_learning_curve_whatever_its_axis(kind, floor):
    step = np.arange(1, 51)
    train = {"step": step, "loss": np.full(50, 0.02)}
    unit = unit_of(RunConfig.of(task=kind).task)
    fig = learning_curve([Curve(LSTM, train)], unit=unit, floor=floor)
    low, high = fig.layout.yaxis.range
    (label,) = fig.layout.annotations
    assert low <= label.y <= high
    assert (10**label.y if unit.log else label.y) == pytest.approx(floor)
    assert fig.layout.shapes[0].y0 == floor

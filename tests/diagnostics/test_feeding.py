"""Claims about the record of what was fed: it is what the step was trained on, as far as it is shown."""

import math

import numpy as np
import pytest

from rnncore.config import RunConfig
from rnncore.diagnostics.feeding import FeedingMeasure, feeding
from rnncore.records import Feeding, Record
from rnncore.records.feeding import SEQUENCES, STEPS
from rnncore.training import Trainer

TEXT = "the quick brown fox jumps over the lazy dog, and then sleeps until the evening comes. " * 60
SMALL = {"hidden_size": 10, "embedding_size": 5, "sequence_length": 12, "batch_size": 20}


def advanced(steps=2, task="text", **values):
    run = Trainer(
        RunConfig.of(**(SMALL if task == "text" else {}) | values, task=task), TEXT if task == "text" else None
    )
    for _ in range(steps):
        run.advance()
    return run


def record(run):
    (found,) = FeedingMeasure().records(run, None)
    assert isinstance(found, Feeding)
    return found


def words(found, ids, sequence):
    return [found.name(place) for place in ids[:, sequence].tolist()]


@pytest.mark.parametrize("form", ["sequential", "parallel"])
@pytest.mark.parametrize("task", ["text", "sentences"])
def test_it_is_what_the_step_was_trained_on(form, task):
    run = advanced(task=task, epsilon=0.5, feed_form=form)
    found, fed = record(run), run.sampler.last
    assert found.coins.shape[1] == SEQUENCES
    for n in range(found.coins.shape[1]):
        assert words(found, found.inputs, n) == run.task.labels(run.inputs[:, n])
        assert words(found, found.truth, n) == run.task.labels(fed.truth[:, n])
    np.testing.assert_array_equal(found.coins, fed.coins[:, :SEQUENCES])
    assert (found.count, found.fraction) == (fed.count, fed.fraction)
    assert found.count > found.coins.size - found.coins.shape[1]  # of the whole batch, not of what is shown
    replaced = found.replaced
    assert replaced.any()
    np.testing.assert_array_equal(found.inputs[replaced], found.own[replaced])
    np.testing.assert_array_equal(found.inputs[~replaced], found.truth[~replaced])
    assert found.right == (found.own[replaced] == found.truth[replaced]).mean()


def test_where_no_prediction_was_made_none_is_shown():
    fresh = record(advanced(1, epsilon=0.5))
    assert (fresh.own[0] == -1).all()
    assert not fresh.tossed[0].any()
    assert (record(advanced(2, epsilon=0.5)).own[0] >= 0).all()  # the last window's prediction
    assert (record(advanced(2, epsilon=0.999999)).own == -1).all()  # nothing was replaced


def test_after_the_last_replaced_step_of_the_batch_no_prediction_is_made():
    run = advanced(2, epsilon=0.97, batch_size=2, sequence_length=40)
    found, fed = record(run), run.sampler.last
    last = int(np.flatnonzero((fed.tossed & ~fed.coins).any(1))[-1])
    assert last < 39
    assert (found.own[: last + 1] >= 0).all()
    assert (found.own[last + 1 :] == -1).all()


def test_a_long_window_and_a_large_batch_are_cut_and_said_to_be():
    found = record(advanced(1, epsilon=0.5, sequence_length=260, batch_size=17))
    assert found.coins.shape == (STEPS, SEQUENCES)
    assert (found.length, found.sequences) == (260, 17)


def test_teacher_forcing_tosses_no_coin():
    assert list(FeedingMeasure().records(advanced(1), None)) == []


def test_the_table_and_the_bytes_hold_the_same():
    found = record(advanced(1, epsilon=0.5))
    table = found.frame()
    assert len(table) == found.coins.size
    one = table[table.sequence == 3]
    assert one.fed.tolist() == words(found, found.inputs, 3)
    assert one.own_prediction.isna().tolist() == (found.own[:, 3] < 0).tolist()
    again = Record.from_bytes(found.to_bytes())
    np.testing.assert_array_equal(again.inputs, found.inputs)
    assert (again.names, again.fed, again.epsilon) == (found.names, found.fed, found.epsilon)


def test_a_batch_without_coins_has_no_fraction():
    run = advanced(1, epsilon=0.5, sequence_length=1, batch_size=2)
    found = feeding(run.sampler.last, run.task.labels, step=1)
    assert found.count == 0
    assert math.isnan(found.fraction)
    assert math.isnan(found.right)

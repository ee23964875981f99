"""Claims about predicting the Hénon map: exact targets, batches that need no memory, validation never trained on."""

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.lecture import henon
from rnncore.tasks.henon import HELD_OUT, LENGTH, TRAJECTORIES, HenonTask
from rnncore.training.trainer import Trainer
from tests.tasks.shuffled import Shuffled


def task(**settings):
    return HenonTask(**({"sequence_length": 12, "batch_size": 5} | settings))


def test_a_target_is_the_point_after_its_input():
    inputs, targets, reset = task().batch(3)
    assert (inputs.shape, targets.shape, inputs.dtype, reset) == ((12, 5, 2), (12, 5, 2), torch.float32, True)
    np.testing.assert_array_equal(inputs[1:], targets[:-1])
    wanted = henon.standardised(henon.following(henon.raw(inputs.double().numpy())))
    np.testing.assert_allclose(targets, wanted, atol=1e-6)


def test_a_batch_is_a_function_of_seed_and_step_alone():
    one, other = task(), task()
    one.batch(0)
    for step in (7, 0, 10**9):
        assert torch.equal(one.batch(step)[0], other.batch(step)[0])
    assert not torch.equal(one.batch(7)[0], one.batch(8)[0])
    assert not torch.equal(one.batch(7)[0], task(seed=2).batch(7)[0])


def test_windows_begin_everywhere():
    """All 64 trajectories and the whole of their length: 4,000 windows leave no eighth of it out."""
    learn = task(batch_size=4000, sequence_length=1)
    points = learn.batch(0)[0][0].numpy()
    known = {tuple(point): divmod(n, TRAJECTORIES) for n, point in enumerate(learn._points.reshape(-1, 2))}
    places = np.array([known[tuple(point)] for point in points])
    assert set(places[:, 1]) == set(range(TRAJECTORIES))
    assert set(places[:, 0] * 8 // LENGTH) == set(range(8))
    assert len(set(map(tuple, places))) > 3900
    assert abs(np.corrcoef(places.T)[0, 1]) < 0.1
    assert len(set((places[:, 0] - places[:, 1]) % TRAJECTORIES)) == TRAJECTORIES  # when says nothing about which


def test_no_four_points_of_the_validation_data_occur_in_the_training_data():
    """Single points may: in float32 a few of 30,000 fall together."""

    def stretches(points):
        four = np.lib.stride_tricks.sliding_window_view(points, 4, axis=0)
        return {one.tobytes() for one in four.reshape(-1, 8)}

    learn = task()
    trained, held_out = stretches(learn._points), stretches(learn.held_out(60))
    assert len(trained) > TRAJECTORIES * LENGTH
    assert len(held_out) == 57 * HELD_OUT
    assert not trained & held_out


def test_validation_is_the_same_for_every_seed_and_batch_size():
    one, other = task(seed=1), task(seed=9, batch_size=64)
    np.testing.assert_array_equal(one.held_out(30), other.held_out(30))
    assert one.held_out(30).shape == (30, HELD_OUT, 2)
    np.testing.assert_array_equal(one.held_out(30, 4), one.held_out(50)[:30, :4])
    (inputs, targets), *rest = one.validation_batches()
    assert not rest
    np.testing.assert_array_equal(torch.cat([inputs, targets[-1:]]), one.held_out(13, inputs.shape[1]))
    np.testing.assert_array_equal(one.stretch(20), one.held_out(20, 1)[:, 0])
    assert one.digest == other.digest


def test_the_floor_is_what_predicting_the_mean_costs():
    learn = task(batch_size=2000)
    _, targets, _ = learn.batch(0)
    assert learn.loss(torch.zeros_like(targets), targets).item() == pytest.approx(learn.floor, abs=0.03)
    assert learn.loss(targets, targets).item() == 0
    assert learn.loss(targets + torch.tensor([0.0, 2.0]), targets).item() == pytest.approx(2.0, rel=1e-6)


def test_nobody_beats_the_floor_when_the_answers_are_shuffled():
    """Where each trajectory is asked for the points of another one, the mean is the best that can be said."""
    wanted = RunConfig.of(task="henon", cell="gru", hidden_size=16, sequence_length=12, batch_size=64, lr=0.01)
    trainer = Trainer(wanted)
    ((_, points),) = trainer.task.validation_batches()
    floor = trainer.task.loss(points.mean((0, 1)).expand_as(points), points)
    for shuffled in (False, True):
        if shuffled:
            trainer.task = Shuffled(trainer.task)
        for _ in range(100):
            trainer.advance()
        assert (trainer.validate() < floor.item()) is not shuffled


def test_what_is_fed_back_is_the_prediction_itself():
    outputs = torch.randn(3, 2)
    assert task().own(outputs, torch.rand(3), 1.0) is outputs


@pytest.mark.parametrize("length", [2, 1000])
def test_the_shortest_and_the_longest_sequence_have_batches(length):
    inputs, targets, _ = task(sequence_length=length).batch(1)
    assert inputs.shape == targets.shape == (length, 5, 2)
    assert task(sequence_length=length).labels(inputs[:, 0]) == [str(t) for t in range(length)]

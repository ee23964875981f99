"""Claims about the task that needs both directions."""

import itertools
import math

import numpy as np

from rnncore.config import RunConfig
from rnncore.tasks import make_task
from rnncore.tasks.drawn import held_out
from rnncore.training import train
from rnncore.training.events import Validation


def task(length=20):
    return make_task(RunConfig.of(task="both_ways", sequence_length=length))


def test_each_answer_is_the_and_of_its_neighbours():
    made = task(9)
    inputs, targets = made.draw(held_out(3), 50)
    for bits, answers in zip(inputs[..., 0].T, targets.T, strict=True):
        padded = [-1, *bits, -1]
        assert answers.tolist() == [int(padded[t] > 0 and padded[t + 2] > 0) for t in range(9)]


def test_the_one_way_floor_is_the_entropy_given_the_past_counted_out():
    """Over all sequences of five bits: what x_0 .. x_t leave open of each answer."""
    settings = RunConfig.of(task="both_ways", sequence_length=5).task
    total = 0.0
    for t in range(5):
        for past in itertools.product((0, 1), repeat=t + 1):
            futures = itertools.product((0, 1), repeat=max(4 - t, 1))
            yes = np.mean([0 < t < 4 and past[t - 1] and future[0] for future in futures])
            entropy = -sum(p * math.log(p) for p in (yes, 1 - yes) if p)
            total += entropy / 2 ** (t + 1)
    assert math.isclose(total / 5, settings.one_way_floor)


def test_the_floor_is_the_entropy_of_the_answers():
    made = task(20)
    _, targets = made.draw(held_out(9), 40_000)
    yes = targets.mean()
    entropy = -yes * math.log(yes) - (1 - yes) * math.log(1 - yes)
    assert math.isclose(made.floor, entropy, abs_tol=3e-3)


def test_one_way_stays_at_its_floor_and_both_ways_go_far_below():
    found = {}
    for both in (False, True):
        config = RunConfig.of(
            task="both_ways", cell="gru", hidden_size=16, batch_size=32, lr=0.02, steps=250, bidirectional=both
        )
        found[both] = [event.loss for event in train(config) if isinstance(event, Validation)][-1]
    assert config.task.one_way_floor - 0.02 < found[False] < 0.4
    assert found[True] < 0.05

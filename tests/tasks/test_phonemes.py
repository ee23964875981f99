"""Claims about the sounds of words."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from rnncore.config import RunConfig
from rnncore.config.shapes.phonemes import LONG, VOWELS
from rnncore.tasks import make_task
from rnncore.tasks.phonemes import sounds
from rnncore.training import train
from rnncore.training.events import Validation


def task(**values):
    return make_task(RunConfig.of(task="phonemes", **values))


def test_an_e_at_the_end_makes_all_vowels_long_and_is_silent_itself():
    c, q = "consonant", "silence"
    assert sounds("mitas ") == [c, "i", c, "a", c, q]
    assert sounds("mitase") == [c, "i" + LONG, c, "a" + LONG, c, q]
    assert sounds("ko pone ") == [c, "o", q, c, "o" + LONG, c, q, q]


def test_what_is_drawn_are_words_and_their_sounds():
    made = task()
    inputs, targets = made.draw(np.random.default_rng(0), 200)
    lengths = Counter()
    for column in range(200):
        text = "".join(made.symbols(inputs[:, column])).replace("␣", " ")
        assert len(text) == 36
        assert made.answers(targets[:, column]) == sounds(text)
        for word in text.split():
            bare = word.removesuffix("e")
            assert len(bare) % 2 == 1
            assert all((letter in VOWELS) == bool(at % 2) for at, letter in enumerate(bare))
            lengths[len(word)] += 1
    assert set(lengths) == {3, 4, 5, 6, 7, 8}


@pytest.mark.parametrize("length", [5, 6, 12, 36])
def test_the_floors_are_those_of_many_drawn_sequences(length):
    made = task(sequence_length=length)
    _, targets = made.draw(np.random.default_rng(1), 180_000 // length)
    frequencies = np.bincount(targets.ravel(), minlength=10) / targets.size
    wanted = -sum(one * math.log(one) for one in frequencies if one)
    assert made.floor == pytest.approx(wanted, rel=0.01)
    assert made.config.chance == pytest.approx(frequencies.max(), rel=0.02)
    assert made.config.one_way_floor == pytest.approx(frequencies[1:9].sum() * math.log(2), rel=0.01)


def test_one_direction_cannot_fall_below_its_floor_and_both_can():
    found = {}
    for both in (False, True):
        config = RunConfig.of(
            task="phonemes", cell="gru", hidden_size=24, bidirectional=both, lr=0.01, steps=150, budget=0.02
        )
        found[both] = [one.loss for one in train(config) if isinstance(one, Validation)][-1]
        floor = config.task.one_way_floor
    assert found[True] < 0.5 * floor
    assert floor * 0.95 < found[False] < floor * 1.3

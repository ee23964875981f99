"""Claims about the figures of Variable-size input."""

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.variable_length import accuracy_by_length, accuracy_over_training, needs
from rnncore.lecture.variable_length import NETWORKS, ceiling, multiplications, parameters
from rnncore.records import VariableLength


def record(longest=4, room=5):
    lengths, sizes = np.arange(1, 2 * longest + 1), np.arange(1, 2 * room + 1)
    return VariableLength(
        step=20, networks=NETWORKS, longest=longest, room=room, parameters=np.array([9, 99, 5]), sizes=sizes,
        parameters_by_size=np.array([[parameters(name, int(n)) for n in sizes] for name in NETWORKS]),
        multiplications=np.array([[multiplications(name, room, int(n)) for n in lengths] for name in NETWORKS]),
        steps=np.array([0, 20]), trained=np.array([[0.5, 0.9]] * 3),
        longer=np.array([[0.5, 0.7], [0.5, 0.6], [0.5, 0.95]]),
        lengths=lengths, by_length=np.tile(np.linspace(0.9, 0.7, 2 * longest), (3, 1)), ceiling=ceiling(room, lengths),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_network_has_its_line_and_the_ceiling_is_drawn(mode):
    fig = accuracy_by_length(record(), Look(mode))
    assert [line.name for line in fig.data] == [
        "padded with zeros", "a layer per input", "the same layer for all", "at best, from the first 5",
    ]  # fmt: skip
    assert list(fig.data[3].y) == pytest.approx(list(record().ceiling), abs=1e-6)
    assert "the same layer for all" in fig.layout.meta["caption"]


def test_training_shows_longer_ones_strongly_and_trained_ones_thinly():
    fig = accuracy_over_training(record())
    assert [line.line.width for line in fig.data] == [1.2, 2.4] * 3
    assert list(fig.data[5].y) == pytest.approx([0.5, 0.95])


def test_weights_and_work_are_two_pictures():
    weights, work = needs(record(), what=0), needs(record(), what=1)
    assert list(weights.data[0].y) == list(record().parameters_by_size[0])
    assert list(work.data[2].y) == list(record().multiplications[2])
    assert weights.layout.yaxis.title.text == "weights"


@pytest.mark.parametrize("draw", [accuracy_by_length, accuracy_over_training, needs])
def test_without_a_measurement_each_says_what_will_come(draw):
    fig = draw(None)
    assert not fig.data
    assert "appear" in fig.layout.annotations[0].text

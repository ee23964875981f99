"""Claims about the lecture's pages on shapes: what came out is decided by the runs' records."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard import services
from dashboard.widgets.lecture.shapes import SHAPES, of_page, outcome
from dashboard.widgets.lecture.text import read
from tests.dashboard.test_lecture_runs import over
from tests.dashboard.test_pages import home  # noqa: F401


def ended(name, variant=0, *, score=0.9, loss=0.1, **changes):
    run = over(SHAPES[name].variants[variant].changed(**changes))
    store = services.store()
    store.append(run.id, "score", {"step": [1.0], "seconds": [1.0], "score": [score], "longer": [np.nan]})
    store.append(run.id, "validation", {"step": [1.0], "seconds": [1.0], "loss": [loss]})
    return store.get(run.id)


@pytest.mark.parametrize(
    ("name", "values", "answer"),
    [
        ("one-to-many", [{"score": 0.1}], "few"),
        ("one-to-many", [{"score": 0.5}, {"score": 0.3}], "half"),
        ("one-to-many", [{"score": 0.9}], "most"),
        ("order-decides", [{"score": 0.5}], "half"),
        ("order-decides", [{"score": 0.8}], "most"),
        ("order-decides", [{"score": 1.0}], "all"),
        ("many-to-many", [{"score": 0.9}, {"score": 0.7}], "with"),
        ("many-to-many", [{"score": 0.9}, {"score": 0.95}], "without"),
        ("many-to-many", [{"score": 0.9}, {"score": 0.91}], "same"),
        ("both-directions", [{"loss": 0.001}, {"loss": 0.33}], "half"),
        ("both-directions", [{"loss": 0.001}, {"loss": 0.01}], "zero"),
        ("both-directions", [{"loss": 0.001}, {"loss": 0.69}], "all"),
        ("convolution-inside", [{"score": 0.85}, {"score": 0.3}], "conv"),
        ("convolution-inside", [{"score": 0.3}, {"score": 0.85}], "flat"),
        ("convolution-inside", [{"score": 0.83}, {"score": 0.85}], "same"),
        ("end-decides", [{"score": 1.0}, {"score": 0.81}], "some"),
        ("end-decides", [{"score": 1.0}, {"score": 0.92}], "most"),
        ("end-decides", [{"score": 0.9}, {"score": 0.9}], "same"),
    ],
)
def test_the_records_decide_the_answer(name, values, answer):
    found = [ended(name, variant, **one) for variant, one in enumerate(values)]
    told = outcome(name, found)
    assert told.answer == answer
    assert answer in read(name).answers
    assert set(told.numbers) >= read(name).wanted


@pytest.mark.parametrize("name", ["many-to-many", "both-directions", "convolution-inside"])
def test_one_of_two_networks_alone_decides_nothing(name):
    assert outcome(name, [ended(name)]) is None


def test_a_readers_own_cell_counts_and_another_task_does_not():
    run = ended("many-to-many", cell="lstm")
    other = ended("one-to-many")
    assert of_page("many-to-many", [other, run]) == [run, None]
    assert outcome("many-to-many", [other]) is None

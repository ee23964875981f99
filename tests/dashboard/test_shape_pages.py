"""Claims about the lecture's pages on shapes: what came out is decided by the runs' records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard import services
from dashboard.widgets.lecture.shapes import SHAPES, in_order, of_page, outcome
from dashboard.widgets.lecture.text import read
from rnncore.diagnostics.examples import examples
from rnncore.training.trainer import Trainer
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
        ("many-to-many", [{"score": one} for one in (0.9, 0.88, 0.75, 0.7)], "encoder"),
        ("many-to-many", [{"score": one} for one in (0.9, 0.7, 0.85, 0.7)], "decoder"),
        ("many-to-many", [{"score": one} for one in (0.9, 0.91, 0.9, 0.91)], "none"),
        ("many-to-many", [{"score": one} for one in (0.8, 0.9, 0.95, 0.95)], "none"),
        ("sound-goes-on", [{"score": one} for one in (0.9, 0.8, 0.1)], "turning"),
        ("sound-goes-on", [{"score": one} for one in (0.9, 0.4, 0.1)], "turning"),
        ("sound-goes-on", [{"score": one} for one in (0.4, 0.4, 0.8)], "gates"),
        ("sound-goes-on", [{"score": one} for one in (0.9, 0.6, 0.8)], "all"),
        ("sound-goes-on", [{"score": one} for one in (0.4, 0.4, 0.1)], "none"),
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


@pytest.mark.parametrize("name", ["many-to-many", "both-directions", "convolution-inside", "sound-goes-on"])
def test_one_of_two_networks_alone_decides_nothing(name):
    assert outcome(name, [ended(name)]) is None


def test_a_readers_own_cell_counts_and_another_task_does_not():
    run = ended("many-to-many", cell="lstm")
    other = ended("one-to-many")
    assert of_page("many-to-many", [other, run]) == [run, None, None, None]
    assert outcome("many-to-many", [other]) is None


def test_two_pages_about_films_each_have_their_own_scene():
    square, digits = ended("convolution-inside"), ended("film-goes-on")
    assert of_page("film-goes-on", [square, digits]) == [digits]
    assert of_page("convolution-inside", [digits, square]) == [square, None]


def test_who_comes_back_sees_first_what_the_page_is_about(monkeypatch):
    older, conv, flat = ended("convolution-inside"), ended("convolution-inside"), ended("convolution-inside", 1)
    newest_first = [flat, conv, older]
    monkeypatch.setattr("streamlit.session_state", {})
    assert in_order("convolution-inside", newest_first) == [conv, flat, older]
    monkeypatch.setattr("streamlit.session_state", {"run": flat.id})
    assert in_order("convolution-inside", newest_first) == [flat, conv, older]


@pytest.mark.parametrize(
    ("own", "answer", "ahead"), [((0.1, 0.9, 0.9), "none", 0), ((0.9, 0.3, 0.1), "few", 2), ((0.9,) * 9, "many", 9)]
)
def test_a_film_is_ahead_of_copying_until_it_first_is_not(own, answer, ahead):
    run = ended("film-goes-on")
    record = examples(Trainer(run.config.changed(hidden_size=4, batch_size=2)))
    own = np.repeat(np.array(own, np.float32)[:, None], 3, 1)
    services.store().put(run.id, replace(record, overlap=own, copied=np.full_like(own, 0.2)))
    told = outcome("film-goes-on", [services.store().get(run.id)])
    assert told.answer == answer
    assert told.numbers["ahead"] == str(ahead)
    assert set(told.numbers) >= read("film-goes-on").wanted

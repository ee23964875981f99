"""Claims about the panels of Dynamics: two runs beside each other, what the reader chose, and runs without a record."""

import json

import pytest

from dashboard.live.panels.dynamics import LAG, PANELS, STEP
from dashboard.live.route import Live
from rnncore.config import RunConfig
from rnncore.runs.store import RunStore
from tests.figures.test_dynamics import jacobian, spectrum


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def made(store, cell="lstm", *, measured=True):
    run = store.create(RunConfig.of(hidden_size=2, cell=cell))
    if measured:
        store.put(run.id, jacobian(cell, layers=2))
        store.put(run.id, spectrum())
    return run.id


def ask(store, *runs, **params):
    panels = [{"id": name, "name": name, "params": params} for name in PANELS]
    answer = json.loads(Live(lambda: store).answer({"runs": list(runs), "panels": panels, "have": {}}))
    return {name: panel["figure"] for name, panel in answer["panels"].items()}


def captions(figures):
    return {name: figure["layout"]["meta"]["caption"] for name, figure in figures.items()}


def test_every_panel_draws_a_run_and_two_beside_each_other(store):
    one, other = made(store), made(store, "gru")
    for runs in ([one], [one, other]):
        figures = ask(store, *runs)
        assert set(figures) == set(PANELS)
        assert all(figure["data"] for figure in figures.values())
    assert all("GRU" in words for words in captions(figures).values())


def test_the_step_and_the_lag_that_the_reader_chose_are_shown(store):
    words = captions(ask(store, made(store), **{STEP: 5, LAG: 32, "layer": 1}))
    assert "step 5" in words["eigenvalues"]
    assert "the last 32 steps together" in words["singular_values"]


def test_a_run_without_a_record_is_said_to_be_and_does_not_hide_the_other(store):
    figures = ask(store, made(store), made(store, "gru", measured=False))
    for words in captions(figures).values():
        assert words.endswith("GRU · 2: not measured yet")
    for figure in ask(store, made(store, measured=False)).values():
        assert "first measurement" in figure["layout"]["annotations"][0]["text"]

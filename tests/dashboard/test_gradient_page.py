"""Claims about Gradient flow: its cards fit their runs, follow the loss pointed at, and go back in time together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.source import Source
from dashboard.widgets.gradient_panels import panels
from rnncore.config import RunConfig
from rnncore.runs.store import RunStore
from tests.dashboard.test_pages import home  # noqa: F401
from tests.figures.test_figures import flow, train
from tests.figures.test_parameters import parameters
from tests.figures.test_per_loss import matrix

MAIN = Path(__file__).parents[2] / "dashboard" / "main.py"
KINDS = {"gradient_flow", "per_loss", "parameters"}


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def filled(store, *, cell="lstm", steps=(1, 2, 4), **settings):
    """A run with some measurements, whose numbers tell their step."""
    run = store.create(RunConfig.of(cell=cell, hidden_size=5, sequence_length=6, **settings))
    store.append(run.id, "train", train(steps=max(steps, default=1)))
    has_cell, symbols = cell == "lstm", {"lstm": "ifgo", "gru": "rzn"}.get(cell, "")
    for step in steps:
        each = np.full(6, 0.1 * step)
        store.put(run.id, replace(flow(each, cell=has_cell), step=step, input_total=each, input_last=each))
        store.put(run.id, matrix(factor=0.5 / step, cell=has_cell, step=step, rows=("layer 1", "layer 2")))
        norms = parameters(step, symbols=symbols, layers=2, noise_scale=50.0 * step)
        store.put(run.id, replace(norms, update=norms.weight**2 * 1e-4))
    return store.get(run.id)


def built(store, runs, panel, at=None, **chosen):
    source = Source(lambda: store)
    watched = [source.run(run.id, KINDS) for run in runs]
    return PANELS[panel.name].build(Scene(source, watched, at, Look(), {**panel.params, **chosen}))


@pytest.mark.parametrize("cells", [("lstm",), ("gru",), ("rnn_tanh",), ("lstm", "rnn_tanh")])
def test_every_card_is_drawn_for_one_run_and_for_two(store, cells):
    runs = [filled(store, cell=cell) for cell in cells]
    cards = panels(runs)
    assert len({card.id for card in cards}) == len(cards) <= 24
    for card in cards:
        made = built(store, runs, card)
        assert made["figure"]["data"] if card.kind == "figure" else made, card.id


def test_every_card_of_an_empty_run_says_why_it_is_empty(store):
    run = store.create(RunConfig())
    for card in [card for card in panels([run]) if card.kind == "figure"]:
        figure = built(store, [run], card)["figure"]
        assert not figure["data"]
        assert "appears here" in figure["layout"]["annotations"][0]["text"]


def test_the_loss_pointed_at_reaches_the_curve_beside_the_heatmap(store):
    run = filled(store)
    cards = {card.name: card for card in panels([run])}
    assert (cards["per_loss"].pick.param, cards["per_loss"].pick.axis, cards["per_loss"].pick.on) == (
        "tau",
        "y",
        "hover",
    )
    assert "tau" in cards["one_loss"].params
    names = [built(store, [run], cards["one_loss"], tau=tau)["figure"]["data"][-1]["name"] for tau in (3, 999)]
    assert names == ["loss at τ = 3 alone", "loss at τ = 5 alone"]


def test_every_offered_choice_changes_the_card_that_offers_it(store):
    run = filled(store, num_layers=2)
    read = {"input_total": np.full(6, 0.3), "input_last": np.full(6, 0.2)}
    store.put(run.id, replace(flow([[0.1] * 6, [0.7] * 6]), step=8, **read))
    fresh = store.get(run.id)
    for card in panels([fresh]):
        for choice in card.choices:
            made = [str(built(store, [fresh], card, **{choice.param: value})) for _, value in choice.options]
            assert len(set(made)) == len(made), (card.id, choice.param)


def test_a_state_c_is_offered_only_where_a_run_has_one(store):
    def params(cell):
        return {choice.param for card in panels([filled(store, cell=cell)]) for choice in card.choices}

    assert "state" in params("lstm")
    assert "state" not in params("gru")


@pytest.mark.parametrize(
    ("cell", "offered"),
    [("lstm", [0, 1, 2]), ("mingru", [0, 1]), ("transformer", [0, 1]), ("rnn_tanh", None), ("mlstm", None)],
)
def test_gates_are_offered_of_weights_that_have_any(store, cell, offered):
    cards = {card.name: card for card in panels([store.create(RunConfig.of(cell=cell))])}
    found = [[value for _, value in one.options] for one in cards["update_ratio"].choices if one.param == "kind"]
    assert found == ([offered] if offered else [])


def test_going_back_shows_what_was_measured_then_on_every_card(store):
    run = filled(store)
    for card in [card for card in panels([run]) if card.kind == "figure"]:
        now, then = (built(store, [run], card, at=at)["figure"] for at in (None, 2))
        assert str(now) != str(then), card.id
    cards = {card.name: card for card in panels([run])}
    assert "at step 2" in built(store, [run], cards["per_loss"], at=3)["figure"]["layout"]["meta"]["caption"]


@pytest.mark.usefixtures("home")
def test_the_page_opens_with_and_without_a_run():
    test = AppTest.from_file(str(MAIN), default_timeout=30).run()
    test.switch_page("views/gradient_flow.py").run()
    assert not test.exception
    assert any("Choose a run" in one.value for one in test.info)
    run = services.store().create(RunConfig())
    again = AppTest.from_file(str(MAIN), default_timeout=30)
    again.query_params["run"] = run.id
    again.run()
    again.switch_page("views/gradient_flow.py").run()
    assert not again.exception
    assert not again.error

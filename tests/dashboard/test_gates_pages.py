"""Claims about Gates and memory and Inside the cell: their cards fit their runs, follow each other, and stay cheap."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.panels import history as histories
from dashboard.live.panels.history import MOST_POINTS, history, thinned
from dashboard.live.source import Source
from dashboard.widgets.gates_panels import cell_panels, memory_panels
from rnncore.config import RunConfig
from rnncore.records import Attention
from rnncore.runs.store import RunStore
from tests.dashboard.test_pages import home  # noqa: F401
from tests.diagnostics.test_gate_activity import recorded
from tests.figures.test_gates_and_memory import memory, shares

VIEWS = Path(__file__).parents[2] / "dashboard" / "views"
PAGES = ["gates_and_memory.py", "inside_the_cell.py"]


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def filled(store, *, cell="lstm", probes=5, **settings):
    """A run with a few probes."""
    run = store.create(RunConfig.of(cell=cell, hidden_size=5, sequence_length=6, **settings))
    store.put(run.id, recorded(cell)[0])
    for step in range(1, probes + 1):
        store.put(run.id, memory((0.5, 0.1, 0.01), step=step, cell=cell))
        store.put(run.id, shares(step))
    return store.get(run.id)


def scene(source, runs, panel, at=None, **chosen):
    watched = [source.run(run.id, {"gate_activity", "memory", "saturation", "attention"}) for run in runs]
    return Scene(source, watched, at, Look(), {**panel.params, **chosen})


@pytest.mark.parametrize("cells", [("lstm",), ("gru",), ("rnn_tanh",), ("lstm", "rnn_tanh")])
@pytest.mark.parametrize("panels", [memory_panels, cell_panels])
def test_every_card_of_a_page_is_drawn_for_one_run_and_for_two(store, panels, cells):
    runs = [filled(store, cell=cell) for cell in cells]
    source = Source(lambda: store)
    cards = panels(runs)
    assert len({card.id for card in cards}) == len(cards) <= 24
    for card in cards:
        made = PANELS[card.name].build(scene(source, runs, card))
        for figure in made.get("figures", [made["figure"]] if "figure" in made else []):
            assert figure["data"], card.id


@pytest.mark.parametrize("panels", [memory_panels, cell_panels])
def test_a_picked_unit_reaches_every_card_that_shows_one(store, panels):
    run = filled(store)
    cards = {card.name: card for card in panels([run])}
    picks = {card.pick.param for card in cards.values() if card.pick}
    assert "unit" in picks
    for name in ("gate_activity", "unit_over_time", "unit_over_training", "cell_diagram", "saturation"):
        if name in cards:
            assert "unit" in cards[name].params, name
            one, other = (
                PANELS[name].build(scene(Source(lambda: store), [run], cards[name], unit=unit)) for unit in (0, 2)
            )
            assert str(one) != str(other), name


def test_the_diagram_follows_the_step_that_the_curves_are_pointed_at(store):
    run = filled(store)
    cards = {card.name: card for card in cell_panels([run])}
    assert (cards["unit_over_time"].pick.param, cards["unit_over_time"].pick.axis) == ("t", "x")
    (slider,) = (choice for choice in cards["cell_diagram"].choices if choice.param == "t")
    assert [value for _, value in slider.options] == list(range(6))
    assert slider.slider


def test_a_plain_rnn_is_offered_neither_a_time_scale_to_sort_by_nor_a_choice_of_one_channel(store):
    def choices(cell):
        (card,) = (card for card in memory_panels([filled(store, cell=cell)]) if card.name == "gate_activity")
        return {choice.param: [label for label, _ in choice.options] for choice in card.choices}

    assert choices("lstm")["sort"] == ["as stored", "by timescale", "by saturation", "by variance"]
    assert choices("rnn_tanh") == {"sort": ["as stored", "by saturation", "by variance"]}


def test_several_layers_may_be_chosen_on_every_card_that_has_them(store):
    for card in memory_panels([filled(store, num_layers=2)]):
        assert card.kind != "figure" or "layer" in {choice.param for choice in card.choices}, card.id


@pytest.mark.parametrize("count", [0, 1, 64, 65, 200, 1000])
def test_a_history_has_few_points_from_the_first_to_the_last(count):
    steps = list(range(10, 10 + count))
    chosen = thinned(steps)
    assert len(chosen) <= MOST_POINTS + 1
    assert chosen == sorted(set(chosen))
    assert (chosen[:1], chosen[-1:]) == (steps[:1], steps[-1:])


def test_as_a_run_grows_only_its_newest_record_has_to_be_read():
    for count in range(1, 500):
        before, after = thinned(list(range(count))), thinned(list(range(count + 1)))
        assert set(after) - set(before) == {count}


def test_a_history_is_read_once_and_leaves_what_other_panels_read_in_place(store, monkeypatch):
    run = filled(store, probes=30)
    source, asked = Source(lambda: store), []
    read = Source.record
    monkeypatch.setattr(Source, "record", lambda *given: asked.append(given[2:]) or read(*given))
    histories._kept.clear()
    (card,) = (card for card in memory_panels([run]) if card.name == "timescale_over_training")
    for _ in range(3):
        view = scene(source, [run], card)
        assert [record.step for record in history(view, "memory", view.runs[0])] == list(range(1, 31))
    assert len(asked) == 30


def test_going_back_shows_the_time_scales_of_then_and_marks_the_moment_in_the_history(store):
    run = filled(store, probes=2)
    store.put(run.id, memory((0.001,) * 3, step=40))
    source = Source(lambda: store)
    cards = {card.name: card for card in memory_panels([run])}
    then = PANELS["timescale"].build(scene(source, [run], cards["timescale"], at=2))
    assert "longest 100 steps" in then["figure"]["layout"]["meta"]["caption"]
    past = PANELS["timescale_over_training"].build(scene(source, [run], cards["timescale_over_training"], at=2))
    np.testing.assert_array_equal(past["figure"]["data"][-1]["x"], [1, 2, 40])
    assert 2 in [shape["x0"] for shape in past["figure"]["layout"]["shapes"]]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("view", PAGES)
def test_the_page_opens_with_and_without_a_run_and_says_what_there_is_to_see(view):
    test = AppTest.from_file(str(VIEWS.parent / "main.py"), default_timeout=30).run()
    test.switch_page(f"views/{view}").run()
    assert not test.exception
    assert any("Choose a run" in one.value for one in test.info)
    run = services.store().create(RunConfig())
    test.query_params["run"] = run.id
    again = AppTest.from_file(str(VIEWS.parent / "main.py"), default_timeout=30)
    again.query_params["run"] = run.id
    again.run()
    again.switch_page(f"views/{view}").run()
    assert not again.exception
    assert not again.error


def test_a_network_without_a_recurrence_shows_whom_it_asks_or_how_far_it_sees(store):
    """And no sorting by what it has not."""
    found = {}
    for cell in ("transformer", "tcn", "lstm"):
        run = store.create(RunConfig.of(cell=cell, hidden_size=32, num_layers=2))
        cards = memory_panels([run])
        found[cell] = {card.name for card in cards} & {"attention", "receptive_field"}
        (heatmap,) = [card for card in cards if card.name == "gate_activity"]
        (sort,) = [choice for choice in heatmap.choices if choice.param == "sort"]
        assert len(sort.options) == (4 if cell == "lstm" else 2)
        for card in cards:
            if card.name in found[cell]:
                made = PANELS[card.name].build(scene(Source(lambda: store), [run], card))
                assert made["figure"]["layout"]["annotations"], "empty without a word"
    assert found == {"transformer": {"attention"}, "tcn": {"receptive_field"}, "lstm": set()}


def test_the_head_and_the_layer_of_a_map_can_be_chosen(store):
    run = store.create(RunConfig.of(cell="transformer", hidden_size=32, num_layers=2))
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4, 3)).astype(np.float16)
    record = Attention(step=1, weights=np.tril(weights), earlier=np.zeros((2, 4, 3)), text=tuple("abc"))
    store.put(run.id, record)
    (card,) = [card for card in memory_panels([run]) if card.name == "attention"]
    assert [choice.param for choice in card.choices] == ["head", "layer"]
    assert [value for _, value in card.choices[0].options] == [0, 1, 2, 3, 4]
    source = Source(lambda: store)
    for layer in range(2):
        for head in range(5):
            view = scene(source, [run], card, layer=layer, head=head)
            drawn = PANELS["attention"].build(view)["figure"]["data"][0]["z"]
            np.testing.assert_allclose(drawn, record.of(layer, head - 1 if head else None), atol=1e-6)

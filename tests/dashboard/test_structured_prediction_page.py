"""Claims about Structured prediction: theory without a run, this visitor's runs, and cards that follow choices."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.component import Panel
from dashboard.live.panels import PANELS, Scene
from dashboard.live.source import Source
from dashboard.widgets.structured_prediction import STANDARD, panels
from rnncore.config import RunConfig
from rnncore.lecture.structured_prediction import LECTURE, Optimum, grow
from rnncore.runs.store import RunStore
from tests.dashboard.test_pages import MAIN, button, home, started  # noqa: F401
from tests.figures.test_figures import train
from tests.figures.test_structured_prediction import intruders, said

KINDS = {"sentence_shares", "word_tree", "intruders"}
MINE = "without-cookie"  # the owner of a session whose browser has none


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'cards.sqlite'}") as opened:
        yield opened


def filled(store, *, epsilon=0.5, steps=(1, 2, 4)):
    run = store.create(STANDARD.changed(epsilon=epsilon))
    store.append(run.id, "train", train(steps=max(steps, default=1)))
    for step in steps:
        store.put(run.id, said(step=step, epsilon=epsilon, valid=0.1 * step))
        store.put(run.id, replace(grow(Optimum(LECTURE, epsilon), LECTURE), step=step))
        store.put(run.id, replace(intruders(seed=step), step=step))
    return store.get(run.id)


def built(store, runs, panel: Panel, at=None, **chosen):
    source = Source(lambda: store)
    watched = [source.run(run.id, KINDS) for run in runs]
    return PANELS[panel.name].build(Scene(source, watched, at, Look(), {**panel.params, **chosen}))


def page(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.session_state["lecture_answer_structured-prediction"] = "-"  # the question comes first
    test.run()
    test.switch_page("views/lecture/structured_prediction.py").run()
    assert not test.exception
    return test


@pytest.mark.usefixtures("started")
def test_theory_is_there_before_any_run():
    test = page()
    values = [one.value for one in test.metric]
    assert values == ["0.017056", "88.2%", "1", "0%"]
    said = " ".join(one.value for one in test.markdown)
    assert "“I am not just a”, nonsense" in said
    assert "“I am not just a neural network”, a sentence" in said
    assert len(test.get("plotly_chart")) == 2
    assert any("press **Train**" in one.value for one in test.info)


@pytest.mark.usefixtures("started")
def test_each_press_draws_more_texts_marked_as_sentences_or_nonsense():
    test = page()
    counts = []
    for _ in range(2):
        counts.append([one.value for one in test.caption if "drawn so far" in one.value])
        button(test, "draw_feedback").click().run()
    assert counts[0][1] == "8 of 8 texts drawn so far are sentences"
    assert counts[1][1] == "16 of 16 texts drawn so far are sentences"
    drawn = [one.value for one in test.markdown if one.value.startswith(":")]
    assert len(drawn) == 4
    assert all("✓" in part and "✗" not in part for part in drawn[2:])
    assert sum(part.count("✗") for part in drawn[:2]) >= 6


def test_train_starts_the_standard_run_with_the_chosen_epsilon_and_seed(started):  # noqa: F811
    test = page()
    test.slider(key="sentences_epsilon").set_value(0.25).run()
    test.number_input(key="sentences_seed").set_value(7).run()
    assert any("0.1897" in one.value for one in test.caption)
    button(test, "train_sentences").click().run()
    assert started == [STANDARD.changed(epsilon=0.25, seed=7)]
    assert test.query_params["run"]


@pytest.mark.usefixtures("started")
def test_settings_survive_another_page_and_begin_with_the_run_of_the_link():
    run = services.store().create(STANDARD.changed(epsilon=0.65, seed=3), owner="someone else")
    test = page(run=run.id)
    assert (test.slider(key="sentences_epsilon").value, test.number_input(key="sentences_seed").value) == (0.65, 3)
    test.slider(key="sentences_epsilon").set_value(0.2).run()
    test.switch_page("views/live_lab.py").run()
    test.switch_page("views/lecture/structured_prediction.py").run()
    assert not test.exception
    assert test.slider(key="sentences_epsilon").value == 0.2


@pytest.mark.usefixtures("started")
def test_the_page_shows_the_linked_run_and_this_visitors_and_leaves_others_and_other_tasks_alone():
    create = services.store().create
    linked = create(STANDARD.changed(epsilon=0.65), owner="someone else")
    create(STANDARD.changed(epsilon=0.3), owner="someone else")
    create(RunConfig(), owner=MINE)
    mine = create(STANDARD, owner=MINE)
    test = page(run=linked.id)
    (choice,) = (one for one in test.selectbox if one.key == "sentences_closer")
    assert len(choice.options) == 2
    assert linked.id in choice.value
    choice.select_index([mine.id in one for one in choice.options].index(True)).run()
    assert test.query_params["run"] == mine.id


@pytest.mark.usefixtures("started")
def test_a_run_of_another_task_in_the_address_is_kept_for_its_own_pages():
    text = services.store().create(RunConfig())
    test = page(run=text.id)
    assert any("press **Train**" in one.value for one in test.info)
    assert test.query_params["run"] == text.id


@pytest.mark.usefixtures("started")
def test_an_unknown_run_in_the_address_is_said_and_the_rest_stands():
    test = page(run="nosuchrun")
    assert any("nosuchrun" in one.value for one in test.warning)
    assert len(test.get("plotly_chart")) == 2
    assert button(test, "train_sentences")


@pytest.mark.parametrize("count", [1, 3])
def test_every_card_is_drawn_for_one_run_and_for_several(store, count):
    runs = [filled(store, epsilon=0.5 * index) for index in range(count)]
    cards = panels(runs)
    assert len({card.id for card in cards}) == len(cards)
    for card in cards:
        made = built(store, runs, card)
        assert made.get("figure", made.get("figures", [{}])[0]).get("data") if card.kind == "figure" else made, card.id


def test_every_card_of_an_empty_run_says_why_it_is_empty(store):
    run = filled(store, steps=())
    for card in panels([run]):
        made = built(store, [run], card)
        if card.kind == "figure" and card.id != "by_epsilon":
            assert made["figure"]["layout"]["annotations"][0]["text"], card.id


def test_the_numbers_stand_beside_the_exact_ones_and_go_back_in_time(store):
    run = filled(store)
    cards = {card.id: card for card in panels([run])}

    def numbers(at=None):
        items = built(store, [run], cards["metrics"], at)["metrics"][0]["items"]
        return {item["label"]: item["value"] for item in items}

    assert numbers()["P(valid) measured"] == "0.4000"
    assert numbers()["P(valid) exact"] == "0.4978"
    assert numbers(at=2)["P(valid) measured"] == "0.2000"
    assert numbers(at=2)["Step"] == "2"
    words = built(store, [run], cards["state"])["verdicts"][0]["items"][-1]
    assert (words["severity"], "0.10 below it" in words["text"]) == ("info", True)
    store.put(run.id, said(step=8, epsilon=0.5, valid=0.49))
    assert built(store, [run], cards["state"])["verdicts"][0]["items"][-1]["severity"] == "good"


def test_sentence_place_and_word_may_be_chosen_and_pointing_chooses_the_prediction(store):
    run = filled(store)
    (card,) = (card for card in panels([run]) if card.name == "intruder")
    options = {choice.param: dict(choice.options) for choice in card.choices}
    assert len(options["sentence"]) == 3
    assert list(options["place"].values()) == list(range(7))
    assert options["word"] == {"(stop)": 0} | {word: index for index, word in enumerate(LECTURE.words) if index}
    assert next(iter(options["word"])) == "drive"
    assert card.pick.param in card.params
    start = str(built(store, [run], card))
    for param in ("sentence", "place", "word", "then"):
        assert (
            str(built(store, [run], card, **{param: 3 if param == "then" else 0 if param == "place" else 2})) != start
        )
    beyond = built(store, [run], card, sentence=9, place=99, word=999, then=999)
    assert np.isfinite(beyond["figures"][1]["data"][1]["x"]).all()

"""Claims about Scheduled sampling: its buttons start the right runs, which stand side by side, and its cards fit."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.panels.scheduled_sampling import names
from dashboard.live.source import Source
from dashboard.widgets.sampling_panels import panels
from dashboard.widgets.sampling_start import EXAMPLE, siblings, variants
from rnncore.config import RunConfig, ScheduledSampling
from rnncore.errors import ConfigError
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.store import RunStore
from tests.dashboard.test_pages import button, home, started  # noqa: F401
from tests.figures.test_exposure import record as exposed
from tests.figures.test_feeding import record as fed
from tests.figures.test_figures import train
from tests.figures.test_schedule import feeding

MAIN = Path(__file__).parents[2] / "dashboard" / "main.py"
KINDS = {"coins", "exposure"}


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def filled(store, *, steps=40, **settings):
    """A run that was trained for some steps, with records at two of them."""
    run = store.create(RunConfig.of(hidden_size=8, steps=100, **settings))
    store.append(run.id, "train", train(steps))
    if not run.config.scheduled_sampling.teacher_forcing:
        columns = feeding(run.config.scheduled_sampling, steps)
        store.append(run.id, "feeding", columns | {"seconds": np.full(steps, 0.04, np.float32)})
        for step in (8, 32):
            store.put(run.id, replace(fed(), step=step))
    for step in (8, 32):
        store.put(run.id, exposed(step, gap=(step, step - 1, step + 1)))
    return store.get(run.id)


def built(store, runs, card, at=None, **params):
    source = Source(lambda: store)
    watched = [source.run(run.id, KINDS) for run in runs]
    return PANELS[card.name].build(Scene(source, watched, at, Look(), card.params | params))


def card(watched, panel):
    return next(one for one in panels(watched) if one.id == panel)


def numbers(store, runs, at=None):
    """Label → value of each run's row."""
    rows = built(store, runs, card(runs, "metrics"), at)["metrics"]
    return [{item["label"]: item["value"] for item in row["items"]} for row in rows]


@pytest.mark.parametrize(
    "settings", [({"epsilon": 0.5},), ({},), ({}, {"epsilon": 0.5}, {"schedule": "linear"}, {"cell": "gru"})]
)
def test_every_card_is_drawn_for_one_run_and_for_several(store, settings):
    runs = [filled(store, **values) for values in settings]
    cards = panels(runs)
    assert len({one.id for one in cards}) == len(cards)
    for one in cards:
        made = built(store, runs, one)
        if "figure" in made:
            layout = made["figure"]["layout"]
            assert made["figure"]["data"] or layout["annotations"][0]["text"], one.id
        else:
            assert len(made.get("metrics", made.get("verdicts"))) == len(runs)


def test_every_card_of_a_run_without_anything_says_why_it_is_empty(store):
    for run, words in (
        (store.create(RunConfig.of(epsilon=0.5)), "appear"),
        (store.create(RunConfig.of(task="henon", epsilon=0.5)), "Distributional shift"),
        (store.begin_elsewhere(Elsewhere(), "1:1.0", "here"), "does not say what it was fed"),
    ):
        for one in [one for one in panels([run]) if one.kind == "figure" and one.id != "epsilon"]:
            made = built(store, [run], one)["figure"]
            assert not made["data"]
            said = made["layout"]["annotations"][0]["text"]
            assert (words if one.id in ("coins", "text", "exposure", "written", "training") else "appear") in said


def test_the_numbers_are_the_series_and_the_records(store):
    run = filled(store, epsilon=0.5)
    (row,) = numbers(store, [run])
    columns = feeding(run.config.scheduled_sampling, 40)
    assert row["Step"] == "40"
    assert row["ε"] == "0.500"
    assert row["Really fed"] == f"{columns['fraction'].mean():.2%}"
    assert row["Free-running gap"] == "+32.00 ± 1.00"
    assert row["Keeps to real text"] == "6 of 6"
    assert row["Deciding"] == "40%"
    assert row["Training"] == f"{2 / math.log(2):.2f}"


def test_going_back_shows_what_was_there_then(store):
    run = filled(store, schedule="linear", epsilon_c=0.01)
    (then,), (now,) = numbers(store, [run], at=10), numbers(store, [run])
    assert (then["Step"], now["Step"]) == ("10", "40")
    assert (then["ε"], now["ε"]) == ("0.910", "0.610")
    assert then["Free-running gap"].startswith("+8.00")
    for panel, words in (("coins", "training step 8,"), ("training", "at step 32")):
        assert words in built(store, [run], card([run], panel), 10)["figure"]["layout"]["meta"]["caption"] or (
            panel == "training"
        )
    drawn = built(store, [run], card([run], "epsilon"), 10)["figure"]["data"]
    assert max(drawn[2]["x"]) <= 10


def test_every_offered_choice_changes_the_card_that_offers_it(store):
    runs = [filled(store, epsilon=0.5), filled(store, schedule="linear")]
    for one in panels(runs):
        for choice in one.choices:
            values = [value for _, value in choice.options][:2]
            if choice.param == "run":
                store.put(runs[1].id, replace(fed(), step=33))
            made = [str(built(store, runs, one, **{choice.param: value})) for value in values]
            assert len(set(made)) == len(made) or choice.param == "run", (one.id, choice.param)


def test_a_clicked_row_is_the_sequence_that_is_read(store):
    run = filled(store, epsilon=0.5)
    grid, text = card([run], "coins"), card([run], "text")
    assert (grid.pick.param, grid.pick.axis) == ("sequence", "y")
    assert grid.pick.param in text.params
    captions = [built(store, [run], text, sequence=n)["figure"]["layout"]["meta"]["caption"] for n in (1, 2)]
    assert [caption[:10] for caption in captions] == ["sequence 1", "sequence 2"]


def test_a_batch_is_shown_of_a_run_that_tosses_coins(store):
    runs = [filled(store), filled(store, epsilon=0.5), filled(store, epsilon=0.25)]
    grid = card(runs, "coins")
    assert grid.params["run"] == 1
    assert [value for _, value in grid.choices[0].options] == [1, 2]
    assert built(store, runs, grid)["figure"]["data"]
    forced = built(store, runs[:1], card(runs[:1], "coins"))["figure"]
    assert "Teacher forcing" in forced["layout"]["annotations"][0]["text"]


def test_runs_are_called_by_what_tells_them_apart(store):
    forced, half = filled(store), filled(store, epsilon=0.5)
    assert names([forced, half]) == ["teacher forcing", "ε 0.5"]
    other = filled(store, epsilon=0.5, cell="gru")
    assert names([forced, other]) == ["LSTM · 8 · teacher forcing", "GRU · 8 · ε 0.5"]
    again = filled(store, epsilon=0.5)
    assert names([half, again]) == [f"ε 0.5 ({half.id})", f"ε 0.5 ({again.id})"]
    assert names([filled(store, name="mine"), half])[0] == "mine"


@pytest.mark.parametrize("steps", [1, 2, 10, 1500, 5000, 10_000_000])
def test_schedules_of_the_buttons_are_half_way_in_the_middle_of_the_run(steps):
    for said, changes in variants(steps).values():
        settings = ScheduledSampling(**changes)
        if settings.half_way is not None and steps > 2:
            assert settings.half_way == pytest.approx(steps / 2, rel=0.01), said


def test_the_example_is_as_long_as_its_coins():
    shapes = {array.shape for array in (EXAMPLE.truth, EXAMPLE.inputs, EXAMPLE.own, EXAMPLE.coins)}
    assert len(shapes) == 1
    assert EXAMPLE.replaced.any()
    assert 0 < EXAMPLE.right < 1


def test_siblings_are_the_newest_of_each_other_schedule_with_the_same_settings_and_owner(home, monkeypatch):  # noqa: F811
    store = services.store()

    def create(owner="me", **settings):
        return store.create(RunConfig.of(**settings), owner=owner)

    forced = create()
    create(epsilon=0.5)
    half, linear = create(epsilon=0.5, budget=0.1, name="again"), create(schedule="linear")
    create(epsilon=0.25, seed=2)
    create(epsilon=0.25, cell="gru")
    create(epsilon=0.25, owner="you")
    assert {run.id for run in siblings(forced)} == {half.id, linear.id}
    assert {run.id for run in siblings(half)} == {forced.id, linear.id}


def page(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    return test.switch_page("views/scheduled_sampling.py").run()


def test_the_first_visit_explains_and_says_what_to_do(started):  # noqa: F811
    test = page()
    assert not test.exception
    assert any("Press" in one.value for one in test.info)
    assert {one.key for one in test.button} >= {"start_forced", "start_half", "start_sigmoid", "start_linear"}


def test_each_button_starts_its_schedule_with_the_same_settings_and_seed(started):  # noqa: F811
    test = page(hidden_size="24", seed="7", steps="1000")
    for key in ("forced", "half", "sigmoid", "linear", "exponential"):
        button(test, f"start_{key}").click().run()
        assert not test.exception
    assert [config.scheduled_sampling.schedule for config in started] == [
        "constant", "constant", "inverse_sigmoid", "linear", "exponential",
    ]  # fmt: skip
    assert [config.scheduled_sampling.epsilon for config in started[:2]] == [1.0, 0.5]
    assert len({(config.seed, config.model, config.task, config.training) for config in started}) == 1
    newest = services.store().get(test.query_params["run"])
    assert newest.config.scheduled_sampling.schedule == "exponential"
    assert len(siblings(newest)) == 4


def test_a_form_that_cannot_be_run_says_why_and_starts_nothing(started):  # noqa: F811
    test = lab(schedule="linear")
    next(one for one in test.number_input if one.key == "set_epsilon_k").set_value(7.0).run()
    test.switch_page("views/scheduled_sampling.py").run()
    assert not test.exception
    assert "epsilon\\_k must be between 0 and 1" in test.error[0].value
    assert not [one for one in test.button if one.key.startswith("start_")]


def lab(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def keys(test):
    return {one.key for group in ("number_input", "selectbox") for one in getattr(test, group)}


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({}, {"epsilon"}, {"epsilon_k", "epsilon_c", "epsilon_min", "feed", "feed_form", "feed_passes"}),
        ({"epsilon": "0.5"}, {"epsilon", "feed", "feed_temperature", "feed_form"}, {"epsilon_k", "feed_passes"}),
        ({"schedule": "linear"}, {"epsilon_k", "epsilon_c", "epsilon_min", "feed"}, {"epsilon"}),
        ({"schedule": "exponential", "feed": "argmax"}, {"epsilon_k"}, {"epsilon_c", "feed_temperature"}),
        ({"schedule": "inverse_sigmoid", "feed_form": "parallel"}, {"epsilon_k", "feed_passes"}, {"epsilon_min"}),
    ],
)
def test_the_form_shows_the_settings_that_the_schedule_uses(started, query, shown, hidden):  # noqa: F811
    found = keys(lab(**query))
    assert {f"set_{leaf}" for leaf in shown} <= found
    assert not {f"set_{leaf}" for leaf in hidden} & found


def test_the_form_says_what_comes_of_the_schedule(started):  # noqa: F811
    test = lab(schedule="inverse_sigmoid", steps="2500")
    assert any("from iteration 1,711 on; at the end ε is 0\\.067" in one.value for one in test.caption)


def test_nonsense_in_the_form_is_said_in_the_config_s_words_and_another_schedule_starts_afresh(started):  # noqa: F811
    test = lab(schedule="linear")
    next(one for one in test.number_input if one.key == "set_epsilon_k").set_value(7.0).run()
    assert sum("epsilon\\_k must be between 0 and 1" in one.value for one in test.error) == 2  # by the button too
    assert button(test, "train").disabled
    next(one for one in test.selectbox if one.key == "set_schedule").set_value("inverse_sigmoid").run()
    assert not test.error
    button(test, "train").click().run()
    assert started[0].scheduled_sampling.k == 300


def test_settings_of_the_schedule_travel_in_the_address(started):  # noqa: F811
    test = lab(schedule="exponential", epsilon_k="0.99", feed="argmax")
    assert not test.warning
    assert {name: test.query_params[name] for name in ("schedule", "epsilon_k", "feed")} == {
        "schedule": "exponential",
        "epsilon_k": "0.99",
        "feed": "argmax",
    }
    with pytest.raises(ConfigError, match="epsilon_k must be strictly between 0 and 1"):
        RunConfig.of(schedule="exponential", epsilon_k=1)

"""Compare: setting up, refusals in sentences, the draft in the address, and what may be done with a race."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.race import AXES
from dashboard.widgets import races
from dashboard.widgets.race_panels import whole
from rnncore.comparison import RACES, Race
from rnncore.cost import estimate
from rnncore.runs.races import Races
from tests.dashboard.test_pages import MAIN, button


@pytest.fixture(autouse=True)
def launcher(monkeypatch):
    """Queues races; no worker is started."""

    class Waiting:
        notes: ClassVar[dict[str, str]] = {}
        slots = 2

        def race(self, name, document, wanted, owner="", token=None):
            return Races(services.store()).create(name, document, wanted, owner=owner, token=token)

        def wake(self):
            pass

    monkeypatch.setattr(services, "launcher", Waiting)
    monkeypatch.setattr(races, "owner", lambda: "me")
    for race in all_races():
        Races(services.store()).delete(race.id)


def page(**query):
    test = AppTest.from_file(str(MAIN.parent / "views" / "compare.py"), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def all_races():
    return Races(services.store()).all()


def texts(test):
    return " ".join(
        one.value for group in ("caption", "error", "warning", "info", "markdown") for one in getattr(test, group)
    )


def draft(**changes):
    base = {"task": "parity", "sequence_length": "15", "hidden_size": "12"}
    contenders = [{"cell": "lstm"}, {"cell": "gru", "lr": "0.02", "optimizer": "sgd"}]
    return json.dumps({"base": base, "contenders": contenders, "seeds": 2, **changes})


def test_a_newcomer_finds_a_race_that_is_ready_to_run():
    test = page()
    assert not test.exception
    assert not test.error
    assert {f"race_{one.key}" for one in RACES} <= {one.key for one in test.button}
    assert "15 runs, about" in texts(test)
    assert "No race yet" in [one.placeholder for one in test.selectbox]


@pytest.mark.parametrize("preset", RACES, ids=lambda one: one.key)
def test_a_preset_races_as_it_is_described(preset):
    test = button(page(), f"race_{preset.key}").click().run()
    assert not test.exception
    (made,) = all_races()
    assert Race.from_json(made.document) == preset.race
    assert test.query_params["race"] == made.id
    test = button(test, "start_race").click().run()  # and the form now describes the same one
    assert [Race.from_json(one.document).configs for one in all_races()] == [preset.race.configs] * len(all_races())


def test_the_draft_is_in_the_address_and_comes_back_from_it():
    first = page(draft=draft())
    assert not first.exception
    button(first, "start_race").click().run()
    (made,) = all_races()
    race = Race.from_json(made.document)
    assert [config.model.cell for config in race.configs] == ["lstm", "gru"]
    assert race.configs[1].training.optimizer == "sgd"
    assert (race.configs[0].task.sequence_length, race.seeds) == (15, (1, 2))
    again = page(draft=first.query_params["draft"])
    button(again, "start_race").click().run()
    assert all_races()[0].document == all_races()[-1].document


def test_equal_parameters_and_equal_seconds_are_both_on_offer():
    test = page(draft=draft())
    (toggle,) = [one for one in test.toggle if one.label == "Equal parameter counts"]
    button(toggle.set_value(True).run(), "start_race").click().run()
    (made,) = all_races()
    race = Race.from_json(made.document)
    lstm, gru = (estimate(config).parameters for config in race.configs)
    assert race.configs[1].model.hidden_size > race.configs[0].model.hidden_size
    assert abs(gru - lstm) <= 0.02 * lstm
    (curves,) = [panel for panel in whole(race) if panel.id == "race_curves"]
    (against,) = [choice for choice in curves.choices if choice.param == "axis"]
    named = {name: AXES[place] for name, place in against.options}
    assert (named["steps"], named["seconds"]) == ("training steps", "seconds of training")


@pytest.mark.parametrize(
    "nonsense", ["{", "[]", "7", '{"base": {"task": "x"}, "contenders": []}', '{"base": 3}', "null"]
)
def test_nonsense_in_the_address_is_a_sentence(nonsense):
    test = page(draft=nonsense)
    assert not test.exception
    assert "is not one that this page wrote" in texts(test)
    assert not button(test, "start_race").disabled


def test_an_unknown_race_is_a_sentence():
    test = page(race="gone")
    assert not test.exception
    assert "no race" in texts(test)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contenders": [{"cell": "lstm"}]}, "contenders must be 2 to 6, got 1"),
        ({"contenders": [{"cell": "lstm"}, {"cell": "lstm"}]}, "contenders must differ"),
        ({"contenders": [{"cell": "lstm"}, {"cell": "gru", "lr": "much"}]}, "lr must be a number"),
        ({"contenders": [{"cell": "lstm"}, {"n_max": "3"}]}, "n_max is not a setting of task"),
        ({"axes": {"lr": [str(n) for n in range(1, 900)]}}, "at most 1,000 runs, got 1,798"),
        ({"axes": {"cell": ["lstm", "xlstm"]}}, "cell must be one of"),
    ],
)
def test_what_cannot_race_is_refused_in_a_sentence_and_the_form_stays(changes, sentence):
    test = page(draft=draft(**changes))
    assert not test.exception
    assert sentence in texts(test).replace("\\", "")
    assert button(test, "start_race").disabled
    assert not all_races()


def test_a_second_press_makes_no_second_race():
    test = page(draft=draft())
    button(test, "start_race").click().run()
    button(test, "start_race").click().run()
    assert len(all_races()) == 1


def test_a_race_is_paused_resumed_and_cancelled_whole():
    test = button(page(draft=draft()), "start_race").click().run()
    test = button(test, "race_pause").click().run()
    race = Races(services.store()).get(all_races()[0].id)
    assert race.paused
    test = button(test, "race_resume").click().run()
    assert not Races(services.store()).get(race.id).paused
    test = button(test, "race_cancel").click().run()
    assert Races(services.store()).get(race.id).over
    assert not {"race_pause", "race_cancel"} & {one.key for one in test.button}
    test = button(test, "race_delete").click().run()
    assert not all_races()
    assert not test.exception


def test_again_has_the_same_seeds_and_new_seeds_has_others():
    test = button(page(draft=draft()), "start_race").click().run()
    button(test, "race_new_seeds").click().run()
    seeds = [Race.from_json(one.document).seeds for one in all_races()]
    assert sorted(seeds) == [(1, 2), (3, 4)]


def test_who_did_not_start_a_race_watches_it():
    race = RACES[0].race
    made = Races(services.store()).create(race.name, race.to_json(), race.runs(), owner="someone else")
    test = page(race=made.id)
    assert not test.exception
    assert "its owner steers" in texts(test)
    assert button(test, "race_pause").disabled
    assert not button(test, "race_again").disabled

"""Claims about the page of all runs: what it finds, what may be done with ticked runs, and what is never done."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets import run_list
from dashboard.widgets.run_list import Filter, found
from rnncore.comparison import RACES
from rnncore.config import RunConfig
from rnncore.runs.races import Races
from rnncore.runs.states import FINISHED, RUNNING
from tests.dashboard.test_pages import MAIN, button, home  # noqa: F401

ME = "without-cookie"
GRU = RunConfig.of(cell="gru", hidden_size=8, name="Small one")
LSTM = RunConfig.of(cell="lstm", task="henon", hidden_size=8)


def made(config=GRU, state=FINISHED, owner=ME, **values):
    run = services.store().create(config, owner=owner, **values)
    services.store().set_state(run.id, state)
    return services.store().get(run.id)


def opened(*picked, **query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    query |= {"pick": "-".join(run.id for run in picked)} if picked else {}
    for name, value in query.items():
        test.query_params[name] = value
    test.switch_page("views/runs.py").run()
    assert not test.exception, test.exception
    return test


def listed(test):
    return list(test.dataframe[0].value["Run"]) if test.dataframe else []


def said(test):
    return " ".join(
        one.value for kind in (test.markdown, test.caption, test.info, test.warning, test.error) for one in kind
    )


def keys(test):
    return {one.key for one in test.button}


def test_without_a_run_the_page_says_what_to_do():
    test = opened()
    assert "Start one in the Live lab" in said(test)
    assert not test.dataframe


def test_every_run_is_a_row_the_newest_first_and_the_count_is_said():
    first, second = made(), made(LSTM)
    test = opened()
    assert listed(test) == [second.id, first.id]
    assert "2 runs" in said(test)
    row = test.dataframe[0].value.iloc[1]
    assert (row["Name"], row["Cell"], row["State"]) == ("Small one", "GRU", "finished")


def test_a_run_is_found_by_each_thing_that_is_known_of_it():
    run = made(race="abc123")
    other = made(LSTM, state="stopped", owner="else")
    services.store().tag(run.id, ["Baseline", "week 3"])
    services.store().note(run.id, "loss falls slowly")
    run = services.store().get(run.id)
    for words in ("small", "GRU", run.id, "baseline", "WEEK 3", "slowly", "finished", "abc123", "gru slowly"):
        assert found([run, other], Filter(words=words), "name") == [run], words
    fits = [
        Filter(states=frozenset({"finished"})),
        Filter(cells=frozenset({"GRU"})),
        Filter(tags=frozenset({"Baseline", "week 3"})),
        Filter(tasks=frozenset({run_list.what_is_learned_by(run)})),
        Filter(mine=ME),
    ]
    for one in fits:
        assert found([run, other], one, "newest first") == [run], one
    assert found([run], Filter(since=time.time() + 1), "name") == []
    assert found([run], Filter(words="nowhere"), "name") == []


@pytest.mark.parametrize("sort", run_list.SORTS)
def test_every_order_has_every_run_once(sort):
    every = [made(), made(LSTM), made(race="r")]
    assert sorted(run.id for run in found(every, Filter(), sort)) == sorted(run.id for run in every)


def test_what_is_typed_filters_the_rows_and_goes_into_the_address():
    run, _ = made(), made(LSTM)
    test = opened()
    test.text_input(key="runs_words").set_value("small").run()
    assert listed(test) == [run.id]
    assert "1 of 2 runs" in said(test)
    assert test.query_params["find"] in ("small", ["small"])
    assert listed(opened(find="small")) == [run.id]
    test.text_input(key="runs_words").set_value("nowhere").run()
    assert "no run fits" in said(test)


def test_ticks_outlive_a_filter_and_a_new_run():
    run, _ = made(), made(LSTM)
    test = opened(run)
    test.text_input(key="runs_words").set_value("nowhere").run()
    assert "1 of them not in the list" in said(test)
    made()
    test.text_input(key="runs_words").set_value("").run()
    assert test.session_state["runs_picked"] == [run.id]
    assert "1 ticked" in said(test)


def test_filters_and_order_are_in_the_address_and_a_link_restores_them():
    made()
    wanted = made(LSTM, RUNNING)
    test = opened(states="running~paused", sort="oldest first", date="this week", mine="1")
    assert listed(test) == [wanted.id]
    assert test.selectbox(key="runs_sort").value == "oldest first"
    states = next(one for one in test.multiselect if one.key == "runs_states")
    assert states.value == ["running", "paused"]
    states.set_value(["finished"]).run()
    assert test.query_params["states"] == "finished"
    assert test.query_params["mine"] == "1"
    assert len(listed(test)) == 1


def test_an_order_that_there_is_not_is_refused_in_a_sentence():
    made()
    test = opened(sort="sideways", date="tomorrow")
    assert "sort in the address must be one of" in said(test)
    assert "date in the address must be one of" in said(test)
    assert len(listed(test)) == 1


def test_nonsense_in_the_address_is_a_sentence():
    made()
    test = opened(pick="nobody-<b>x")
    assert "no such run" in said(test)
    assert test.session_state["runs_picked"] == []


def test_a_tick_of_a_run_that_was_deleted_meanwhile_is_forgotten():
    run, other = made(), made()
    test = opened(run, other)
    services.store().delete(run.id)
    test.run()
    assert not test.exception
    assert test.session_state["runs_picked"] == [other.id]


def test_tags_and_note_are_written():
    run = made()
    test = opened(run)
    services.store().tag(run.id, ["one"])
    test.text_area(key=f"note_{run.id}").set_value("my words").run()
    assert services.store().get(run.id).note == "my words"
    test = opened(run)
    assert test.multiselect(key=f"tags_{run.id}").value == ["one"]


def test_several_runs_get_a_tag_beside_those_that_they_had():
    one, other, foreign = made(), made(LSTM), made(owner="else")
    services.store().tag(one.id, ["old"])
    services.store().tag(foreign.id, ["new"])
    test = opened(one, other, foreign)
    test.multiselect(key="runs_add_tags").set_value(["new"]).run()
    tags = [services.store().get(run.id).tags for run in (one, other, foreign)]
    assert tags == [("old", "new"), ("new",), ("new",)]


def test_two_ticked_runs_stand_beside_each_other_in_the_page_that_is_opened():
    one, other, third = made(), made(LSTM), made()
    test = opened(one, other, third)
    assert "two runs of the 3 ticked" in said(test)
    button(test, "open_gradient_flow").click().run()
    assert not test.exception
    assert test.title[0].value == "Gradient flow"
    assert (test.session_state["run"], test.session_state["vs"]) == (one.id, other.id)


def test_a_copied_configuration_fills_the_form_and_the_address():
    run = made(RunConfig.of(cell="gru", hidden_size=24, lr=0.02))
    test = opened(run)
    button(test, "clone").click().run()
    assert not test.exception
    assert test.title[0].value == "Live lab"
    assert (test.session_state["set_cell"], test.session_state["set_hidden_size"]) == ("gru", 24)
    assert test.query_params["hidden_size"] in ("24", ["24"])


def test_deleting_takes_only_what_is_ended_and_ones_own():
    store = services.store()
    mine, foreign, busy = made(), made(owner="else"), made(state=RUNNING)
    test = opened(mine, foreign, busy)
    assert "only the owner deletes" in said(test)
    assert "stop it first" in said(test)
    assert {run.id for run in store.runs()} == {mine.id, foreign.id, busy.id}  # asking deletes nothing
    button(test, "delete").click().run()
    assert not test.exception
    assert {run.id for run in store.runs()} == {foreign.id, busy.id}
    assert test.session_state["runs_picked"] == [foreign.id, busy.id]


def test_what_cannot_be_done_is_not_offered():
    assert "delete" not in keys(opened(made(owner="else")))
    assert keys(opened(made(state="stopped"))) >= {"resume_all", "delete", "clone"}
    assert "resume_all" not in keys(opened(made()))
    assert "stop_all" in keys(opened(made(state=RUNNING)))


def test_the_first_rows_are_listed_and_the_rest_counted(monkeypatch):
    monkeypatch.setattr(run_list, "MOST_ROWS", 3)
    for _ in range(5):
        made()
    test = opened()
    assert len(listed(test)) == 3
    assert "5 runs, the first 3 of them listed" in said(test)


def test_a_run_of_a_race_links_to_it_and_others_to_nothing():
    race = RACES[0].race
    made = Races(services.store()).create(race.name, race.to_json(), list(race.runs())[:1])
    alone = services.store().create(RunConfig())
    links = run_list.table([*made.runs, alone])["Race"]
    assert links[0] == f"compare?race={made.id}"
    assert links.isna().tolist() == [False, True]

"""Claims about the sampling desk without a browser: every state draws, and the address holds the question."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets import desk as page_module
from rnncore.config import RunConfig
from rnncore.runs.elsewhere import Elsewhere
from tests.dashboard.test_pages import MAIN, home  # noqa: F401
from tests.figures.test_desk import writing

pytestmark = pytest.mark.usefixtures("home")


class Asking:
    """A launcher whose desk answers at once, or never."""

    notes: ClassVar[dict[str, str]] = {}
    failure: ClassVar[str] = ""
    answers: ClassVar[bool] = True
    asked: ClassVar[list[dict[str, Any]]] = []

    def ask(self, run_id, kind, payload, step=None, *, again=False):
        store = services.store()
        job = store.ask(run_id, kind, payload, step, again=again)
        if job.open and (mine := store.take_job("1:1.0", "here")):
            self.asked.append(dict(payload) | {"step": mine.step})
            if self.failure:
                store.fail_job(mine, self.failure)
            elif self.answers:
                texts = ["ab", "aa"][: 2 if "temperature_2" in payload else 1]
                store.finish_job(mine, writing(*texts))
        return store.job(run_id, job.key)


@pytest.fixture(autouse=True)
def asking(monkeypatch):
    monkeypatch.setattr(Asking, "asked", [])
    monkeypatch.setattr(services, "launcher", Asking)
    monkeypatch.setattr(page_module, "PATIENCE_SECONDS", 0.05)
    return Asking


def saved(*steps: int, **settings: Any) -> str:
    run = services.store().create(RunConfig.of(**settings), owner="someone")
    for step in steps or (10, 20):
        services.store().save_checkpoint(run.id, step, b"weights")
    return run.id


def opened(**query: str) -> AppTest:
    """A session that begins with this address and is on the desk."""
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    for name, value in query.items():
        test.query_params[name] = value
    return test.switch_page("views/desk.py").run()


def said(test: AppTest) -> str:
    return " ".join(one.value for group in ("error", "warning", "info", "markdown") for one in getattr(test, group))


def button(test: AppTest, key: str):
    return next(one for one in test.button if one.key == key)


def question(test: AppTest) -> dict[str, Any]:
    (text,) = (
        test.query_params["write"] if isinstance(test.query_params["write"], list) else [test.query_params["write"]]
    )
    return json.loads(text)


def test_without_a_run_the_page_says_what_to_do():
    test = opened()
    assert not test.exception
    assert "Choose a run above" in said(test)
    assert button(test, "desk_write").disabled


def test_a_run_is_asked_at_once_and_the_address_says_of_which_checkpoint(asking):
    run = saved(10, 20)
    test = opened(run=run)
    assert not test.exception
    assert not test.error
    assert asking.asked == [{"step": 20}]
    assert question(test) == {"step": 20}
    assert "checkpoint of step" in said(test)


def test_a_link_brings_question_and_checkpoint_back(asking):
    run = saved(10, 20)
    link = {"step": 10, "primer": "<b>", "temperature": 0.5, "temperature_2": 2.0, "picks": [[1, 3, "<"]]}
    test = opened(run=run, write=json.dumps(link))
    assert not test.exception
    assert not test.error
    assert asking.asked == [link]
    assert question(test) == link
    assert next(one for one in test.text_area if one.key == "desk_primer").value == "<b>"
    assert "part company" in said(test)


def test_write_asks_what_the_form_says_without_the_readers_characters(asking):
    run = saved()
    test = opened(run=run, write=json.dumps({"picks": [[0, 3, "a"]]}))
    next(one for one in test.number_input if one.key == "desk_temperature").set_value(0.3).run()
    assert asking.asked[-1].get("picks")  # a setting alone asks nothing
    button(test, "desk_write").click().run()
    assert not test.exception
    assert asking.asked[-1] == {"temperature": 0.3, "step": 20}


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_each_method_has_the_settings_that_matter_to_it(method):
    test = opened(run=saved(), write=json.dumps({"method": method}))
    shown = {one.key for one in test.number_input if one.key.startswith("desk_")}
    assert shown == {"desk_length"} | ({"desk_width"} if method == "beam" else set())


def test_another_checkpoint_is_asked_the_same(asking):
    test = opened(run=saved(10, 20), write=json.dumps({"seed": 7}))
    next(one for one in test.selectbox if one.key == "desk_step").set_value(10).run()
    assert not test.exception
    assert asking.asked == [{"seed": 7, "step": 20}, {"seed": 7, "step": 10}]


def test_a_failure_is_a_sentence_and_may_be_asked_again(asking, monkeypatch):
    monkeypatch.setattr(asking, "failure", "the desk process was <b>killed</b>; ask again")
    test = opened(run=saved())
    assert not test.exception
    assert r"the desk process was \<b\>killed" in test.error[0].value
    monkeypatch.setattr(asking, "failure", "")
    button(test, "desk_retry").click().run()
    assert not test.error
    assert len(asking.asked) == 2


def test_while_no_answer_has_come_the_page_stands_and_says_nothing_wrong(asking, monkeypatch):
    monkeypatch.setattr(asking, "answers", False)
    test = opened(run=saved())
    assert not test.exception
    assert not test.error


@pytest.mark.parametrize(
    "link",
    ["nonsense", "[1]", "17", "{}x", '{"length": -1}', '{"colour": "red"}', '{"step": "soon"}', '{"step": true}',
     '{"picks": [[9, 9, "x"]]}', '{"picks": 3}', "[" * 5000],
)  # fmt: skip
def test_any_address_opens_the_page_and_what_it_cannot_mean_is_said(asking, link):
    test = opened(run=saved(), write=link)
    assert not test.exception
    assert "what the address asks was left out" in said(test).replace("\\", "")
    assert asking.asked == [{"step": 20}]


def test_a_step_that_is_no_longer_there_is_said_with_those_that_are(asking):
    test = opened(run=saved(10, 20), write=json.dumps({"step": 15}))
    assert not test.exception
    assert "has no checkpoint of step 15" in test.error[0].value


def test_runs_that_cannot_write_say_why():
    store = services.store()
    mine = store.begin_elsewhere(Elsewhere(name="mine"), "1:1.0", "here")
    assert "trained elsewhere" in said(opened(run=mine.id))
    assert "writes no text" in said(opened(run=saved(task="henon")))
    assert "no checkpoint yet" in said(opened(run=store.create(RunConfig()).id))

"""Claims about the tour: for newcomers only, until it is skipped or their second run, and never again."""

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets.tour import COOKIE, card
from rnncore.config import RunConfig
from tests.dashboard.test_pages import MAIN, button, home, started  # noqa: F401

MINE = "without-cookie"


def page():
    test = AppTest.from_file(str(MAIN), default_timeout=30).run()
    assert not test.exception
    return test


def offered(test):
    return any(one.key == "skip_tour" for one in test.button)


@pytest.mark.usefixtures("started")
def test_it_begins_with_a_newcomer_s_first_run_and_ends_with_the_second():
    test = page()
    assert not offered(test)
    button(test, "train").click().run()
    assert offered(test)
    services.store().create(RunConfig.of(hidden_size=8), owner=MINE)
    assert not offered(test.run())


@pytest.mark.usefixtures("started")
def test_who_skips_it_is_not_asked_again_and_the_browser_is_told():
    test = page()
    button(test, "train").click().run()
    button(test, "skip_tour").click().run()
    assert not test.exception
    assert not offered(test)
    assert any(COOKIE in str(one.proto) for one in test.get("html"))
    assert not offered(test.run())


@pytest.mark.usefixtures("started")
def test_a_browser_that_had_it_does_not_get_it_again(monkeypatch):
    monkeypatch.setattr(ContextProxy, "cookies", {COOKIE: "over"})
    test = page()
    button(test, "train").click().run()
    assert not offered(test)


@pytest.mark.usefixtures("started")
def test_who_comes_back_to_a_run_that_is_over_is_no_newcomer():
    run = services.store().create(RunConfig(), owner=MINE)
    services.store().set_state(run.id, "finished")
    assert not offered(page())


@pytest.mark.usefixtures("started")
def test_a_shared_link_to_somebody_else_s_run_starts_no_tour():
    run = services.store().create(RunConfig(), owner="someone else")
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    test.query_params["run"] = run.id
    assert not offered(test.run())
    assert card([run]) == []

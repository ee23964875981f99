"""Claims about the pages without a browser: each state draws, and nothing shows a stack trace."""

from pathlib import Path
from typing import ClassVar

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.owner import COOKIE, OwnerCookie
from dashboard.widgets.problems import as_text
from rnncore.config import LEAVES, TASKS, RunConfig
from rnncore.errors import StoreError
from rnncore.runs.store import RunStore

MAIN = Path(__file__).parents[2] / "dashboard" / "main.py"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(ContextProxy, "cookies", {})  # AppTest's own stand-in is no mapping
    monkeypatch.setenv("RNNCORE_HOME", str(tmp_path))
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "cache"))
    services.stop()
    yield tmp_path
    services.stop()


@pytest.fixture
def started(monkeypatch):
    """Runs that were asked for; no worker is started."""
    asked = []

    class Waiting:
        notes: ClassVar[dict[str, str]] = {}

        def submit(self, config, owner="", **_):
            services.check(config)
            asked.append(config)
            return services.store().create(config, owner=owner)

    monkeypatch.setattr(services, "launcher", Waiting)
    return asked


def page(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def button(test, key):
    return next(one for one in test.button if one.key == key)


def test_the_first_visit_says_what_to_do(started):
    test = page()
    assert not test.exception
    assert any("Press" in one.value for one in test.markdown)
    assert {one.key for one in test.button} >= {"train", "train_lstm", "train_vanishing", "train_exploding"}


def test_train_starts_one_run_and_puts_it_into_the_address(started):
    test = page(hidden_size="24", cell="gru")
    button(test, "train").click().run()
    assert not test.exception
    assert [config.model.hidden_size for config in started] == [24]
    assert test.query_params["run"] == services.store().runs()[0].id
    assert {one.key for one in test.button} >= {"pause", "stop", "again"}


def test_a_second_press_within_a_moment_starts_no_second_run(started):
    test = page()
    button(test, "train").click().run()
    button(test, "train").click().run()
    assert len(started) == 1


@pytest.mark.parametrize("key", ["lstm", "vanishing", "exploding", "lstm-default", "lstm-chrono", "gru"])
def test_each_preset_starts_its_run_and_fills_the_form(started, key):
    test = page()
    button(test, f"train_{key}").click().run()
    assert not test.exception
    assert len(started) == 1
    flat = started[0].to_flat()
    assert {name: test.query_params[name] for name in flat} == flat


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        ("queued", {"pause", "stop", "again"}),
        ("running", {"pause", "stop", "again", "apply"}),
        ("paused", {"resume", "step", "stop"}),
        ("finished", {"again"}),
        ("stopped", {"requeue", "again"}),
        ("interrupted", {"requeue", "again"}),
        ("failed", {"requeue", "again"}),
        ("diverged", {"again"}),
    ],
)
def test_every_state_offers_what_can_be_done(started, state, buttons):
    run = services.store().create(RunConfig(), owner="without-cookie")
    services.store().set_state(run.id, state, "for a reason")
    test = page(run=run.id)
    assert not test.exception
    shown = {one.key for one in test.button if not one.disabled}
    assert buttons <= shown
    assert ("requeue" in shown) == (state in ("stopped", "interrupted", "failed"))


def test_a_run_of_someone_else_can_be_watched_only(started):
    run = services.store().create(RunConfig(), owner="someone")
    test = page(run=run.id)
    assert button(test, "stop").disabled
    assert button(test, "pause").disabled
    with pytest.raises(StoreError, match="belongs to someone else"):
        services.store().send(run.id, "stop", owner="without-cookie")


@pytest.mark.parametrize(
    "query",
    [
        {"run": "nosuch"},
        {"hidden_size": "-1"},
        {"lr": "nan", "cell": "transformer"},
        {"colour": "<script>"},
        {"at": "soon", "run": "x" * 500},
        {"corpus": "upload:0000"},
        {"gate_bias": "chrono", "cell": "rnn_tanh"},
        {"clip_norm": "off"},
    ],
)
def test_any_address_opens_the_page(started, query):
    test = page(**query)
    assert not test.exception
    if query != {"clip_norm": "off"}:
        assert [one.value for one in (*test.error, *test.warning)]


def test_a_setting_that_cannot_be_run_disables_train_and_says_why(started):
    test = page(hidden_size="4096", num_layers="4", batch_size="1024", sequence_length="1000")
    assert button(test, "train").disabled
    assert "memory" in test.error[0].value


def test_settings_outlive_a_refresh_through_the_address(started):
    first = page()
    next(one for one in first.number_input if one.key == "set_hidden_size").set_value(48).run()
    assert first.query_params["hidden_size"] == "48"
    again = page(hidden_size="48")
    assert next(one for one in again.number_input if one.key == "set_hidden_size").value == 48


def keys_of(test):
    groups = ("number_input", "selectbox", "text_input", "toggle", "slider", "button_group")
    return {one.key for group in groups for one in test.get(group)}


def test_the_form_has_every_setting(started):
    more = page(schedule="linear", feed_form="parallel", gate_bias="chrono"), page(feed="sample", epsilon="0.5")
    for kind in TASKS:
        test = page(task=kind)
        assert not test.exception
        assert not {f"set_{leaf}" for leaf in type(RunConfig.of(task=kind).task).model_fields if leaf != "kind"} - (
            keys_of(test)
        )
        more = (*more, test)
    found = set().union(*map(keys_of, more))
    assert not {f"set_{leaf}" for leaf in LEAVES} - found


@pytest.mark.parametrize("kind", [kind for kind in TASKS if kind != "text"])
def test_another_task_starts_with_its_own_settings_and_goes_into_the_address(started, kind):
    test = page(sequence_length="96")
    next(one for one in test.selectbox if one.key == "set_task").select(kind).run()
    assert not test.exception
    assert test.query_params["task"] == kind
    button(test, "train").click().run()
    assert [config.task for config in started] == [RunConfig.of(task=kind).task]
    assert not test.exception


def test_a_task_says_what_it_tests_and_what_knowing_nothing_is_worth(started):
    said = " ".join(one.value for one in page(task="delayed_recall", symbols="16").caption).replace("\\", "")
    assert "Memory alone" in said
    assert "4 bits per answer" in said
    assert "6.25%" in said


def test_a_test_shorter_than_the_training_is_refused_with_a_reason(started):
    test = page(task="parity", sequence_length="50", test_length="60")
    next(one for one in test.slider if one.key == "set_sequence_length").set_value(80).run()
    assert button(test, "train").disabled
    assert "must be >= sequence" in test.error[0].value.replace("\\", "")


def test_a_bad_value_of_a_task_costs_only_itself(started):
    test = page(task="delayed_recall", symbols="99", sequence_length="40")
    assert any("symbols must be <= 32" in one.value.replace("\\", "") for one in test.warning)
    assert next(one for one in test.slider if one.key == "set_sequence_length").value == 40


def test_a_store_that_cannot_be_opened_is_said_in_words(home, monkeypatch):
    (home / "folder").mkdir()
    monkeypatch.setenv("RNNCORE_STORE", f"sqlite:///{home / 'folder'}")
    test = page()
    assert not test.exception
    assert test.error


def test_sentences_show_as_they_stand():
    assert as_text("a_b *c* <d>") == r"a\_b \*c\* \<d\>"


def test_a_browser_gets_its_cookie_once_and_with_pages_only():
    import asyncio

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def cookies(accept, cookie=b""):
        sent = []

        async def send(message):
            sent.append(message)

        headers = [(b"accept", accept)] + ([(b"cookie", cookie)] if cookie else [])
        asyncio.run(OwnerCookie(app)({"type": "http", "headers": headers}, None, send))
        return [value for name, value in sent[0]["headers"] if name == b"set-cookie"]

    (given,) = cookies(b"text/html")
    assert b"HttpOnly" in given
    assert b"SameSite=Lax" in given
    assert cookies(b"text/html", f"{COOKIE}=abc".encode()) == []
    assert cookies(b"application/json") == []


def test_a_store_of_another_process_is_the_same_store(home):
    run = services.store().create(RunConfig())
    with RunStore() as other:
        assert other.get(run.id).id == run.id

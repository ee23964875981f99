"""Claims about the lecture's pages without a browser: texts that are whole, and a question before each experiment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.live.panels import EXPERIMENT_PANELS
from dashboard.widgets.lecture import text as texts
from dashboard.widgets.lecture.chapters import CHAPTERS
from rnncore.lecture import EXPERIMENTS
from rnncore.runs.experimenter import Experimenter
from rnncore.runs.experiments import Experiments

DASHBOARD = Path(__file__).parents[2] / "dashboard"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(ContextProxy, "cookies", {})  # AppTest's own stand-in is no mapping
    monkeypatch.setenv("RNNCORE_HOME", str(tmp_path))
    services.stop()
    yield tmp_path
    services.stop()


@pytest.fixture
def asked(monkeypatch):
    """Experiments that were asked for; no process is started."""
    names = []

    class Waiting:
        def expect_experiments(self):
            return

        def measure(self, name, settings, owner="", predicted=""):
            names.append((name, settings, predicted))
            return Experiments(services.store()).ask(name, settings, owner, predicted)

    monkeypatch.setattr(services, "launcher", Waiting)
    return names


@pytest.fixture(scope="module")
def short():
    """Settings of an experiment that takes a moment, and its records."""
    settings = {"steps": 300, "longest": 5}
    return settings, list(EXPERIMENTS["variable-length"].measure(settings))


def page(name="variable-length", **query):
    view = DASHBOARD / "views" / "lecture" / f"{name.replace('-', '_')}.py"
    test = AppTest.from_file(str(view), default_timeout=30)
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()


def button(test, key):
    return next(one for one in test.button if one.key == key)


def words(test):
    return " ".join(one.value for one in (*test.markdown, *test.caption, *test.warning, *test.info, *test.success))


@pytest.mark.parametrize("name", sorted(path.stem for path in texts.FOLDER.glob("*.md")))
def test_each_text_has_its_parts_and_no_number_that_nobody_measured(name):
    text = texts.read(name)
    assert text.title
    assert text.claim
    assert text.question
    assert text.try_this
    prose = re.sub(r"\$[^$]*\$", "", text.happened)
    assert not re.search(r"\d+\.\d+|\d+ ?%", prose), "a result that stands in the text"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_each_chapter_has_its_text_and_its_view(chapter):
    assert texts.read(chapter.name).title == chapter.title
    assert (DASHBOARD / chapter.view).exists()


def test_each_experiment_has_a_page():
    assert set(EXPERIMENTS) <= {chapter.name for chapter in CHAPTERS}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_question_comes_before_the_experiment(asked, name):
    test = page(name)
    assert not test.exception
    assert "The experiment comes after your answer" in words(test)
    assert not asked
    button(test, f"skip_{name}").click().run()
    assert not test.exception
    assert "The experiment comes after your answer" not in words(test)
    assert test.query_params["answer"] == "-"


def test_an_answer_is_kept_in_the_address_and_beside_the_experiment(asked):
    test = page(answer="padded")
    button(test, "run_experiment").click().run()
    (found,) = asked
    assert found == ("variable-length", {"longest": 20, "spare": 0, "steps": 1000, "seed": 1}, "padded")
    assert test.query_params["answer"] == "padded"
    assert Experiments(services.store()).get(test.query_params["exp"]).predicted == "padded"


@pytest.mark.parametrize(
    ("guess", "said"), [("shared", "As you expected"), ("padded", "You expected"), ("-", "Measured")]
)
def test_what_happened_is_held_against_what_was_expected(asked, short, guess, said):
    settings, records = short
    made = Experiments(services.store()).ask("variable-length", settings)
    Experimenter(services.store(), lambda name, values: iter(records)).next()
    test = page(answer=guess, exp=made.id)
    assert not test.exception
    record = Experiments(services.store()).record(made.id)
    assert record.answer == "shared"
    assert said in words(test)
    assert "{" not in re.sub(r"\$[^$]*\$", "", words(test))
    assert record.numbers["shared_parameters"].replace(",", "") in words(test).replace(",", "")
    assert next(one for one in test.slider if one.label == "Longest in training").value == 5  # as it was measured


def test_numbers_of_a_text_are_those_that_its_experiment_measures(asked):
    record = list(EXPERIMENTS["variable-length"].measure({"steps": 10, "longest": 2}))[-1]
    assert texts.read("variable-length").wanted <= record.numbers.keys()


def test_an_experiment_of_another_page_and_one_that_is_gone_are_refused_in_a_sentence(asked):
    other = Experiments(services.store()).ask("remember", {})
    for wanted, sentence in (
        (other.id, "names an experiment of another page"),
        ("nosuch", "is no longer kept, or never"),
    ):
        test = page(exp=wanted)
        assert not test.exception
        assert any(sentence in one.value for one in test.warning)
        assert "exp" not in test.query_params


def test_a_failed_experiment_says_why(asked):
    kept = Experiments(services.store())
    made = kept.ask("variable-length", {})
    kept.fail_job(made, "the disk is full; make room")
    test = page(exp=made.id)
    assert not test.exception
    assert "the disk is full; make room" in test.error[0].value.replace("\\", "")


def test_settings_that_changed_are_said_to_be_others_than_those_measured(asked):
    made = Experiments(services.store()).ask("variable-length", {})
    test = page(answer="-", exp=made.id)
    next(one for one in test.slider if one.label == "Steps").set_value(500).run()
    assert "The settings have changed" in words(test)
    button(test, "run_experiment").click().run()
    assert asked[-1][1]["steps"] == 500
    assert test.query_params["exp"] != made.id
    assert "The settings have changed" not in words(test)


def test_large_letters_stay_from_page_to_page_and_go_when_wished(asked):
    test = page(present="1")
    assert "Leave" in button(test, "present").label
    button(test, "present").click().run()
    assert "present" not in test.query_params
    assert button(test, "present").label == "Present"


def test_every_panel_of_an_experiment_is_of_an_experiment():
    for name, panel in EXPERIMENT_PANELS.items():
        assert "experiment" in panel.sources, name


def test_a_text_without_its_parts_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    (tmp_path / "odd.md").write_text("# Odd\n\nA claim.\n\n## Question\n\nWhat?\n\n- a: one\n", "utf-8")
    with pytest.raises(ValueError, match="must have a title and the parts Question, What happened, Try this"):
        texts.read("odd")
    (tmp_path / "few.md").write_text("# F\n\n## Question\n\n- a: one\n\n## What happened\n\n## Try this\n", "utf-8")
    with pytest.raises(ValueError, match="must offer two to four answers, got 1"):
        texts.read("few")

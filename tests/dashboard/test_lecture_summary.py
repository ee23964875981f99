"""Claims about the lecture's summary: it repeats what this reader measured, and counts what they had expected."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets.lecture.chapters import CHAPTERS, Chapter
from dashboard.widgets.lecture.frame import Outcome
from dashboard.widgets.lecture.overview import PARTS, Seen, in_total
from dashboard.widgets.lecture.text import read
from dashboard.widgets.shift_panels import STANDARD as HENON
from rnncore.lecture import EXPERIMENTS
from rnncore.runs.experimenter import Experimenter
from rnncore.runs.experiments import Experiments
from tests.dashboard.test_lecture_runs import SENTENCES, over, spoken
from tests.dashboard.test_pages import MAIN, home  # noqa: F401
from tests.figures.test_distributional_shift import shift

VIEW = "views/lecture/summary.py"
MINE = "without-cookie"


def page():
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    test.run()
    test.switch_page(VIEW).run()
    assert not test.exception
    return test


def words(test):
    return " ".join(one.value for one in (*test.markdown, *test.caption, *test.info)).replace("\\", "")


def seen(name, answer, predicted):
    return Seen(Chapter(name), None if answer is None else Outcome(answer, {}, "a number"), predicted)


def mine(config, *records):
    run = services.store().create(config, owner=MINE)
    for record in records:
        services.store().put(run.id, record)
    services.store().set_state(run.id, "finished")


def test_every_page_has_its_place_in_one_part_of_the_map():
    placed = [name for names in PARTS.values() for name in names]
    assert len(placed) == len(set(placed))
    assert {chapter.name for chapter in CHAPTERS} - {"summary"} <= set(placed)
    assert all((Path(MAIN).parent / chapter.view).exists() for chapter in CHAPTERS)


def test_before_anything_is_measured_the_map_says_what_to_do():
    said = words(page())
    assert "Nothing has been measured yet. Open a page" in said
    assert said.count("Not measured yet") == len(CHAPTERS) - 1


def test_each_page_s_number_is_the_one_of_this_reader_and_stands_beside_what_they_expected():
    mine(SENTENCES, *spoken())
    mine(HENON, shift(slope=0.43))
    over(HENON, shift(slope=0.9))  # of somebody else, and newer
    kept = Experiments(services.store())
    kept.ask("variable-length", {"steps": 300, "longest": 5}, MINE, "padded")
    Experimenter(services.store(), lambda name, values: EXPERIMENTS[name].measure(values)).next()
    record = kept.record(kept.newest(MINE)["variable-length"].id)
    kept.expect("structured-prediction", MINE, "rarely")
    kept.expect("distributional-shift", MINE, "stays")
    kept.expect("distributional-shift", MINE, "faster")  # the last word counts
    kept.expect("distributional-shift", "somebody else", "slower")
    said = words(page())
    assert "1.7% sentences word by word, 99% fed back" in said
    assert "Error grows 1.54 times a step" in said
    assert record.proof[1:] in said
    assert said.count("As you expected") == 1
    assert f"You expected: {read('distributional-shift').answers['faster']}" in said
    assert f"You expected: {read('variable-length').answers['padded']}" in said


def test_an_answer_on_a_page_about_runs_outlives_the_visit_and_asks_for_no_experiment():
    test = AppTest.from_file(str(MAIN), default_timeout=30).run()
    test.switch_page("views/lecture/structured_prediction.py").run()
    (pills,) = (one for one in test.button_group if one.key == "answer_structured-prediction")
    pills.set_value("half").run()
    assert not test.exception
    kept = Experiments(services.store())
    assert kept.expected(MINE) == {"structured-prediction": "half"}
    assert not kept.any_open()
    assert kept.newest(MINE) == {}


def test_expectations_are_counted_where_an_answer_came_true():
    right, wrong = seen("variable-length", "shared", "shared"), seen("variable-length", "shared", "padded")
    passed, open_ = seen("variable-length", "shared", "-"), seen("variable-length", None, "shared")
    undecided = seen("variable-length", "", "shared")
    assert in_total([passed, open_, undecided]) is None
    for pages, answer in (
        ([right], "all"),
        ([right, right, wrong], "most"),
        ([right, wrong], "some"),
        ([wrong], "none"),
    ):
        assert in_total([*pages, passed, open_, undecided]).answer == answer
    numbers = in_total([right, wrong, passed, open_]).numbers
    assert {name: numbers[name] for name in ("seen", "pages", "predicted", "right")} == {
        "seen": "3", "pages": "4", "predicted": "2", "right": "1",
    }  # fmt: skip
    assert numbers["surprises"] == "What came out otherwise: Variable-size input."
    assert set(numbers) == read("summary").wanted
    assert set(read("summary").answers) == {"all", "most", "some", "none"}

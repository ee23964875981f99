"""Claims about From nonsense to prose: the fall of the loss decides the moment, the words written then the answer."""

import math

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets.lecture.prose import STANDARD, fallen_at, how_far, panels, prose
from dashboard.widgets.lecture.text import read
from rnncore.config import RunConfig
from rnncore.records import Sample
from tests.dashboard.test_lecture_runs import over
from tests.dashboard.test_pages import MAIN, button, home, started  # noqa: F401
from tests.figures.test_figures import train
from tests.figures.test_sample_quality import levels, quality

STEPS = 1000
FALL = 7 * 0.5 ** (np.arange(STEPS) / 50)  # halves every 50 steps: a tenth is left after 50·log2(10) = 166


def page(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.session_state["lecture_answer_from-nonsense-to-prose"] = "words"
    test.run()
    test.switch_page("views/lecture/from_nonsense_to_prose.py").run()
    assert not test.exception
    return test


def sample(step, text):
    return Sample(step=step, primer="It", text=text, temperature=0.8, seed=1)


def trained(*records, loss=FALL, state="finished", config=STANDARD):
    run = over(config, *records, state=state)
    services.store().append(run.id, "train", train(steps=len(loss)) | {"loss": loss})
    return services.store().get(run.id)


def test_nine_tenths_of_the_fall_are_done_where_a_tenth_of_it_is_left():
    assert fallen_at(FALL) == pytest.approx(50 * math.log2(10) + 10, abs=3)  # the mean runs over the last 20 steps
    assert fallen_at(FALL + 100) == fallen_at(FALL)  # the fall counts, not the level
    assert fallen_at(np.array([3.0])) is None
    assert fallen_at(np.linspace(1, 2, 50)) is None
    assert fallen_at(np.array([3.0, math.nan, 1.0])) is None
    assert fallen_at(np.empty(0)) is None


@pytest.mark.parametrize(
    ("then", "late", "answer"),
    [(0.4, 0.9, "nonsense"), (0.5, 0.9, "words"), (0.84, 0.9, "words"), (0.86, 0.9, "end"), (0.3, 0.3, "end"),
     (math.nan, 0.9, ""), (0.5, math.nan, "")],
)  # fmt: skip
def test_the_share_of_words_then_and_at_the_end_decides_the_answer(then, late, answer):
    assert how_far(then, late) == answer
    assert answer in {"", *read("from-nonsense-to-prose").answers}


def test_what_happened_is_told_from_the_moment_that_the_loss_decides():
    run = trained(
        levels(), quality(20, (0.3,)), quality(170, (0.7,)), quality(990, (0.9,)),
        sample(100, "teh cta\nst"), sample(900, "the cat sat"),
    )  # fmt: skip
    found = prose([run])
    assert found.answer == "words"
    numbers = found.numbers
    assert set(numbers) == read("from-nonsense-to-prose").wanted
    assert abs(int(numbers["fallen"]) - 176) <= 3
    assert (numbers["near"], numbers["words"], numbers["late"]) == ("170", "70%", "90%")
    assert (numbers["held_out"], numbers["noise"]) == ("95%", "10%")
    assert (numbers["then_written"], numbers["late_written"]) == ("teh cta↵st", "the cat sat")
    assert numbers["chance"] == f"{7 / math.log(2):.2f}"


def test_a_run_that_tells_nothing_yet_is_not_told_of():
    assert prose([]) is None
    assert prose([trained(levels())]) is None
    assert prose([trained(quality(20), state="running")]) is None
    assert prose([trained(quality(20), loss=np.array([3.0]))]) is None
    assert prose([over(RunConfig.of(task="adding"))]) is None
    unknown = prose([trained(quality(20, (0.3,)))])  # no levels, no samples
    assert unknown.numbers["held_out"] == "an unknown share"


def test_train_starts_the_short_run_and_the_page_shows_it_alone(started):  # noqa: F811
    test = page()
    assert any("press" in one.value.lower() for one in test.info)
    test.slider(key="prose_steps").set_value(400).run()
    test.number_input(key="prose_seed").set_value(5).run()
    button(test, "train_prose").click().run()
    assert not test.exception
    assert started == [STANDARD.changed(steps=400, seed=5)]
    services.store().create(STANDARD, owner="without-cookie")
    again = page(run=test.query_params["run"])
    assert again.slider(key="prose_steps").value == 400
    (choice,) = (one for one in again.selectbox if one.key == "prose_closer")
    assert len(choice.options) == 2  # the other is offered, not shown


@pytest.mark.usefixtures("started")
def test_settings_outside_of_the_slider_are_brought_inside():
    run = services.store().create(STANDARD.changed(steps=100_000), owner="without-cookie")
    assert page(run=run.id).slider(key="prose_steps").value == 4000


def test_its_cards_are_those_of_one_run():
    cards = {one.id: one for one in panels([over(STANDARD)])}
    assert {"film", "loss", "first", "second", "quality"} <= cards.keys()
    assert STANDARD.task.corpus == "python-reference"  # comes with every Python, no download

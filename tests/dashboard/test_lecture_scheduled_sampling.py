"""Claims about the lecture's Scheduled sampling: three runs at a press, side by side, and what is left of each."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.source import Source
from dashboard.widgets.lecture import runs
from dashboard.widgets.lecture.schedules import configs, panels
from dashboard.widgets.lecture.text import read
from dashboard.widgets.structured_prediction import STANDARD
from rnncore.lecture.structured_prediction import LECTURE, Optimum, grow, optimal_valid_share
from tests.dashboard.test_lecture_runs import over
from tests.dashboard.test_pages import MAIN, button, home, started  # noqa: F401
from tests.figures.test_figures import train
from tests.figures.test_structured_prediction import said

MINE = "without-cookie"
FORCED, LINE, FALLING = configs(0.5, 1)


def page(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.session_state["lecture_answer_lecture-scheduled-sampling"] = "rarely"
    test.run()
    test.switch_page("views/lecture/lecture_scheduled_sampling.py").run()
    assert not test.exception
    return test


def trained(config, *points):
    return over(config, *(said(step=step, epsilon=epsilon, valid=valid) for step, epsilon, valid in points))


def all_three(falling=0.02):
    return [
        trained(FALLING, (1, 0.98, 0.0), (112, 0.94, 0.9), (600, 0.014, falling)),
        trained(LINE, (1, 1.0, 0.0), (600, 0.5, 0.49)),
        trained(FORCED, (1, 1.0, 0.0), (600, 1.0, 0.996)),
    ]


def test_the_three_differ_in_nothing_but_their_schedule():
    steps = STANDARD.training.steps
    assert len({one.model_copy(update={"scheduled_sampling": None}) for one in (FORCED, LINE, FALLING)}) == 1
    assert FORCED.scheduled_sampling.teacher_forcing
    line, falling = LINE.scheduled_sampling, FALLING.scheduled_sampling
    assert line.epsilon_at([0, 225, 450, 599]).tolist() == pytest.approx([1, 0.75, 0.5, 0.5])
    assert falling.epsilon_at(steps / 2) == pytest.approx(0.5, abs=1e-4)
    assert falling.epsilon_at(steps - 1) < 0.02
    for floor in (0.0, 1.0):  # the slider's ends
        assert configs(floor, 0)[1].scheduled_sampling.epsilon_at(599) == floor


def test_one_press_trains_all_three_with_the_chosen_floor_and_seed(started):  # noqa: F811
    test = page()
    assert any("Train all three" in one.value for one in test.info)
    test.slider(key="schedules_floor").set_value(0.75).run()
    test.number_input(key="schedules_seed").set_value(4).run()
    button(test, "train_schedules").click().run()
    assert not test.exception
    assert started == configs(0.75, 4)
    (choice,) = (one for one in test.selectbox if one.key == "schedules_closer")
    assert len(choice.options) == 3
    assert services.store().get(choice.value).config == FALLING.changed(seed=4)
    again = page(run=test.query_params["run"])  # from a link: the settings are those of its runs
    assert again.slider(key="schedules_floor").value == 0.75
    assert again.number_input(key="schedules_seed").value == 4


@pytest.mark.usefixtures("started")
def test_runs_of_other_constants_and_of_other_seeds_are_left_to_their_pages():
    create = services.store().create
    create(STANDARD.changed(epsilon=0.3), owner=MINE)
    assert any("Train all three" in one.value for one in page().info)
    for config in configs(0.5, 1):
        create(config, owner=MINE)
    create(configs(0.5, 2)[0], owner=MINE)
    (choice,) = (one for one in page().selectbox if one.key == "schedules_closer")
    assert len(choice.options) == 3


@pytest.mark.parametrize(("left", "answer"), [(0.02, "rarely"), (0.5, "half"), (0.99, "same")])
def test_what_is_left_beside_teacher_forcing_decides_the_answer(left, answer):
    found = runs.schedules(all_three(falling=left))
    assert found.answer == answer
    assert set(found.numbers) == read("lecture-scheduled-sampling").wanted


def test_what_happened_is_told_in_the_runs_own_numbers():
    numbers = runs.schedules(all_three()).numbers
    assert numbers["falling"] == "2.0%"
    assert numbers["forced"] == "99.6%"
    assert (numbers["best"], numbers["best_step"], numbers["best_epsilon"]) == ("90%", "112", "0.94")
    assert numbers["optimum"] == f"{100 * optimal_valid_share(0.014):.1f}%"
    assert numbers["line"] == "The straight line, at ε 0.5: 49%, where the optimum is 50%."


def test_without_teacher_forcing_of_the_same_seed_there_is_nothing_to_compare():
    falling, line, _ = all_three()
    other = trained(configs(0.5, 2)[0], (600, 1.0, 0.996))
    assert runs.schedules([falling, line, other]) is None
    assert runs.schedules([line, other]) is None
    forced = trained(FORCED, (600, 1.0, 0.996))
    assert runs.schedules([falling, forced]).numbers["line"] == ""


def test_every_card_is_drawn_and_follows_the_moment():
    there = all_three()
    for run in there:
        services.store().append(run.id, "train", train(steps=600))
        services.store().put(run.id, replace(grow(Optimum(LECTURE, 0.5), LECTURE), step=600))
    source = Source(services.store)
    watched = [source.run(run.id, {"sentence_shares", "word_tree"}) for run in there]

    def built(panel, at=None):
        return PANELS[panel.name].build(Scene(source, watched, at, Look(), dict(panel.params)))

    cards = {panel.id: panel for panel in panels(there)}
    for panel in cards.values():
        assert built(panel)
    assert [len(trace["x"]) for trace in built(cards["path"])["figure"]["data"][1:]] == [3, 2, 2]
    assert [len(trace["x"]) for trace in built(cards["path"], at=112)["figure"]["data"][1:]] == [2, 1, 1]
    rows = built(cards["metrics"])["metrics"]
    assert [row["label"] for row in rows] == ["ε inverse sigmoid", "ε linear", "teacher forcing"]
    best = next(item for item in rows[0]["items"] if item["label"] == "Best so far")
    assert (best["value"], best["unit"]) == ("0.900", "at step 112, ε 0.94")
    early = built(cards["metrics"], at=1)["metrics"][0]["items"]
    assert next(item for item in early if item["label"] == "Step")["value"] == "1"

"""Claims about Distributional shift: its settings start the right runs, its cards fit them and say what they show."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.source import Source
from dashboard.widgets.shift_panels import STANDARD, STARTS, panels
from rnncore.config import RunConfig
from rnncore.diagnostics.distributional_shift import SHOWN_STARTS
from rnncore.records import DistributionalShift
from rnncore.runs.store import RunStore
from tests.dashboard.test_pages import button, home, started  # noqa: F401
from tests.figures.test_distributional_shift import shift, unfitted

VIEW = Path(__file__).parents[2] / "dashboard" / "views" / "lecture" / "distributional_shift.py"
MAIN = VIEW.parents[2] / "main.py"


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def filled(store, *records, **settings):
    run = store.create(STANDARD.changed(**settings))
    for record in records:
        store.put(run.id, record)
    return store.get(run.id)


def built(store, runs, name, at=None, **params):
    source = Source(lambda: store)
    watched = [source.run(run.id, {DistributionalShift.kind}) for run in runs]
    return PANELS[name].build(Scene(source, watched, at, Look(), params))


def page(**query):
    test = AppTest.from_file(str(MAIN), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.session_state["lecture_answer_distributional-shift"] = "-"  # the question comes first
    test.run()
    return test.switch_page("views/lecture/distributional_shift.py").run()


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("records", [(), (shift(step=1), shift(step=2)), (unfitted(),)])
def test_every_card_is_drawn_for_one_run_and_for_two(store, count, records):
    runs = [filled(store, *records, epsilon=1 - 0.25 * n) for n in range(count)]
    cards = panels(runs)
    assert len({card.id for card in cards}) == len(cards) <= 24
    for card in cards:
        made = built(store, runs, card.name, **card.params)
        if "figure" in made:
            layout = made["figure"]["layout"]
            assert made["figure"]["data"] or layout["annotations"][0]["text"], card.id
        else:
            rows = made.get("metrics", made.get("verdicts"))
            assert len(rows) == count


def test_the_numbers_are_the_record_s_and_stand_beside_the_map_s_own(store):
    run = filled(store, shift(step=9))
    items = {item["label"]: item["value"] for item in built(store, [run], "shift_numbers")["metrics"][0]["items"]}
    assert items["Measured at step"] == "9"
    assert items["Growth of the error"] == "0.430 ± 0.020"
    assert items["The map itself"] == "0.419"
    assert items["Drifts off after"].startswith("10.0 ± 0.")
    assert items["Off the attractor"] == "1.6%"


def test_two_runs_have_their_own_rows_lines_and_histories(store):
    runs = [filled(store, shift(slope=0.43, drift=10)), filled(store, shift(slope=0.46, drift=20), epsilon=0.5)]
    rows = built(store, runs, "shift_numbers")["metrics"]
    grown = [next(item["value"] for item in row["items"] if item["label"] == "Growth of the error") for row in rows]
    assert grown == ["0.430 ± 0.020", "0.460 ± 0.020"]
    assert [row["label"] for row in rows] == ["GRU · 32", "GRU · 32 · ε 0.5"]
    drawn = built(store, runs, "shift_drift")["figure"]["data"]
    assert [list(trace["y"]) for trace in drawn if trace.get("name")] == [[10], [20]]


def test_every_card_goes_back_in_time(store):
    run = filled(store, shift(step=10, slope=0.5), shift(step=20, slope=0.43))
    for at, value in ((10, "0.500"), (15, "0.500"), (20, "0.430"), (None, "0.430")):
        items = built(store, [run], "shift_numbers", at)["metrics"][0]["items"]
        assert next(item["value"] for item in items if item["label"] == "Growth of the error").startswith(value)
        assert value in built(store, [run], "shift_growth", at)["figure"]["layout"]["meta"]["caption"]


def test_what_a_run_is_doing_and_why_it_ended_is_said(store):
    run = filled(store)
    assert [item["code"] for item in built(store, [run], "shift_state")["verdicts"][0]["items"]] == ["queued"]
    store.set_state(run.id, "failed", "the machine has no memory left")
    store.put(run.id, unfitted())
    items = built(store, [run], "shift_state")["verdicts"][0]["items"]
    assert [item["text"] for item in items] == [
        "Failed: the machine has no memory left",
        "The mean error passes a tenth of the attractor's size at step 2",
    ]


def test_the_choice_offers_every_start_that_a_record_keeps():
    assert STARTS == SHOWN_STARTS


def test_the_first_visit_says_what_to_do_and_train_starts_teacher_forcing(started):  # noqa: F811
    test = page()
    assert not test.exception
    assert any("Press **Train**" in one.value for one in test.info)
    button(test, "train_shift").click().run()
    assert not test.exception
    assert started == [STANDARD]
    assert test.query_params["run"] == services.store().runs()[0].id


def test_the_switch_trains_the_same_with_scheduled_sampling_and_puts_both_beside_each_other(started):  # noqa: F811
    test = page()
    button(test, "train_shift").click().run()
    test.toggle(key="shift_on").set_value(True).run()
    test.slider(key="shift_epsilon").set_value(0.5).run()
    button(test, "train_shift").click().run()
    assert not test.exception
    assert started == [STANDARD, STANDARD.changed(epsilon=0.5)]
    newest, first = services.store().runs()
    assert (test.query_params["run"], test.query_params["vs"]) == (newest.id, first.id)


def test_after_a_reload_the_settings_are_those_of_the_run_in_view(started):  # noqa: F811
    run = services.store().create(STANDARD.changed(cell="lstm", epsilon=0.4, seed=7))
    test = page(run=run.id)
    assert not test.exception
    assert (test.toggle(key="shift_on").value, test.slider(key="shift_epsilon").value) == (True, 0.4)
    assert test.number_input(key="shift_seed").value == 7
    button(test, "train_shift").click().run()
    assert started == [run.config]


def test_a_run_that_learns_something_else_is_named_and_not_put_beside(started):  # noqa: F811
    run = services.store().create(RunConfig.of(name="*my* text"))
    test = page(run=run.id)
    assert not test.exception
    assert any("\\*my\\* text does not learn the Hénon map" in one.value for one in test.info)
    button(test, "train_shift").click().run()
    assert "vs" not in test.query_params

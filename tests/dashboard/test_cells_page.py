"""Claims about the catalogue of cells: what a fold says, and in which races its cell won."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets import cells
from rnncore.cells import CELLS
from rnncore.comparison import Race
from rnncore.config import CELL_LABELS
from rnncore.records import Cells
from rnncore.runs.experiments import Experiments
from rnncore.runs.races import Races
from tests.comparison.test_won import APART, race, raced
from tests.dashboard.test_lecture_pages import DASHBOARD, asked, home, page, words  # noqa: F401

pytestmark = pytest.mark.usefixtures("asked")


def opened(*names, **query):
    """The page after the question, with some folds open."""
    test = AppTest.from_file(str(DASHBOARD / "views" / "lecture" / "cells.py"), default_timeout=30)
    for key, value in {"answer": "-", **query}.items():
        test.query_params[key] = value
    for name in names:
        test.session_state[f"cell_{name}"] = True
    test.run()
    assert not test.exception
    return test


def drawings(test):
    return [one.proto.spec for one in test.get("plotly_chart")]


def measured(reached=3):
    """A measurement in the store that has come to so many cells, and its id."""
    names = ("rnn_tanh", "lstm", "gru", "lru")
    factors = np.array([0.5, 0.625, 0.75, 0.99])
    factors[reached:] = np.nan
    times = np.array([[1.0], [2.0], [3.0], [8.0]]) if reached == len(names) else np.full((4, 1), np.nan)
    record = Cells(
        share=1.0, cells=names, parameters=np.ones(4), norms=np.ones((4, 20)), factors=factors, milliseconds=times,
        length=20, hidden_size=16, batch=4,
    )  # fmt: skip
    kept = Experiments(services.store())
    info = kept.ask("cells", {})
    kept.finish(kept.take("1:0", "here"), record)
    return info.id


def test_the_catalogue_comes_after_the_question():
    assert not page("cells").expander
    titles = [one.label.split("**")[1] for one in opened().expander]
    assert titles == [CELL_LABELS[name] for name in CELLS]


def test_a_closed_fold_costs_nothing_and_an_open_one_has_drawing_equations_and_source():
    assert not drawings(opened())
    test = opened("slstm")
    (drawn,) = drawings(test)
    assert "forget" in drawn
    assert [one.value.strip("$\n") for one in test.latex] == [CELLS["slstm"].about.tex]
    assert CELLS["slstm"].about.source in words(test)
    assert "parameters with 64 units" in words(test)


def test_a_fold_quotes_the_measurement_in_view_with_its_sizes():
    test = opened("lru", "lstm", exp=measured(reached=4))
    said = words(test)
    assert "factor of **0.99** per step" in said
    assert "**8 ms**, 4 times the fused LSTM (H = 16, T = 20, B = 4)" in said
    assert "**2 ms** (H = 16" in said


def test_a_fold_says_what_was_not_measured_and_why():
    said = words(opened("lru", "conv_lstm", "tcn"))
    assert "press **Run** above" in said
    assert "it reads pictures alone" in said
    assert "it hands no state on" in said
    assert "has not come to this cell" in words(opened("lru", exp=measured(reached=3)))


def test_without_a_measurement_in_view_the_reader_s_newest_is_quoted(monkeypatch):
    measured(reached=4)
    monkeypatch.setattr(cells, "owner", str)
    assert "factor of **0.99** per step" in words(opened("lru"))


def test_without_a_race_the_page_says_where_to_start_one():
    test = opened("gru")
    assert "No race between cells is over yet" in words(test)
    assert "[Compare](compare)" in words(test)
    assert "none that it was in is over yet" in words(test)


def test_a_fold_has_its_cell_s_races_with_score_place_and_link():
    info = raced(services.store(), race(), APART)
    test = opened("gru", "lstm", "lru")
    said = words(test).replace("\\", "").replace("\u00a0", " ")
    assert "Ahead of all others: GRU in 1." in said
    assert f"| [which](compare?race={info.id}) | accuracy | 0.947 [0.900, 0.990] | GRU: **ahead, next LSTM** |" in said
    assert "| 0.600 [0.500, 0.700] | LSTM: behind GRU |" in said
    assert "none that it was in is over yet" in said  # of the LRU
    assert len(drawings(test)) == 1 + 3  # the map, and a drawing in each fold


def test_a_race_between_settings_of_one_cell_says_nothing_about_cells():
    alone = Race.of("lr", race().base | {"cell": "lstm"}, [{"lr": 0.1}, {"lr": 0.2}])
    raced(services.store(), alone, APART[:2])
    assert "No race between cells is over yet" in words(opened("lstm"))


def test_each_race_is_judged_once_until_one_of_its_runs_changes(monkeypatch):
    judged = []
    real = cells.won.result
    monkeypatch.setattr(cells.won, "result", lambda store, info: judged.append(info.id) or real(store, info))
    first = raced(services.store(), race(), APART)
    second = raced(services.store(), race(), APART)
    assert [one.race for one in cells.won.results()] == [second.id, first.id]
    cells.won.results()
    assert sorted(judged) == sorted([first.id, second.id])
    services.store().delete(first.runs[0].id)
    (_, changed) = cells.won.results()
    assert judged[2:] == [first.id]
    assert {one.place for one in changed.entries} == {"unnamed"}
    Races(services.store()).delete(first.id)
    assert [one.race for one in cells.won.results()] == [second.id]


def test_a_race_that_cannot_be_read_is_counted_and_breaks_nothing():
    made = raced(services.store(), race(), APART)
    Races(services.store()).create("odd", "{}", race().runs())
    for run in services.store().runs():
        if run.race != made.id:
            services.store().set_state(run.id, "finished")
    test = opened()
    assert "cannot read are left out here: 1" in words(test)
    assert "1 race between cells is over" in words(test)

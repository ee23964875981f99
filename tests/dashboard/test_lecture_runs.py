"""Claims about the lecture's pages on runs: what happened is decided by what the runs measured, and by nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dashboard import services
from dashboard.widgets.lecture import runs
from dashboard.widgets.lecture.text import read
from dashboard.widgets.shift_panels import STANDARD as HENON
from dashboard.widgets.structured_prediction import STANDARD as SENTENCES
from rnncore.lecture.structured_prediction import LECTURE, Optimum, grow, valid_share
from tests.dashboard.test_pages import home  # noqa: F401
from tests.figures.test_distributional_shift import shift, unfitted
from tests.figures.test_structured_prediction import said


def over(config, *records, state="finished"):
    run = services.store().create(config)
    for record in records:
        services.store().put(run.id, record)
    services.store().set_state(run.id, state)
    return services.store().get(run.id)


def spoken(epsilon=1.0, valid=0.99):
    return said(step=600, epsilon=epsilon, valid=valid), replace(grow(Optimum(LECTURE, epsilon), LECTURE), step=600)


def test_words_drawn_each_by_itself_make_a_sentence_as_often_as_enumeration_says():
    for epsilon in (0.0, 1.0):  # both have the language's own shares at each place
        tree = grow(Optimum(LECTURE, epsilon), LECTURE)
        assert runs.said_alone(tree.marginals) == pytest.approx(0.017056, abs=1e-9)
    sure = np.zeros((8, len(LECTURE.words)))
    sure[np.arange(8), LECTURE.texts[1]] = 1
    assert runs.said_alone(sure) == 1


def test_the_sentences_page_tells_the_network_s_own_shares_beside_the_exact_ones():
    found = runs.sentences([over(SENTENCES, *spoken())])
    assert found.answer == "rarely"
    assert found.numbers["independent"] == found.numbers["independent_exact"] == "1.7%"
    assert found.numbers["nonsense"] == "88%"
    assert found.numbers["measured"] == "99%"
    assert found.numbers["near"] == "it is there"
    assert found.numbers["likeliest"] == "I am not just a"
    assert read("structured-prediction").wanted == set(found.numbers)
    assert "1.7%" in found.proof


def test_a_network_that_is_not_where_theory_has_it_is_said_to_be_away_from_it():
    found = runs.sentences([over(SENTENCES.changed(epsilon=0.5), *spoken(0.5, valid=0.4))])
    assert found.numbers["exact"] == f"{100 * valid_share(Optimum(LECTURE, 0.5), LECTURE):.0f}%" == "50%"
    assert found.numbers["near"] == "it is 0.10 away from it"


def test_another_network_may_make_another_answer_come_true():
    shares, tree = spoken()
    one = replace(
        tree, parent=np.arange(-1, 7), level=np.arange(1, 9), word=LECTURE.texts[1], probability=np.ones(8),
        valid=np.ones(8, bool), ended=np.arange(8) >= 4,
    )  # fmt: skip
    assert runs.sentences([over(SENTENCES, shares, one)]).answer == "always"


def test_a_run_that_is_not_over_or_has_measured_nothing_tells_nothing():
    assert runs.sentences([]) is None
    assert runs.sentences([over(SENTENCES)]) is None
    assert runs.sentences([over(SENTENCES, *spoken(), state="running")]) is None
    assert runs.shift([over(SENTENCES, *spoken())]) is None
    assert runs.shift([over(HENON)]) is None


@pytest.mark.parametrize(
    ("slope", "answer"), [(0.05, "stays"), (0.3, "slower"), (0.4, "map"), (0.446, "map"), (0.6, "faster")]
)
def test_how_fast_the_error_grows_decides_the_answer(slope, answer):
    found = runs.shift([over(HENON, shift(slope=slope))])
    assert found.answer == answer
    assert found.numbers["growth"] == f"{math.exp(slope):.2f}"
    assert found.numbers["beside"] == ""
    assert read("distributional-shift").wanted == set(found.numbers)


def test_where_no_rate_can_be_fitted_no_answer_comes_true_and_the_text_says_why():
    record = unfitted()
    found = runs.shift([over(HENON, record)])
    assert found.answer == ""
    assert record.note in found.numbers["slope"]
    assert "nan" not in " ".join(found.numbers.values())
    assert found.proof == record.note


def test_two_runs_are_held_against_each_other_start_by_start():
    later, sooner = shift(drift=20), shift(drift=10)
    pair = [over(HENON, later), over(HENON.changed(epsilon=0.5), sooner)]
    assert runs.shift(pair).numbers["beside"].startswith(", 10.0 ± ")
    assert "later than GRU · 32 · ε 0.5 beside it" in runs.shift(pair).numbers["beside"]
    assert "earlier than GRU · 32 beside it" in runs.shift(pair[::-1]).numbers["beside"]

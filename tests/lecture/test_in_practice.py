"""Claims about In practice: runs in turns are the library's own runs, and what they come to decides the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnncore.lecture import experiment
from rnncore.lecture.in_practice import CELLS, RATES, InPracticeSettings, adding, parity
from rnncore.lecture.measured.in_turns import Runner
from rnncore.records import InPractice, Record
from rnncore.training import events, train
from tests.lecture.same import same

SMALL = {"steps": 20, "length": 4}


@pytest.fixture(scope="module")
def small():
    record = experiment("in-practice", **SMALL)
    assert isinstance(record, InPractice)
    return record


def test_a_run_in_turns_is_bit_for_bit_the_run_that_train_makes():
    config = adding("gru", 0.01, InPracticeSettings(**SMALL))
    alone = [one for one in train(config) if isinstance(one, (events.Step, events.Scored))]
    run = Runner(config)
    for _ in range(4):
        run.advance(5)
    losses = [one.loss for one in alone if isinstance(one, events.Step)]
    np.testing.assert_allclose(run.losses, np.reshape(losses, (4, 5)).mean(1), rtol=1e-12)
    assert run.score() == [one for one in alone if isinstance(one, events.Scored)][-1].score
    assert run.over


def test_the_fifteen_differ_in_cell_and_rate_alone():
    settings = InPracticeSettings(forget_bias=1.0, clipping=False)
    configs = [adding(cell, rate, settings) for cell in CELLS for rate in RATES]
    assert len(set(configs)) == 15
    assert {config.training.lr for config in configs} == set(RATES)
    assert {config.training.clip_norm for config in configs} == {None}
    assert {config.model.gate_bias for config in configs if config.model.cell == "lstm"} == {1.0}
    assert {config.model.gate_bias for config in configs if config.model.cell != "lstm"} == {"default"}
    assert adding("lstm", 0.01, InPracticeSettings()).model.gate_bias == "default"
    assert parity("gru", InPracticeSettings()).training.steps == 1000


def test_the_lstm_s_solved_rates_decide_the_answer(small):
    for solved, answer in ((0, "none"), (1, "few"), (2, "few"), (3, "most"), (4, "most"), (5, "all")):
        scores = np.full((3, 5), 0.15)
        scores[1, :solved] = 0.009
        found = replace(small, scores=scores)
        assert found.answer == answer
        assert found.numbers["lstm_solved"] == str(solved)
    assert replace(small, share=0.5).answer == ""


def test_a_run_that_diverged_has_solved_nothing_and_is_told_in_words(small):
    scores, right = small.scores.copy(), small.parity_right.copy()
    scores[0], right[0] = np.nan, np.nan
    found = replace(small, scores=scores, parity_right=right)
    assert not found.solved[0].any()
    assert found.numbers["rnn_best"] == "no number at all"
    assert found.numbers["rnn_longer"] == "no answer"
    assert "nan" not in " ".join(found.numbers.values())


def test_a_runner_whose_loss_is_no_number_stops_and_says_so(monkeypatch):
    run = Runner(adding("rnn_tanh", 0.1, InPracticeSettings(**SMALL)))
    run.advance(5)
    monkeypatch.setattr(run.trainer, "advance", lambda: None)
    run.advance(5)
    assert run.diverged
    assert run.over
    assert np.isnan(run.losses[-1])
    assert np.isnan(run.score())
    assert np.isnan(run.score_longer())


def test_short_rows_are_learned_by_a_gru_and_the_record_survives_the_store(small):
    assert small.curves.shape == (3, 5, 20)
    assert small.floor == pytest.approx(1 / 6)
    found = experiment("in-practice", steps=100, length=4)
    assert isinstance(found, InPractice)
    gru = found.scores[2]
    assert gru.min() < 0.01  # one of the five rates does
    assert gru[0] > 10 * gru.min()  # and another does not
    assert Record.from_bytes(found.to_bytes()).proof == found.proof
    assert len(found.frame()) == 15


def test_the_same_seed_gives_the_same_numbers(small):
    again = experiment("in-practice", **SMALL)
    assert same(small, again)
    other = experiment("in-practice", **SMALL, seed=2)
    assert isinstance(other, InPractice)
    assert not np.array_equal(other.scores, small.scores)

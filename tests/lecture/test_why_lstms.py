"""Claims about Why do LSTMs train better: the same race as on Compare, and its wins decide the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnncore.comparison import race_preset
from rnncore.lecture import experiment
from rnncore.lecture.measured.why_lstms import Racer
from rnncore.lecture.why_lstms import CONTENDERS, SEEDS, WhyLstmsSettings, configuration
from rnncore.records import Record, WhyLstms
from tests.lecture.same import same

SMALL = {"steps": 20, "length": 3}


@pytest.fixture(scope="module")
def small():
    record = experiment("why-lstms", **SMALL)
    assert isinstance(record, WhyLstms)
    return record


def test_it_is_the_race_of_compare():
    preset = race_preset("delayed-recall")
    assert preset is not None
    theirs = [run.model_copy(update={"name": "", "watch": None}) for _, run in preset.race.runs()]
    ours = [
        configuration(one, number, WhyLstmsSettings()).model_copy(update={"name": "", "watch": None})
        for one in CONTENDERS
        for number in range(SEEDS)
    ]
    assert {run.model_dump_json() for run in ours} == {run.model_dump_json() for run in theirs}


def test_a_racer_stops_where_it_has_solved_the_task():
    racer = Racer("GRU chrono", 0, WhyLstmsSettings(length=3))
    for goal in range(20, 401, 20):
        racer.turn(goal)
    assert racer.solved <= 200
    assert racer.trainer.step == racer.solved
    at = int(racer.solved // 20)
    assert racer.scores[at] >= racer.task.solved_at
    assert max(racer.scores[:at]) < racer.task.solved_at
    assert np.isnan(racer.scores[at + 1 :]).all()


def test_before_training_all_are_at_chance(small):
    assert small.chance == 1 / 8
    assert small.scores.shape[:2] == (5, 3)
    assert small.steps[0] == 0
    assert abs(small.scores[:, :, 0].mean() - 1 / 8) < 0.1


@pytest.mark.parametrize(("wins", "answer"), [(0, "none"), (1, "some"), (2, "some"), (3, "all")])
def test_the_lstm_s_wins_decide_the_answer(small, wins, answer):
    solved = np.full((5, 3), np.nan)
    solved[1, :wins] = 100.0
    found = replace(small, solved=solved)
    assert found.answer == answer
    assert found.numbers["lstm_wins"] == str(wins)
    assert found.numbers["lstm_step"] == ("step 100 on average" if wins else "never")
    assert replace(small, solved=solved, share=0.5).answer == ""


def test_chrono_biases_decide_it():
    """The first 220 steps of the page's own race: three of three against none."""
    solved = {}
    for name in ("LSTM", "LSTM chrono", "GRU chrono"):
        racers = [Racer(name, number, WhyLstmsSettings()) for number in range(SEEDS)]
        for goal in range(20, 221, 20):
            for racer in racers:
                racer.turn(goal)
        solved[name] = sum(bool(np.isfinite(racer.solved)) for racer in racers)
    assert solved == {"LSTM": 0, "LSTM chrono": 3, "GRU chrono": 3}


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store(small):
    again = experiment("why-lstms", **SMALL)
    assert same(small, again)
    assert Record.from_bytes(small.to_bytes()).proof == small.proof
    assert len(small.frame()) == small.scores.size
    assert "nan" not in " ".join(small.numbers.values())

"""Claims about Inputs and outputs at each step: losses are cross-entropies, its own output is as good as right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnncore.errors import ConfigError
from rnncore.lecture import experiment
from rnncore.lecture.each_step import READINGS, SHOWN, EachStepSettings
from rnncore.lecture.measured.each_step import Reader, following, reading
from rnncore.records import EachStep, Record
from rnncore.records.each_step import OWN, TRUTH, WRONG
from tests.lecture.same import same


def found(**settings):
    record = experiment("each-step", **settings)
    assert isinstance(record, EachStep)
    return record


@pytest.fixture(scope="module")
def learned():
    return found()


def test_after_training_only_the_steps_are_unsure_whose_place_in_the_text_is_open(learned):
    assert learned.answer == "first"
    assert learned.settled == 3  # anna, and, a nanny: after "ann" it is a or y, after "anna" there is no doubt
    assert learned.unsure[: learned.settled].all()
    assert not learned.unsure[learned.settled :].any()
    assert learned.numbers["written"].startswith(" and a nanny, anna")


@pytest.mark.parametrize(
    ("text", "settled"), [("ab", 0), ("aab", 1), ("hello world, ", 0), ("aaab", 2), ("abab", 0), ("abcabd", 2)]
)
def test_where_the_place_in_the_text_is_known_follows_from_the_text(learned, text, settled):
    assert replace(learned, text=text).settled == settled
    around, size = text * 4, len(text)  # by brute force: does what was read tell the next letter?
    open_ = [
        len({around[at + known] for at in range(size) if around[at : at + known] == around[:known]}) > 1
        for known in range(1, 2 * size)
    ]
    assert settled == (max(np.flatnonzero(open_)) + 1 if any(open_) else 0)


def test_the_loss_of_each_step_is_the_cross_entropy_of_what_the_text_has_next(learned):
    logits = torch.from_numpy(np.log(learned.probabilities[-1, TRUTH].astype(np.float64)))
    costs = functional.cross_entropy(logits, torch.from_numpy(learned.targets), reduction="none")
    np.testing.assert_allclose(learned.costs[-1, TRUTH], costs, atol=1e-6)
    text = [learned.letters[place] for place in learned.targets]
    assert "".join(text) == (learned.text * 3)[1 : SHOWN + 1]


def test_while_its_output_is_right_reading_itself_is_bit_for_bit_reading_the_truth(learned):
    assert learned.agreed == SHOWN
    assert np.array_equal(learned.probabilities[-1, OWN], learned.probabilities[-1, TRUTH])
    small = found(hidden_size=2)
    assert small.primer <= small.agreed < SHOWN
    until = small.agreed
    assert np.array_equal(small.probabilities[-1, OWN, :until], small.probabilities[-1, TRUTH, :until])
    assert not np.array_equal(small.probabilities[-1, OWN, until], small.probabilities[-1, TRUTH, until])


def test_a_wrong_character_changes_nothing_before_it_and_one_input(learned):
    at = learned.wrong_at
    differs = learned.fed[:, WRONG] != learned.fed[:, TRUTH]
    assert (np.flatnonzero(differs[-1]) == [at]).all()
    assert np.array_equal(learned.probabilities[-1, WRONG, :at], learned.probabilities[-1, TRUTH, :at])
    assert not np.array_equal(learned.probabilities[-1, WRONG, at], learned.probabilities[-1, TRUTH, at])


@pytest.mark.parametrize(("costs", "steps"), [([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 1, 0], 2), ([1, 0, 1], None)])
def test_it_has_found_back_when_no_later_step_is_unsure(learned, costs, steps):
    odds = learned.probabilities.copy()
    at = learned.wrong_at
    odds[-1, WRONG, at:] = np.eye(len(learned.letters))[learned.targets[at:]]
    for place, cost in enumerate(costs):
        step = at + place if place < 2 else SHOWN - 1
        odds[-1, WRONG, step] *= np.exp(-cost)
    assert replace(learned, probabilities=odds).recovered == steps


def test_the_readout_step_by_step_is_that_of_the_whole_sequence():
    settings = EachStepSettings(cell="gru")
    ids = torch.tensor([sorted(set(settings.text)).index(letter) for letter in settings.text])
    torch.manual_seed(0)
    model = Reader(settings, len(set(settings.text)))
    fed, odds = reading(model, ids, settings, "truth")
    logits, _ = model(torch.from_numpy(fed)[:, None])
    np.testing.assert_allclose(odds, torch.softmax(logits[:, 0], 1).detach(), atol=1e-6)
    assert following(ids, 3).tolist() == ids[1:4].tolist()
    assert len(READINGS) == 3


def test_untrained_it_knows_nothing_and_losses_fall(learned):
    assert learned.steps[0] == 0
    assert abs(learned.costs[0, TRUTH].mean() - np.log(len(learned.letters))) < 0.2
    assert learned.losses[-1] < 0.1 < learned.losses[0]
    assert len(learned.losses) == 200


@pytest.mark.parametrize("settings", [{"steps": 1}, {"hidden_size": 1}, {"text": "ab"}, {"wrong_at": 30, "primer": 16}])
def test_both_ends_of_the_settings_give_a_result(settings):
    record = found(**{"steps": 5} | settings)
    assert record.answer
    assert np.isfinite(record.costs).all()
    assert "nan" not in " ".join(record.numbers.values()).replace("nanny", "")


@pytest.mark.parametrize("text", ["", "a", "aaaa"])
def test_a_text_of_one_letter_is_refused_in_a_sentence(text):
    with pytest.raises(ConfigError, match="text must have at least 2 different characters, got"):
        found(text=text)


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store(learned):
    assert same(learned, found())
    assert not same(learned, found(seed=2))
    assert Record.from_bytes(learned.to_bytes()).proof == learned.proof
    assert len(learned.frame()) == 3 * SHOWN

"""Claims about Variable-size input: parameters, the exact ceiling, padding that changes nothing, and who is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncore.errors import ConfigError
from rnncore.lecture import experiment
from rnncore.lecture.measured.variable_length import Sums, networks
from rnncore.lecture.variable_length import (
    NETWORKS,
    VariableLengthSettings,
    ceiling,
    multiplications,
    parameters,
)
from rnncore.records import Record, VariableLength
from tests.lecture.same import same


@pytest.fixture
def seldom(monkeypatch):
    """Evaluations at both ends of training alone: they draw from a generator of their own, and change nothing."""
    monkeypatch.setattr("rnncore.lecture.measured.variable_length.EVALUATIONS", 1)


def settings(**values):
    return VariableLengthSettings(**values)


def test_the_three_networks_have_the_parameters_of_the_reference():
    found = {name: sum(p.numel() for p in model.parameters()) for name, model in networks(settings()).items()}
    assert found == {"padded": 7554, "unshared": 27586, "shared": 1442}


@pytest.mark.parametrize("room", [1, 7, 30])
def test_parameters_are_counted_as_torch_counts_them(room):
    for name, model in networks(settings(longest=room)).items():
        assert parameters(name, room) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_multiplications_are_those_that_the_matrices_make(name):
    model, done = networks(settings(longest=6))[name], []
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda layer, _, out: done.append(layer.weight.numel()))
    for length in (1, 4, 6, 9):
        done.clear()
        model(torch.zeros(length, 1, 10), torch.tensor([length]))
        assert multiplications(name, 6, length) == sum(done)


@pytest.mark.parametrize(("room", "length"), [(20, 21), (20, 40), (5, 30)])
def test_the_ceiling_is_that_of_whoever_sees_the_first_part_of_a_sum(room, length):
    generator = np.random.default_rng(1)
    seen = generator.standard_normal(400_000) * np.sqrt(room)
    whole = seen + generator.standard_normal(400_000) * np.sqrt(length - room)
    rate = np.mean((seen > 0) == (whole > 0))
    assert rate == pytest.approx(ceiling(room, np.array(length)), abs=4 * 0.5 / np.sqrt(400_000))
    assert ceiling(room, np.array(room)) == 1


def test_zeros_after_the_end_change_no_answer():
    drawn, sizes = Sums(1, 0).draw(torch.tensor([1, 3, 8])), torch.tensor([1, 3, 8])
    inputs, _ = drawn
    for name, model in networks(settings(longest=12)).items():
        together = model(inputs, sizes)
        for at, size in enumerate(sizes.tolist()):
            alone = model(inputs[:size, at : at + 1], sizes[at : at + 1])
            torch.testing.assert_close(together[at : at + 1], alone, rtol=0, atol=1e-6, msg=name)


def test_the_answer_is_the_sign_of_the_sum_along_one_direction():
    data = Sums(3, 1)
    inputs, answers = data.draw(torch.tensor([2, 5]))
    for at in range(2):
        total = sum(float(inputs[t, at] @ data.direction) for t in range(5))
        assert int(answers[at]) == (total > 0)
    assert float(inputs[2:, 0].abs().sum()) == 0


def test_the_shared_layer_goes_on_where_the_others_stop_at_their_ceiling(seldom):
    found = experiment("variable-length")
    assert isinstance(found, VariableLength)
    padded, unshared, shared = found.longer[:, -1]
    best = found.ceiling[found.longest :].mean()
    assert best == pytest.approx(0.81, abs=0.005)
    assert padded <= best + 0.02
    assert unshared <= best + 0.02
    assert shared >= 0.93  # of the reference; here .96
    assert min(found.trained[:, -1]) > 0.93
    assert found.answer == "shared"
    assert found.numbers["shared_parameters"] == "1,442"
    assert Record.from_bytes(found.to_bytes()).proof == found.proof
    assert len(found.frame()) == 3 * 40


def test_weights_that_only_ever_saw_zeros_have_learned_nothing(seldom):
    found = experiment("variable-length", longest=6, spare=6, steps=400)
    assert isinstance(found, VariableLength)
    padded, _, shared = found.longer[:, -1]
    assert found.ceiling.min() == 1
    assert padded < shared - 0.05


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    one, two, other = (experiment("variable-length", longest=5, steps=20, seed=seed) for seed in (1, 1, 2))
    assert same(one, two)
    assert not same(one, other)


@pytest.mark.parametrize("longest", [1, 40])
def test_both_ends_of_the_slider_give_a_result(seldom, longest):
    found = experiment("variable-length", longest=longest, steps=10)
    assert isinstance(found, VariableLength)
    assert found.by_length.shape == (3, 2 * longest)
    assert np.isfinite(found.by_length).all()


def test_what_is_out_of_range_is_refused_in_a_sentence():
    with pytest.raises(ConfigError, match="longest must be >= 1, got 0; use a value between 1 and 40"):
        experiment("variable-length", longest=0)
    with pytest.raises(KeyError, match="name must be one of variable-length"):
        experiment("nonsense")

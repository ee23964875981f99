"""Claims about Backpropagation through shared weights: summed it is the gradient, overwritten next to nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncore.errors import ConfigError
from rnncore.lecture import experiment
from rnncore.lecture.measured.shared_weights import autograd, backward, data, forward
from rnncore.lecture.shared_weights import HIDDEN_SIZE, LONGEST, SharedWeightsSettings, product_rule
from rnncore.records import Record, SharedWeights
from tests.lecture.same import same

SETTINGS = [{"losses": "last"}, {"losses": "each"}, {"losses": "each", "gain": 4.0}, {"losses": "last", "gain": 0.0}]


def found(**settings):
    record = experiment("shared-weights", **settings)
    assert isinstance(record, SharedWeights)
    return record


@pytest.mark.parametrize("settings", SETTINGS)
def test_what_the_steps_find_adds_up_to_autograd_s_gradient(settings):
    record = found(**settings, length=12)
    assert record.error <= 1e-12
    scale = np.abs(record.autograd).max()
    np.testing.assert_allclose(record.found.sum(0) / scale, record.autograd / scale, atol=1e-13)
    assert np.abs(record.found[0] - record.autograd).max() > 0.1 * scale  # the overwritten one fails the same check


@pytest.mark.parametrize("settings", SETTINGS[:3])
def test_the_gradient_is_the_central_difference_of_the_loss(settings):
    chosen = SharedWeightsSettings(**settings, length=5)
    everything, each = data(chosen), chosen.losses == "each"
    gradient, step = autograd(everything, 5, each), 1e-6

    def loss(weights):
        return float(forward(everything._replace(weights=weights), 5, each)[1].sum())

    for place in [(0, 0), (3, HIDDEN_SIZE - 1), (7, HIDDEN_SIZE), (2, HIDDEN_SIZE + 2)]:
        nudge = torch.zeros_like(gradient)
        nudge[place] = step
        slope = (loss(everything.weights + nudge) - loss(everything.weights - nudge)) / (2 * step)
        assert slope == pytest.approx(float(gradient[place]), rel=1e-6, abs=1e-9)


def test_delta_is_autograd_s_gradient_at_each_state():
    chosen = SharedWeightsSettings(losses="each", length=6)
    everything = data(chosen)
    h, _ = forward(everything, 6, each=True)
    walk = backward(everything, h, each=True)
    weights, _, inputs, targets = everything
    states, losses = [everything.before.clone().requires_grad_()], []
    for t in range(6):
        states.append(torch.tanh(weights @ torch.cat([states[-1], inputs[t], torch.ones(1, dtype=torch.float64)])))
        losses.append(((states[-1] - targets[t]) ** 2).sum() / 2)
    for t in range(1, 7):
        whole = torch.autograd.grad(sum(losses), states[t], retain_graph=True)[0]
        np.testing.assert_allclose(walk.delta[t - 1], whole, atol=1e-13)
        own = torch.autograd.grad(losses[t - 1], states[t], retain_graph=True)[0]
        np.testing.assert_allclose(walk.local[t - 1], own, atol=1e-13)
    np.testing.assert_array_equal(walk.delta, walk.local + walk.carried)


def test_overwriting_leaves_next_to_nothing_of_a_vanishing_network_s_gradient():
    """5e-10 over 40 steps is what a larger network has; its own size decides how far below."""
    left = [found(seed=seed).ratios[LONGEST - 1] for seed in range(1, 7)]
    assert max(left) < 5e-10
    assert min(left) > 0
    assert found().answer == "tiny"


def test_with_a_loss_at_each_step_or_larger_weights_more_is_left():
    assert found(losses="each").answer == "share"
    assert found(losses="each").ratios[-1] > 1e3 * found().ratios[-1]
    assert found(gain=3.0).ratios[-1] > 1e3 * found().ratios[-1]


def test_over_a_single_step_both_are_the_same():
    record = found(length=1)
    assert record.ratios[0] == 1
    np.testing.assert_allclose(record.found[0], record.autograd, atol=1e-15)
    assert record.cosine == pytest.approx(1)
    assert record.numbers["walk_ratio"] == "1"


def test_without_recurrent_weights_only_the_last_step_has_a_gradient():
    record = found(gain=0.0)
    assert not record.found[:-1].any()
    assert record.found[-1].any()
    assert record.numbers["ratio"] == "0"
    assert record.answer == "tiny"


def test_the_walk_adds_one_step_at_a_time():
    record = found()
    assert not record.so_far(0)[1].any()
    for done in range(1, record.length + 1):
        overwritten, added = record.so_far(done)
        np.testing.assert_array_equal(overwritten, record.found[record.length - done])
        np.testing.assert_allclose(added - overwritten, record.so_far(done - 1)[1], atol=1e-15)


def test_the_total_derivative_has_two_parts():
    record = found()
    np.testing.assert_allclose(record.direct + record.through, record.total, atol=1e-14)
    step = 1e-6
    slope = (product_rule(record.places + step)[0] - product_rule(record.places - step)[0]) / (2 * step)
    np.testing.assert_allclose(record.total, slope, atol=1e-8)
    assert (np.sign(record.through) * np.sign(record.total) < 0).any()  # what the page asks to be found


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store():
    one, two, other = found(), found(), found(seed=2)
    assert same(one, two)
    assert not same(one, other)
    again = Record.from_bytes(one.to_bytes())
    assert again.proof == one.proof
    assert len(one.frame()) == 8
    assert len(one.to_bytes()) < 1e5
    with pytest.raises(ConfigError, match="length must be <= 40, got 41"):
        found(length=41)

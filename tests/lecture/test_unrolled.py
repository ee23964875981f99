"""Claims about a recurrent network unrolled: the deep network gives the same, and its weights are counted once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncore.lecture import experiment
from rnncore.lecture.measured.unrolled import Deep, Folded, gradients_differ, network
from rnncore.lecture.unrolled import OUTPUTS, UnrolledSettings
from rnncore.records import Record, Unrolled
from tests.lecture.same import same


def found(**settings):
    record = experiment("unrolled", **settings)
    assert isinstance(record, Unrolled)
    return record


@pytest.mark.parametrize("settings", [{}, {"steps": 8, "hidden_size": 5, "input_size": 3}, {"steps": 1}, {"seed": 7}])
def test_folded_and_unrolled_give_the_same(settings):
    record = found(**settings)
    assert record.error <= 1e-6
    assert record.error_double <= 1e-12
    assert record.gradient_error <= 1e-12
    assert record.depth == len(record.inputs)


def test_the_unrolled_network_is_no_recurrent_one_in_disguise():
    settings = UnrolledSettings()
    folded, inputs = network(settings)
    deep = Deep(folded, settings.steps, share=True)
    assert not any(isinstance(one, torch.nn.RNNBase) for one in deep.modules())
    with torch.no_grad():
        deep.layers[0].below.weight.mul_(1.5)  # shared: all layers change
    assert not torch.allclose(deep(inputs)[0], folded(inputs)[0], atol=1e-3)


def test_activations_are_those_of_the_formula():
    record = found()
    h = np.zeros(3)
    for t, x in enumerate(record.inputs):
        h = np.tanh(record.weight @ x + record.back @ h + record.bias)
        np.testing.assert_allclose(record.hidden[t], h, atol=1e-6)


@pytest.mark.parametrize(("size", "inputs", "steps"), [(3, 2, 5), (5, 3, 8), (1, 1, 2)])
def test_shared_weights_are_counted_once_and_copies_for_every_layer(size, inputs, steps):
    record = found(hidden_size=size, input_size=inputs, steps=steps)
    layer, readout = size * (size + inputs + 2), OUTPUTS * (size + 1)
    assert record.parameters == record.shared == layer + readout
    assert record.copied == steps * layer + readout
    assert record.answer == "once"


def test_over_one_step_there_is_nothing_to_tell_apart():
    record = found(steps=1)
    assert record.parameters == record.copied
    assert record.answer == ""


def test_the_gradient_is_the_sum_over_all_copies_and_not_that_of_one():
    settings = UnrolledSettings()
    folded, inputs = network(settings)
    folded = folded.double()
    assert isinstance(folded, Folded)
    assert gradients_differ(folded, settings, inputs.double()) < 1e-12
    copies = Deep(folded, settings.steps, share=False)
    copies(inputs.double())[1].square().sum().backward()
    last = copies.layers[-1].below.weight.grad
    assert (last - folded.recurrent.all_weights[0][1].grad).abs().max() > 0.01


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store():
    one, two = found(), found()
    assert same(one, two)
    assert not same(one, found(seed=2))
    assert Record.from_bytes(one.to_bytes()).proof == one.proof
    assert len(one.frame()) == 15

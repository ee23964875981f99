"""Claims about Inside the LSTM: one product, cut in PyTorch's order, is PyTorch's LSTM; four times the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rnncore.errors import ConfigError
from rnncore.lecture import experiment
from rnncore.lecture.inside_the_lstm import MOST_UNITS, InsideTheLstmSettings
from rnncore.lecture.measured.inside_the_lstm import joined, network, run
from rnncore.records import InsideTheLstm, Record
from rnncore.records.inside_the_lstm import BLOCKS
from tests.lecture.same import same


def found(**settings):
    record = experiment("inside-the-lstm", **settings)
    assert isinstance(record, InsideTheLstm)
    return record


@pytest.mark.parametrize(("size", "inputs"), [(1, 1), (8, 5), (24, 1), (1, 24), (24, 24)])
def test_an_lstm_has_exactly_four_times_the_parameters_of_a_vanilla_rnn_and_a_gru_three_times(size, inputs):
    record = found(hidden_size=size, input_size=inputs)
    assert record.parameters[0] == size * (size + inputs + 2)  # PyTorch has two biases
    assert record.times("lstm") == 4
    assert record.times("gru") == 3
    assert record.answer == "four"
    assert record.weight.shape == (4 * size, size + inputs)


@pytest.mark.parametrize("bias", [-4.0, 0.0, 4.0])
def test_the_cut_product_is_pytorch_s_lstm(bias):
    record = found(forget_bias=bias, word="a longer word to read in")
    assert record.error <= 1e-12
    layer, inputs, _ = network(InsideTheLstmSettings(forget_bias=bias, word="a longer word to read in"))
    cells = nn.LSTMCell(5, 8, dtype=torch.float64)
    cells.load_state_dict({name[:-3]: value for name, value in layer.state_dict().items()})
    state = None
    for t, x in enumerate(inputs):
        state = cells(x[None], None if state is None else state)
        np.testing.assert_allclose(record.h[t], state[0][0].detach(), atol=1e-12)
        np.testing.assert_allclose(record.c[t], state[1][0].detach(), atol=1e-12)


def test_another_order_of_the_blocks_is_another_network():
    assert found().swapped > 0.01
    layer, inputs, _ = network(InsideTheLstmSettings())
    right, again = (run(*joined(layer), inputs, order)[-1] for order in (BLOCKS, tuple(BLOCKS)))
    assert torch.equal(right, again)


def test_what_h_x_and_b_add_makes_each_gate():
    record = found()
    sums = record.parts.sum(1)  # (T, 4, H)
    for place, squash in enumerate((_sigmoid, _sigmoid, np.tanh, _sigmoid)):
        np.testing.assert_allclose(record.gates[:, place], squash(sums[:, place]), atol=1e-15)
    assert not record.parts[0, 0].any()  # there is no h before the first step
    size = record.h.shape[1]
    by_hand = record.weight[size : 2 * size, size:] @ record.inputs[3]
    np.testing.assert_allclose(record.parts[3, 1, BLOCKS.index("f")], by_hand, atol=1e-14)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_the_forget_bias_is_added_to_that_block_alone():
    plain, open_ = found(), found(forget_bias=3.0)
    added = (open_.bias - plain.bias).reshape(4, -1)
    np.testing.assert_allclose(added, np.array([0, 3, 0, 0])[:, None] * np.ones(8), atol=1e-15)
    assert open_.gates[:, 1].mean() > 0.9


def test_the_same_character_is_the_same_vector_and_no_word_is_a_space():
    record = found(word="abba")
    assert np.array_equal(record.inputs[0], record.inputs[3])
    assert np.array_equal(record.inputs[1], record.inputs[2])
    assert not np.array_equal(record.inputs[0], record.inputs[1])
    assert found(word="").letters == (" ",)


def test_the_diagram_s_activity_holds_the_same_numbers():
    record = found()
    activity = record.activity
    np.testing.assert_array_equal(activity.channel(0, "f"), record.gates[:, 1])
    np.testing.assert_array_equal(activity.before(0, "c")[1:], record.c[:-1])
    assert not activity.before(0, "c")[0].any()


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store():
    one, two, other = found(), found(), found(seed=2)
    assert same(one, two)
    assert not same(one, other)
    assert Record.from_bytes(one.to_bytes()).proof == one.proof == "480 parameters, 4 times the RNN's 120"
    assert len(one.frame()) == 8 * len("remember")
    with pytest.raises(ConfigError, match=f"hidden_size must be <= {MOST_UNITS}, got 25"):
        found(hidden_size=25)

"""Claims about Vanishing and exploding: rows carried back are autograd's, and the factors those of the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnncore.cells import CELLS
from rnncore.lecture import experiment
from rnncore.lecture.measured.vanishing import at_initialisation, backwards
from rnncore.lecture.vanishing import GAINS, LAGS, NETWORKS, SPECTRUM_AT, VanishingSettings
from rnncore.records import Record, Vanishing
from rnncore.records.vanishing import factor
from tests.lecture.same import same

SMALL = {"steps": 20, "hidden_size": 8}
REFERENCE = {
    "LSTM": 0.652, "GRU": 0.647, "LSTM, forget bias 1": 0.877, "LSTM, forget bias 3": 1.017, "LSTM, chrono": 0.983,
    "GRU, chrono": 0.984, "RNN, orthogonal": 0.917,
}  # fmt: skip
"""Gradient factor per step at initialisation, measured elsewhere at a size that was not noted."""


@pytest.fixture(scope="module")
def small():
    record = experiment("vanishing", **SMALL)
    assert isinstance(record, Vanishing)
    return record


@pytest.mark.parametrize("name", NETWORKS)
def test_factors_at_initialisation_are_those_of_the_reference(name):
    gain = 4.0 if name == "RNN" else 1.0
    measured = factor(at_initialisation(name, gain, VanishingSettings()).norms)
    if name == "RNN":
        assert 1.1 < measured < 1.3  # 1.174
        assert 0.53 < factor(at_initialisation(name, 1.0, VanishingSettings()).norms) < 0.66  # .616
    elif name in REFERENCE:
        assert measured == pytest.approx(REFERENCE[name], abs=0.02)
    else:
        assert measured == pytest.approx(1, abs=0.03)  # identity and ReLU


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
def test_the_carried_rows_are_what_autograd_has(cell):
    torch.manual_seed(0)
    size, steps = 5, 9
    layer = CELLS[cell].layer(3, size).double()
    inputs = torch.randn(steps + 1, 1, 3, dtype=torch.float64)
    found = backwards(layer, inputs)
    cells = {"rnn_tanh": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}[cell](3, size).double()
    cells.load_state_dict({name[:-3]: value for name, value in layer.state_dict().items()})
    state, hidden = None, []
    for x in inputs:
        state = cells(x, state)
        hidden.append(state[0] if cell == "lstm" else state)
    for lag in range(1, steps):
        every = torch.eye(size, dtype=torch.float64)[:, None]
        (rows,) = torch.autograd.grad(hidden[-1], hidden[-1 - lag], every, is_grads_batched=True, retain_graph=True)
        norm = float(torch.linalg.matrix_norm(rows[:, 0])) / size**0.5
        assert found.norms[lag - 1] == pytest.approx(norm, rel=1e-12)
        if lag in SPECTRUM_AT:
            values = torch.linalg.svdvals(rows[:, 0]).detach().numpy()
            np.testing.assert_allclose(found.spectrum[SPECTRUM_AT.index(lag)], values, atol=1e-12 * values[0])


def test_an_identity_with_relu_grows_exactly_as_its_gain():
    settings = VanishingSettings(hidden_size=8)
    layer = CELLS["rnn_relu"].layer(8, 8).double()
    CELLS["rnn_relu"].initialise(layer, recurrent="identity", recurrent_gain=2.0)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if not name.startswith("weight_hh"):
                parameter.fill_(0.1)  # so that every unit stays above 0
    inputs = functional.one_hot(torch.zeros(31, 1, dtype=torch.long), 8).double()
    np.testing.assert_allclose(backwards(layer, inputs).norms, 2.0 ** np.arange(1, 31), rtol=1e-12)
    exploding = at_initialisation("ReLU RNN, identity", 10.0, settings)
    assert exploding.norms[-1] > 1e80


def test_a_factor_is_the_slope_of_a_logarithm():
    lags = np.arange(1, 40)
    assert factor(3 * 0.7**lags) == pytest.approx(0.7)
    assert factor(np.append(0.5**lags, [0, np.inf, np.nan])) == pytest.approx(0.5)
    assert np.isnan(factor(np.array([1.0, 0.5])))
    assert np.isnan(factor(np.zeros(9)))


@pytest.mark.parametrize(
    ("lstm", "rnn", "answer"),
    [(0.65, 0.56, "alike"), (0.9, 0.56, "slower"), (1.0, 0.56, "one"), (0.96, 0.5, "one"), (1.1, 0.5, "grows")],
)
def test_the_lstm_s_factor_beside_the_rnn_s_decides_the_answer(small, lstm, rnn, answer):
    norms = small.norms.copy()
    norms[small.networks.index("LSTM"), small.own] = lstm ** np.arange(1, LAGS + 1)
    norms[small.networks.index("RNN"), small.own] = rnn ** np.arange(1, LAGS + 1)
    assert replace(small, norms=norms).answer == answer
    assert replace(small, norms=norms, share=0.9).answer == ""


def test_every_network_has_its_norms_at_every_gain_and_lag(small):
    assert small.norms.shape == (len(NETWORKS), len(GAINS), LAGS)
    assert np.isfinite(small.norms).all()
    assert small.spectra.shape == (len(NETWORKS), len(GAINS), len(SPECTRUM_AT), 8)
    largest = small.spectra[..., 0]
    smallest_gain, largest_gain = largest[0, 0], largest[0, -1]
    assert (smallest_gain < largest_gain).all()
    assert small.answer
    assert len(small.frame()) == small.norms.size


def test_clipping_rescues_what_explodes_and_not_what_vanishes():
    record = experiment("vanishing", hidden_size=4, steps=500)
    assert isinstance(record, Vanishing)
    (explodes_free, explodes_held), (_, vanishes_held) = record.clipped_right
    assert explodes_held > 0.95 > 0.8 > explodes_free
    assert vanishes_held < 0.5
    assert record.largest[0, 0] > 2


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store(small):
    assert same(small, experiment("vanishing", **SMALL))
    assert Record.from_bytes(small.to_bytes()).proof == small.proof
    assert "nan" not in " ".join(small.numbers.values())

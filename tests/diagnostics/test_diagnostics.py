"""Claims about diagnostics: records equal to slow oracles."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.diagnostics import live_measures
from rnncore.diagnostics.gradient_flow import fit_decay
from rnncore.training import Trainer, events, train

TEXT = "the quick brown fox jumps over the lazy dog; " * 60
SMALL = {"hidden_size": 10, "embedding_size": 5, "sequence_length": 9, "batch_size": 6, "steps": 3, "sample_length": 5}


def first_records(config):
    found = {}
    for event in train(config, text=TEXT, measures=live_measures(config)):
        if isinstance(event, events.Measured):
            found.setdefault(event.record.kind, event.record)
    return found


def per_step_gradients(config, sequences, last_only):
    """dL/dh_t of every layer, by running each layer a step at a time under autograd; L summed per sequence."""
    trainer = Trainer(config, TEXT)
    model, (inputs, targets, _) = trainer.model, trainer.task.batch(0)
    model.train()
    x = model.embedding(inputs)
    hidden = []
    for layer, dropout in zip(model.layers, model.dropouts, strict=True):
        s, outputs = None, []
        for t in range(len(x)):
            _, s = layer(x[t : t + 1], s)
            h = (s[0] if isinstance(s, tuple) else s).squeeze(0)
            h.retain_grad()
            outputs.append(h)
            s = (h.unsqueeze(0), s[1]) if isinstance(s, tuple) else h.unsqueeze(0)
        hidden.append(outputs)
        x = dropout(torch.stack(outputs))
    losses = torch.nn.functional.cross_entropy(
        model.readout(x).flatten(0, 1), targets.flatten(), reduction="none"
    ).view_as(targets)
    (losses[-1].sum() if last_only else losses.sum()).backward()
    norms = []
    for outputs in hidden:
        grads = torch.stack([h.grad[:sequences] for h in outputs]).double()  # (T, B, H)
        norms.append(grads.pow(2).sum(-1).mean(-1).sqrt().numpy())
    return np.array(norms)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize(("layers", "dropout"), [(1, 0.0), (2, 0.0), (3, 0.4)])
def test_the_recorded_gradient_flow_is_autograd_through_an_unrolled_loop(cell, layers, dropout):
    config = RunConfig.of(**SMALL, cell=cell, num_layers=layers, dropout=dropout, probe_sequences=4)
    record = first_records(config)["gradient_flow"]
    np.testing.assert_allclose(record.hidden_total, per_step_gradients(config, 4, False), rtol=2e-4, atol=1e-7)
    np.testing.assert_allclose(record.hidden_last, per_step_gradients(config, 4, True), rtol=2e-4, atol=1e-7)
    assert record.sequences == 4
    assert record.replay_error < 1e-6


def test_the_direct_gradient_is_not_the_total_one():
    record = first_records(RunConfig.of(**SMALL))["gradient_flow"]
    assert np.abs(record.hidden_direct - record.hidden_total)[:, :-1].max() > 0.05 * record.hidden_total.max()
    np.testing.assert_allclose(record.hidden_direct[:, -1], record.hidden_total[:, -1], rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_the_recorded_gates_are_those_of_the_cell_stepped_by_hand(cell):
    config = RunConfig.of(**SMALL, cell=cell)
    record = first_records(config)["gate_activity"]
    trainer = Trainer(config, TEXT)
    inputs, targets, _ = trainer.task.batch(0)
    assert "".join(record.text) == trainer.task.vocabulary.decode(inputs[:, 0].numpy())
    assert "".join(record.targets) == trainer.task.vocabulary.decode(targets[:, 0].numpy())
    layer = trainer.model.layers[0]
    size = config.model.hidden_size
    h = c = torch.zeros(size)
    with torch.no_grad():
        for t, x in enumerate(trainer.model.embedding(inputs)[:, 0]):
            a, r = layer.weight_ih_l0 @ x + layer.bias_ih_l0, layer.weight_hh_l0 @ h + layer.bias_hh_l0
            if cell == "lstm":
                i, f, g, o = (a + r).split(size)
                expected = {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}
                c = expected["f"] * c + expected["i"] * expected["g"]
                h = expected["o"] * c.tanh()
                expected["c"] = c
            elif cell == "gru":
                (ar, az, an), (rr, rz, rn) = a.split(size), r.split(size)
                expected = {"r": (ar + rr).sigmoid(), "z": (az + rz).sigmoid()}
                expected["n"] = (an + expected["r"] * rn).tanh()
                h = (1 - expected["z"]) * expected["n"] + expected["z"] * h
            else:
                h, expected = (a + r).tanh(), {}
            expected["h"] = h
            assert set(record.channels) == set(expected)
            for symbol, values in expected.items():
                np.testing.assert_allclose(record.channel(0, symbol)[t], values.numpy(), atol=2e-6, err_msg=symbol)


def test_gates_drawn_evenly_are_shut_and_open_a_tenth_of_the_time():
    from types import SimpleNamespace

    from rnncore.diagnostics.saturation import saturation

    values = torch.rand(2000, 4, 3, generator=torch.Generator().manual_seed(0))
    gates = dict.fromkeys("ifgo", values)
    record = saturation([SimpleNamespace(gates=gates, hidden=values, cell=values)], cell="lstm", step=1)
    assert record.gates == ("i", "f", "o")
    np.testing.assert_allclose(record.left, 0.1, atol=0.02)
    np.testing.assert_allclose(record.right, 0.1, atol=0.02)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.2])
def test_an_exact_decay_is_fitted_exactly(factor):
    lags = np.arange(20)
    found, half_life = fit_decay(2.5 * factor**lags, lags)
    assert found == pytest.approx(factor, rel=1e-9)
    if factor not in (1.0,):
        assert half_life == pytest.approx(math.log(0.5) / math.log(factor), rel=1e-6)


def test_a_linear_rnn_s_gradient_is_its_weight_to_the_lag():
    from rnncore.probe import probe

    a, steps = 0.7, 12
    layer = torch.nn.RNN(1, 1, nonlinearity="relu").double()
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), (1.0, a, 0.0, 0.0), strict=True):
            parameter.fill_(value)
    with probe(layer) as opened:
        y, _ = layer(torch.ones(steps, 1, 1, dtype=torch.float64))
        y[-1].sum().backward()
    found = opened[""].layers[0].forward.grad_hidden[:, 0, 0].numpy()
    np.testing.assert_allclose(found, a ** np.arange(steps - 1, -1, -1), rtol=1e-14)


@pytest.mark.parametrize("norms", [[], [1.0], [1.0, np.nan, np.inf, 0.0], [0.0] * 20])
def test_too_few_points_give_no_fit(norms):
    assert all(math.isnan(value) for value in fit_decay(np.array(norms), np.arange(len(norms))))

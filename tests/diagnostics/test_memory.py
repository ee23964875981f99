"""Claims about memory: time scales from the gate that keeps the state, levels, and what is said where they end."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnncore.cells import CELLS
from rnncore.config import RunConfig
from rnncore.diagnostics.live import ProbeMeasure
from rnncore.diagnostics.memory import memory_timescale
from rnncore.probe import probe
from rnncore.records import Record
from rnncore.training import events, train
from tests.oracles import GATES, unroll

TEXT = "the quick brown fox jumps over the lazy dog; " * 60
SMALL = {"hidden_size": 6, "embedding_size": 4, "sequence_length": 7, "batch_size": 3, "steps": 2, "sample_length": 5}


def opened(layer, x, state=None):
    """Traces of a torch layer, one per layer."""
    with probe(layer) as found:
        y, _ = layer(x, state)
        y.sum().backward()
    return [one.forward for one in found[""].layers]


def constant(cell, **gates):
    """A trace in which each gate has the same value at all 5 steps of 2 sequences, for each of its units."""
    rows = {symbol: torch.tensor(values).expand(5, 2, -1) for symbol, values in gates.items()}
    hidden = next(iter(rows.values()))
    return SimpleNamespace(gates=rows, hidden=hidden, cell=hidden if cell == "lstm" else None)


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z")])
def test_a_gate_at_one_half_keeps_for_2_steps_and_one_at_99_percent_for_100(cell, gate):
    values = {gate.symbol: [0.1, 0.2] for gate in CELLS[cell].gates} | {gate: [0.5, 0.99]}
    record = memory_timescale([constant(cell, **values)], cell=cell, step=1)
    assert record.gate == gate
    np.testing.assert_allclose(record.timescale, [[2, 100]], rtol=1e-4)
    assert (record.window, record.sequences) == (5, 2)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_time_scales_and_levels_are_those_of_the_unrolled_loop(cell):
    torch.manual_seed(0)
    layer = CELLS[cell].layer(3, 4, num_layers=2).double()
    x = torch.randn(6, 5, 3, dtype=torch.float64)
    record = memory_timescale(opened(layer, x), cell=cell, step=1)
    for index, (one,) in enumerate(unroll(layer, x, None, None).layers):
        means = {}
        for name, gate in zip(GATES[cell], CELLS[cell].gates, strict=True):
            values = torch.stack(one.gates[name]).detach()
            means[gate.symbol] = (values if gate.sigmoid else values.abs()).mean((0, 1))
        means["h"] = torch.stack(one.hidden).detach().abs().mean((0, 1))
        if cell == "lstm":
            means["c"] = torch.stack(one.cell).detach().abs().mean((0, 1))
        np.testing.assert_allclose(record.timescale[index], 1 / (1 - means[record.gate]), rtol=1e-6)
        for symbol, wanted in means.items():
            found = record.levels[index, record.channels.index(symbol)]
            np.testing.assert_allclose(found, wanted, rtol=1e-6, err_msg=symbol)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_chrono_initialisation_gives_time_scales_from_2_to_t_max(cell):
    kind = CELLS[cell]
    layer = kind.layer(3, 400)
    kind.initialise(layer, gate_bias="chrono", t_max=50, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
        layer.weight_hh_l0.zero_()
    scales = memory_timescale(opened(layer, torch.zeros(2, 1, 3)), cell=cell, step=1).timescale[0]
    assert 2 <= scales.min() < 4  # 1 + U(1, t_max - 1)
    assert 47 < scales.max() <= 50
    assert abs(np.median(scales) - 26) < 4


def test_close_to_one_no_digit_is_lost_and_a_gate_of_one_keeps_for_ever():
    values = {"i": [0.5, 0.5, 0.5], "g": [0.5] * 3, "o": [0.5] * 3, "f": [1 - 2.0**-20, 1.0, 0.5]}
    record = memory_timescale([constant("lstm", **values)], cell="lstm", step=1)
    assert record.timescale[0].tolist() == [2.0**20, np.inf, 2.0]
    again = Record.from_bytes(record.to_bytes())
    assert again.timescale.tolist() == record.timescale.tolist()
    assert again.of_units(0).tolist() == [2.0, 2.0**20, np.inf]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_unit_with_a_value_that_is_not_finite_has_no_time_scale_and_the_others_keep_theirs(bad):
    gates = {symbol: torch.full((4, 2, 3), 0.75) for symbol in "rzn"}
    gates["z"][2, 1, 1] = bad
    record = memory_timescale([SimpleNamespace(gates=gates, hidden=gates["n"], cell=None)], cell="gru", step=1)
    assert record.timescale[0].tolist() == [4, pytest.approx(np.nan, nan_ok=True), 4]
    assert record.of_units(0).tolist() == [4, 4]


def test_a_plain_rnn_has_no_time_scale_but_a_mean_magnitude_of_h():
    torch.manual_seed(0)
    layer = torch.nn.RNN(3, 4)
    x = torch.randn(5, 2, 3)
    record = memory_timescale(opened(layer, x), cell="rnn_tanh", step=1)
    assert record.gate == ""
    assert record.leak.shape == (1, 0)
    np.testing.assert_allclose(record.of_units(0), np.sort(layer(x)[0].detach().abs().mean((0, 1))), rtol=1e-5)


@pytest.mark.parametrize(("cell", "steps"), [("lstm", 1), ("gru", 7), ("rnn_relu", 1)])
def test_every_probe_of_a_run_brings_a_record_that_is_a_table(cell, steps):
    config = RunConfig.of(**{**SMALL, "sequence_length": steps}, cell=cell, num_layers=2)
    found = [
        event.record
        for event in train(config, text=TEXT, measures=[ProbeMeasure(2)])
        if isinstance(event, events.Measured) and event.record.kind == "memory"
    ]
    table = found[0].frame()
    assert len(table) == 2 * 6
    assert ("timescale" in table) == (cell != "rnn_relu")
    assert found[0].window == steps
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()

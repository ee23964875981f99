"""Claims about gate activity: the states before each step, sorting, units that never move, saturation's gaps."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from rnncore.cells import CELLS
from rnncore.diagnostics.gate_activity import gate_activity, ranking, still, units_kept
from rnncore.diagnostics.saturation import saturation
from rnncore.probe import probe
from rnncore.records import GateActivity, Record


def recorded(cell, *, steps=6, layers=2, size=5, sequence=1):
    """The record of a layer that starts from a state that is not zero, and that state, (L, B, H) each."""
    torch.manual_seed(2)
    layer = CELLS[cell].layer(3, size, num_layers=layers)
    start = tuple(torch.randn(layers, 4, size) for _ in range(2 if cell == "lstm" else 1))
    with probe(layer) as found:
        layer(torch.randn(steps, 4, 3), start if cell == "lstm" else start[0])[0].sum().backward()
    traces = [one.forward for one in found[""].layers]
    text = list("abcdefgh"[:steps])
    return gate_activity(traces, cell=cell, step=1, text=text, targets=text, sequence=sequence), start


def made(cell="lstm", **channels):
    """A record of one layer by its channels, (T, U)."""
    rows = np.stack([np.asarray(values, np.float32) for values in channels.values()])
    text = ("x",) * rows.shape[1]
    return GateActivity(
        step=1, cell=cell, hidden_size=rows.shape[2], text=text, targets=text, channels=tuple(channels),
        units=np.arange(rows.shape[2]), values=rows[None],
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_the_state_before_the_first_step_is_what_the_layer_started_from(cell, steps):
    record, start = recorded(cell, steps=steps)
    for index, symbol in enumerate(record.states):
        for layer in range(2):
            before = record.before(layer, symbol)
            np.testing.assert_array_equal(before[0], start[index][layer, 1])
            np.testing.assert_array_equal(before[1:], record.channel(layer, symbol)[:-1])


@pytest.mark.parametrize("steps", [1, 6])
def test_the_cell_s_equations_hold_at_every_step_of_a_record(steps):
    for cell in ("lstm", "gru"):
        record, _ = recorded(cell, steps=steps)
        for layer in range(2):
            v = {symbol: record.channel(layer, symbol) for symbol in record.channels}
            if cell == "lstm":
                c = v["f"] * record.before(layer, "c") + v["i"] * v["g"]
                np.testing.assert_allclose(v["c"], c, atol=1e-6)
                np.testing.assert_allclose(v["h"], v["o"] * np.tanh(v["c"]), atol=1e-6)
            else:
                h = (1 - v["z"]) * v["n"] + v["z"] * record.before(layer, "h")
                np.testing.assert_allclose(v["h"], h, atol=1e-6)


def test_a_layer_s_reverse_direction_starts_from_its_own_state():
    layer = torch.nn.GRU(3, 4, bidirectional=True)
    start = torch.randn(2, 2, 4)
    with probe(layer) as found:
        layer(torch.randn(5, 2, 3), start)[0].sum().backward()
    one = found[""].layers[0]
    for trace, wanted in ((one.forward, start[0]), (one.reverse, start[1])):
        torch.testing.assert_close(trace.initial, (wanted,))


def test_records_that_were_stored_before_initial_states_still_load_and_say_that_they_know_none():
    data = recorded("lstm")[0].to_bytes()
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    tensors = load(data)
    del tensors["initial"]
    old = Record.from_bytes(save(tensors, metadata=metadata))
    assert np.isnan(old.before(1, "c")[0]).all()
    np.testing.assert_array_equal(old.before(1, "c")[1:], old.channel(1, "c")[:-1])


def test_units_are_ranked_as_slow_loops_rank_them():
    record, _ = recorded("lstm", size=9)
    h, gates = record.channel(1, "h"), [record.channel(1, symbol) for symbol in "ifo"]
    units = range(9)
    np.testing.assert_allclose(ranking(record, 1, "variance"), [np.var(h[:, u]) for u in units], rtol=1e-5)
    forget = [sum(record.channel(1, "f")[:, u]) / 6 for u in units]
    np.testing.assert_allclose(ranking(record, 1, "timescale"), forget, rtol=1e-6)
    ended = [sum(float(v < 0.1 or v > 0.9) for gate in gates for v in gate[:, u]) / 18 for u in units]
    np.testing.assert_allclose(ranking(record, 1, "saturation"), ended)


def test_a_gru_is_ranked_by_z_and_a_plain_rnn_by_its_hidden_state():
    record = made("gru", r=[[0.5, 0.5, 0.05]], z=[[0.2, 0.95, 0.09]], n=[[0.0] * 3], h=[[0.1] * 3])
    np.testing.assert_allclose(ranking(record, 0, "timescale"), [0.2, 0.95, 0.09])
    np.testing.assert_allclose(ranking(record, 0, "saturation"), [0, 0.5, 1])
    plain = made("rnn_tanh", h=[[0.95, -0.95, 0.05], [0.0, -0.99, 0.05]])
    np.testing.assert_allclose(ranking(plain, 0, "saturation"), [0.5, 1, 0])
    assert np.isnan(ranking(plain, 0, "timescale")).all()


def test_a_unit_that_never_moves_is_told_from_one_that_does_and_one_step_tells_nothing():
    assert still(made("rnn_tanh", h=[[0.5, 0.5, 0.5], [0.5, 0.6, np.nan]]), 0).tolist() == [True, False, False]
    assert not still(made("rnn_tanh", h=[[0.5, 0.5]]), 0).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_rank_their_unit_alone_as_unknown(bad):
    record = made("gru", r=[[0.5, 0.5]] * 2, z=[[0.2, bad], [0.2, 0.3]], n=[[0, 0]] * 2, h=[[0.1, bad], [0.2, 0.1]])
    for by in ("timescale", "saturation", "variance"):
        assert np.isnan(ranking(record, 0, by)).tolist() == [False, True], by


@pytest.mark.parametrize("size", [1, 5, 128, 129, 1000, 4096])
def test_few_enough_units_are_kept_and_their_numbers_have_three_digits(size):
    kept = units_kept(size)
    assert len(kept) == min(size, 128)
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert (kept[0], kept[-1]) == (0, min(size, 1000) - 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_saturation_is_unknown_for_a_unit_whose_values_are_not_finite(bad):
    hidden = torch.tensor([[[0.95, 0.5]], [[0.05, bad]]])
    record = saturation([SimpleNamespace(gates={}, hidden=hidden, cell=None)], cell="rnn_tanh", step=1)
    np.testing.assert_array_equal(record.left, [[[0.5, np.nan]]])
    np.testing.assert_array_equal(record.right, [[[0.5, np.nan]]])

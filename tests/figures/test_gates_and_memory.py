"""Claims about the figures of Gates and memory: sorted rows, the picked unit, time scales, and all over training."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.figures.base import Line, Look
from dashboard.figures.gate_activity import gate_activity
from dashboard.figures.memory import in_steps, timescale_histogram, timescale_over_training
from dashboard.figures.saturation import saturation, saturation_over_training
from dashboard.figures.unit_over_time import unit_over_time
from dashboard.figures.unit_over_training import unit_over_training
from dashboard.live.encoding import encode, to_json
from rnncore.cells import CELLS
from rnncore.diagnostics.findings import saturated_units
from rnncore.diagnostics.saturation import H_ENDS_AT_1
from rnncore.records import MemoryTimescale, Saturation
from tests.diagnostics.test_gate_activity import made, recorded

LSTM, RNN = Line("LSTM", "lstm"), Line("RNN", "rnn_tanh")
NAMES = {"i": "input", "f": "forget", "o": "output"}


def memory(leak=(0.5, 0.1, 0.01), step=1, cell="lstm", level=0.25):
    gate = {"lstm": "f", "gru": "z"}.get(cell, "")
    channels = (*(one.symbol for one in CELLS[cell].gates), "h", *("c" if cell == "lstm" else ""))
    units = np.arange(len(leak))
    levels = level + np.arange(len(channels))[None, :, None] / 100 + np.zeros(len(leak))  # by channel
    return MemoryTimescale(
        step=step, cell=cell, gate=gate, window=64, sequences=8, channels=channels, units=units,
        leak=np.array([leak if gate else []], np.float32), levels=levels,
    )  # fmt: skip


def shares(step=1, gates=("i", "f", "o"), left=0.2, right=0.3, units=4):
    shape = (1, len(gates), units)
    return Saturation(step=step, cell="lstm", gates=gates, left=np.full(shape, left), right=np.full(shape, right))


def caption(fig):
    return fig.layout.meta["caption"]


@pytest.mark.parametrize(("by", "first"), [("timescale", "longest"), ("saturation", "most"), ("variance", "most")])
def test_sorted_rows_stand_in_order_in_every_channel_and_keep_their_own_values(by, first):
    record, _ = recorded("lstm", size=7)
    fig = gate_activity(record, CELLS["lstm"].gates, by=by)
    h = record.channel(0, "h")
    ends = [record.channel(0, symbol) for symbol in "ifo"]
    score = {
        "timescale": record.channel(0, "f").mean(axis=0),
        "saturation": np.mean([((v < 0.1) | (v > 0.9)).mean(axis=0) for v in ends], axis=0),
        "variance": h.var(axis=0),
    }[by]
    for trace, symbol in zip(fig.data, record.channels, strict=True):
        order = [int(unit) for unit in trace.y]
        assert sorted(order) == list(range(7))
        assert (np.diff(score[order]) >= 0).all()  # the axis grows upwards: the largest is on top
        np.testing.assert_array_equal(trace.z, record.channel(0, symbol)[:, order].T)
    assert f"{first} " in caption(fig)
    assert "on top" in caption(fig)


def test_the_picked_unit_is_drawn_whichever_units_are_left_out_and_framed_in_every_channel():
    values = np.random.default_rng(0).random((3, 128))
    record = made("gru", r=values, z=values, n=values, h=values)
    fig = gate_activity(record, CELLS["gru"].gates, unit=78, by="variance")
    for trace, frame in zip(fig.data, fig.layout.shapes, strict=True):
        row = list(trace.y).index("78")
        assert (frame.y0, frame.y1) == (row - 0.5, row + 0.5)
    assert "<b>78</b>" in fig.layout.yaxis.ticktext
    assert "78" not in gate_activity(record, CELLS["gru"].gates).data[0].y


def test_units_that_never_move_are_counted():
    record = made("rnn_tanh", h=[[0.5, 0.1, 0.2], [0.5, 0.3, 0.2]])
    assert "2 of 3 never move" in caption(gate_activity(record, ()))


def test_a_unit_s_lines_are_the_record_s_values_gates_above_and_states_below():
    record, _ = recorded("lstm")
    fig = unit_over_time(record, CELLS["lstm"].gates, layer=1, unit=3, t=2)
    lines = {trace.name.split()[0]: trace for trace in fig.data if trace.mode == "lines"}
    assert set(lines) == set("ifgohc")
    for symbol, line in lines.items():
        np.testing.assert_array_equal(line.y, record.channel(1, symbol)[:, 3])
        assert line.yaxis == ("y" if symbol in "hc" else "y2")
    assert [one.x0 for one in fig.layout.shapes] == [2]
    (letters,) = (trace for trace in fig.data if trace.mode == "text")
    assert "".join(letters.text) == "abcdef"


def test_a_single_step_is_drawn_as_points_and_many_steps_label_every_few():
    record, _ = recorded("gru", steps=1)
    fig = unit_over_time(record, CELLS["gru"].gates)
    assert {trace.mode for trace in fig.data} == {"lines+markers", "text"}
    assert "one step only" in caption(fig)
    long = made("rnn_tanh", h=np.random.default_rng(0).random((500, 1)))
    (letters,) = (trace for trace in unit_over_time(long, ()).data if trace.mode == "text")
    assert 30 <= len(letters.text) <= 72


def test_a_unit_that_never_moves_or_is_not_finite_is_called_so():
    assert "never moves: h stays at −0.500" in caption(unit_over_time(made("rnn_tanh", h=[[-0.5], [-0.5]]), ()))
    fig = unit_over_time(made("rnn_tanh", h=[[0.5], [np.nan]]), ())
    assert "50% of its values are not finite" in caption(fig)
    assert np.isnan(fig.data[0].y[1])


def test_time_scales_fall_into_bins_that_hold_them_and_all_units_are_counted():
    fig = timescale_histogram([(LSTM, memory((0.5, 0.5, 0.1, 0.01)))])
    edges, share = np.array(fig.data[0].x), np.array(fig.data[0].y)[:-1]
    assert share.sum() == pytest.approx(1)
    for steps, wanted in ((2, 0.5), (10, 0.25), (100, 0.25)):
        found = [s for low, high, s in zip(edges[:-1], edges[1:], share, strict=True) if low * 0.9 < steps < high * 1.1]
        assert sum(found) == pytest.approx(wanted), steps
    assert fig.layout.xaxis.type == "log"
    assert np.diff(np.log(edges)) == pytest.approx(np.log(edges[1] / edges[0]), rel=1e-4)
    assert caption(fig) == "median 10 steps, longest 100 steps; 1 of 4 units keep for longer than the window"


def test_the_window_stands_where_it_belongs_on_the_log_axis():
    fig = timescale_histogram([(LSTM, memory())])
    assert fig.layout.shapes[0].x0 == 64
    assert fig.layout.annotations[0].x == pytest.approx(np.log10(64))
    assert "T = 64" in fig.layout.annotations[0].text


def test_units_that_keep_for_ever_stand_at_the_end_of_an_axis_that_is_long_enough():
    fig = timescale_histogram([(LSTM, memory((0.5, 1e-4, 0.0)))])
    assert fig.data[0].x[-1] == pytest.approx(1e6)
    assert fig.data[0].y[-1] == pytest.approx(1 / 3)
    assert "longest over 1,000,000 steps" in caption(fig)
    assert in_steps(2500.0) == "2,500 steps"


def test_a_plain_rnn_is_told_to_have_no_time_scale_and_shows_h_in_its_place():
    alone = timescale_histogram([(RNN, memory(cell="rnn_tanh"))])
    assert "no gate keeps the state" in caption(alone)
    assert alone.layout.xaxis.type != "log"
    assert "|h|" in alone.layout.xaxis.title.text
    beside = timescale_histogram([(LSTM, memory()), (RNN, memory(cell="rnn_tanh"))])
    assert [trace.name for trace in beside.data] == ["LSTM"]
    assert "RNN: no gate keeps the state" in caption(beside)
    history = timescale_over_training([(RNN, [memory(cell="rnn_tanh")])])
    assert "|h|" in history.layout.yaxis.title.text


def test_units_without_a_finite_gate_are_left_out_and_counted_and_all_of_them_is_said():
    assert "1 not finite" in caption(timescale_histogram([(LSTM, memory((0.5, np.nan)))]))
    gone = timescale_histogram([(LSTM, memory((np.nan, np.nan)))])
    assert not gone.data
    assert "diverged" in gone.layout.annotations[0].text
    history = timescale_over_training([(LSTM, [memory(), memory((np.nan,) * 3, step=2)])])
    assert np.isnan(history.data[-1].y[1])


def test_the_band_over_training_has_the_quantiles_of_the_units():
    leaks = 1 / np.linspace(1, 101, 101)  # time scales 1, 2, ..., 101: quantile q stands at 1 + 100 q
    fig = timescale_over_training([(LSTM, [memory(leaks, step=1), memory(leaks / 10, step=5)])], at=5)
    median = fig.data[-1]
    np.testing.assert_allclose(median.x, [1, 5])
    np.testing.assert_allclose(median.y, [51, 510], rtol=1e-5)
    np.testing.assert_allclose(median.customdata, [[11, 91], [110, 910]], rtol=1e-5)
    wide, half = fig.data[0], fig.data[1]
    np.testing.assert_allclose(wide.y, [11, 110, 910, 91], rtol=1e-5)
    np.testing.assert_allclose(half.y, [26, 260, 760, 76], rtol=1e-5)
    assert {shape.x0 for shape in fig.layout.shapes} == {0, 5}  # the window, and the moment
    assert fig.layout.yaxis.type == "log"


def test_a_unit_over_training_shows_its_means_and_its_time_scale_at_each_probe():
    records = [memory((0.5, 0.1), step=1, level=0.2), memory((0.25, 0.01), step=9, level=0.4)]
    fig = unit_over_training(records, CELLS["lstm"].gates, unit=1)
    lines = {trace.name: trace for trace in fig.data if trace.yaxis != "y2"}
    assert set(lines) == {"i", "f", "|g|", "o", "|h|"}
    np.testing.assert_allclose(lines["f"].y, [0.21, 0.41], rtol=1e-6)
    np.testing.assert_allclose(lines["|h|"].y, [0.24, 0.44], rtol=1e-6)
    (scale,) = (trace for trace in fig.data if trace.yaxis == "y2")
    np.testing.assert_allclose(scale.y, [10, 100], rtol=1e-6)
    assert "keeps its state for 100 steps" in caption(fig)
    back = unit_over_training(records, CELLS["lstm"].gates, unit=1, at=3)
    assert "keeps its state for 10 steps" in caption(back)
    assert back.layout.shapes[0].x0 == 3


def test_a_plain_rnn_s_unit_over_training_has_h_only_and_says_why():
    fig = unit_over_training([memory(cell="rnn_tanh")], ())
    assert [trace.name for trace in fig.data] == ["|h|"]
    assert "no gate keeps the state" in caption(fig)


def test_the_picked_unit_is_ringed_in_the_scatter():
    fig = saturation(shares(), NAMES, unit=2)
    rings = [trace for trace in fig.data if trace.marker.size == 13]
    assert len(rings) == 3
    assert not [trace for trace in saturation(shares(), NAMES).data if trace.marker.size == 13]


def test_saturation_over_training_is_the_mean_share_of_the_units():
    fig = saturation_over_training([shares(1, left=0.1), shares(8, left=0.4, right=0.6)], NAMES, at=8)
    lines = {(trace.name[0], trace.line.dash): trace for trace in fig.data}
    assert len(lines) == 6
    np.testing.assert_allclose(lines["f", "solid"].y, [0.3, 0.6], rtol=1e-6)
    np.testing.assert_allclose(lines["f", "dot"].y, [0.1, 0.4], rtol=1e-6)
    np.testing.assert_allclose(lines["f", "dot"].x, [1, 8])


def test_saturation_says_which_units_are_not_finite():
    record = shares()
    record.left[0, :, 1] = record.right[0, :, 1] = np.nan
    assert "1 units with values that are not finite" in caption(saturation(record, NAMES))
    assert "no unit's values are finite" in caption(saturation(shares(left=np.nan, right=np.nan), NAMES))
    over = saturation_over_training([record], NAMES)
    assert np.isfinite(over.data[0].y).all()


@pytest.mark.parametrize(
    "fig",
    [
        unit_over_time(None, ()),
        unit_over_training([], ()),
        timescale_histogram([]),
        timescale_over_training([]),
        timescale_over_training([(LSTM, [])]),
        saturation_over_training([], {}),
    ],
)
def test_missing_data_is_explained(fig):
    assert "first probe" in fig.layout.annotations[0].text
    assert not fig.data


def test_the_live_page_gets_the_same_figures_that_plotly_has_checked():
    dark, table = Look("dark", "run1"), CELLS["lstm"].gates
    record, _ = recorded("lstm")
    for draw, arguments, options in (
        (gate_activity, (record, table, dark), {"by": "timescale", "unit": 2}),
        (unit_over_time, (record, table, dark), {"t": 1}),
        (unit_over_training, ([memory()], table, dark), {"at": 1}),
        (timescale_histogram, ([(LSTM, memory())], dark), {}),
        (timescale_over_training, ([(LSTM, [memory(), memory(step=4)])], dark), {"at": 1}),
        (saturation, (shares(), NAMES, dark), {"unit": 1}),
        (saturation_over_training, ([shares()], NAMES, dark), {}),
    ):
        plain, checked = draw.plain(*arguments, **options), draw(*arguments, **options)
        assert json.loads(to_json(encode(plain))) == json.loads(to_json(encode(checked)))


def test_an_h_without_bounds_is_not_cut_off_nor_called_saturated():
    """As in a TCN, a transformer or an LRU; that of a tanh has ends."""
    beyond = unit_over_training([memory(cell="tcn", level=2.5), memory(cell="tcn", level=3.5, step=2)], ())
    assert beyond.layout.yaxis.range[1] > 3.5
    assert unit_over_training([memory(cell="rnn_tanh")], ()).layout.yaxis.range[1] == 1.03
    for cell, ends in (("rnn_tanh", True), ("tcn", False), ("lru", False)):
        record = replace(shares(gates=("h",)), cell=cell)
        assert ("saturated" in saturation(record, {}).layout.yaxis.title.text) == ends
        assert ("cannot saturate" in caption(saturation(record, {}))) == (not ends)
        assert ("end at 1" in caption(timescale_histogram([(RNN, memory(cell=cell))]))) == ends
        assert bool(saturated_units(replace(shares(gates=("h",), right=1.0), cell=cell))) == ends


@pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if not any(gate.sigmoid for gate in cell.gates)])
def test_the_cells_whose_h_ends_at_1_are_those_that_never_pass_it(cell):
    torch.manual_seed(0)
    layer = CELLS[cell].layer(8, 8)
    with torch.no_grad():
        largest = float(layer(torch.full((6, 2, 8), 20.0) * torch.randn(6, 2, 8).sign())[0].abs().max())
    assert (largest <= 1) == (cell in H_ENDS_AT_1)

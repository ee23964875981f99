"""Claims about the pictures of parameters, of the noise scale, and of clipping."""

import json

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.gradient_norm import RECENT, clipped_share, gradient_norm
from dashboard.figures.parameters import RATIOS, USUAL_RATIO, gradient_by_gate, noise_scale, parts_in, update_ratio
from dashboard.live.encoding import encode, to_json
from dashboard.theme import gate_colour, with_alpha
from rnncore.records import Parameters
from tests.figures.test_figures import train

LSTM, GRU = Line("LSTM · 8", "lstm"), Line("GRU · 8", "gru")
DARK = Look("dark", "run1")


def parameters(step=1, layers=1, symbols="ifgo", **changes):
    """Norms 1, 2, 3, ... of each part; every update a thousandth of its weight."""
    names, gates = ["embedding.weight"], [""]
    for layer in range(layers):
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            for symbol in symbols or ("",):
                names.append(f"layers.{layer}.{kind}_l0")
                gates.append(symbol)
    names, gates = [*names, "readout.weight"], [*gates, ""]
    norms = np.arange(1.0, len(names) + 1)
    given = {
        "step": step, "cell": "lstm", "names": tuple(names), "gates": tuple(gates), "sizes": np.full(len(names), 16),
        "gradient": norms, "weight": norms, "update": norms * 1e-3, "batch": 32, "part": 8, "noise_scale": 50.0,
        "noise_low": 30.0, "noise_high": 90.0, "noise_count": 9, "gradient_squared": 2.0, "noise_trace": 100.0,
    }  # fmt: skip
    return Parameters(**given | changes)


def test_each_gate_has_its_colour_and_its_own_number():
    record = parameters(layers=2)
    fig = gradient_by_gate(record, layer=1)
    for trace, symbol in zip(fig.data, "ifgo", strict=False):
        assert trace.name == symbol
        assert trace.marker.color == with_alpha(gate_colour(symbol, "light"), 0.75)
        for kind, value in zip(trace.y, trace.x, strict=True):
            n = next(
                n for n, name in enumerate(record.names) if name == f"layers.1.{kind}_l0" and record.gates[n] == symbol
            )
            assert value == record.gradient[n]
    assert list(fig.data[-1].y) == ["embedding.weight", "readout.weight"]
    np.testing.assert_allclose(fig.data[0].customdata, fig.data[0].x / 4)  # of a single weight: norm / √numbers


def test_a_cell_without_gates_has_one_dot_for_each_parameter():
    fig = gradient_by_gate(parameters(symbols=""))
    assert list(fig.data[0].y) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    assert fig.layout.meta["caption"] == "at step 1"


def test_a_cell_with_parameters_of_its_own_has_them_in_its_own_layer_and_few_of_them_as_curves():
    kinds = [f"{what}_{where}" for where in ("ih", "out", "up", "down", "norm_up") for what in ("weight", "bias")]
    names = ["embedding.weight", *(f"layers.{n}.{kind}_l0" for n in (0, 1) for kind in kinds), "readout.bias"]
    numbers = np.arange(1.0, len(names) + 1)
    record = parameters(
        cell="transformer", names=tuple(names), gates=("",) * len(names), sizes=np.full(len(names), 4),
        gradient=numbers, weight=numbers, update=numbers * 1e-3,
    )  # fmt: skip
    own, others = parts_in(record, 1)
    assert [(kind, names[n]) for kind, n in own] == [(kind, f"layers.1.{kind}_l0") for kind in kinds]
    assert [names[n] for n in others] == ["embedding.weight", "readout.bias"]
    fig = update_ratio([record], layer=1)
    assert [trace.name for trace in fig.data] == [
        "weight_ih", "weight_out", "weight_up", "weight_down", "embedding.weight",
    ]  # fmt: skip
    assert len({(trace.line.color, trace.line.dash) for trace in fig.data}) == 5
    assert fig.layout.meta["caption"].endswith("without biases and norms")
    assert "without" not in update_ratio([parameters()]).layout.meta["caption"]


def test_layers_of_any_model_are_told_apart_by_their_paths():
    names = ("a.weight_ih_l0", "a.weight_hh_l0", "a.weight_ih_l0_reverse", "a.weight_ih_l1", "b.weight_ih_l0", "head")
    ones = np.ones(len(names))
    record = Parameters(
        step=1, cell="lstm", names=names, gates=("",) * 6, sizes=ones, gradient=ones, weight=ones, update=ones
    )
    assert [[n for _, n in parts_in(record, layer)[0]] for layer in range(5)] == [[0, 1], [2], [3], [4], [4]]
    assert parts_in(record, 0)[1] == [5]


def test_the_ratio_of_a_parameter_is_that_of_all_its_gates_together():
    records = [parameters(step) for step in (1, 2, 4)]
    fig = update_ratio(records, at=2)
    assert {trace.name for trace in fig.data} == {
        "weight_ih", "weight_hh", "bias_ih", "bias_hh", "embedding.weight", "readout.weight",
    }  # fmt: skip
    for trace in fig.data:
        np.testing.assert_allclose(trace.y, 1e-3, rtol=1e-6)
    assert tuple(fig.layout.yaxis.range) == RATIOS
    guide, moment = fig.layout.shapes
    assert guide.y0 == USUAL_RATIO
    assert moment.x0 == 2
    assert "step 2 moved weight_hh by 1.0e-03" in fig.layout.meta["caption"]


def test_the_ratio_is_split_into_gates_on_request():
    fig = update_ratio([parameters()], kind="weight_hh")
    assert [trace.name for trace in fig.data] == [f"weight_hh {symbol}" for symbol in "ifgo"]
    assert [trace.line.color for trace in fig.data] == [gate_colour(symbol, "light") for symbol in "ifgo"]


def test_weights_that_are_all_zero_have_no_ratio():
    record = parameters(weight=np.zeros(18))
    assert np.isnan(record.ratio).all()
    assert all(np.isnan(trace.y).all() for trace in update_ratio([record]).data)


def test_the_noise_scale_stands_beside_the_batch_size_with_its_interval():
    fig = noise_scale([(LSTM, [parameters(1), parameters(2, noise_scale=60.0)])])
    band, value, batch = fig.data
    assert list(value.y) == [50, 60]
    assert sorted({float(one) for one in band.y}) == [30, 90]
    assert list(batch.y) == [32, 32]
    words = "60 sequences (30 to 90) over 9 measurements; the batch has 32"
    assert fig.layout.meta["caption"] == words
    both = noise_scale([(LSTM, [parameters()]), (GRU, [])])
    assert [trace.name for trace in both.data[1:]] == ["noise scale", "batch size"]


def test_it_is_said_why_a_noise_scale_cannot_be_told():
    unknown = {"noise_scale": np.nan, "noise_low": np.nan, "noise_high": np.nan, "why": "3 of 6 measurements so far"}
    fig = noise_scale([(LSTM, [parameters(1), parameters(2, **unknown)])])
    assert fig.layout.meta["caption"] == "cannot be told: 3 of 6 measurements so far"
    assert np.isnan(fig.data[1].y[1])
    then = noise_scale([(LSTM, [parameters(1), parameters(2, **unknown)])], at=1)
    assert then.layout.meta["caption"].startswith("50 sequences")


def test_gradients_that_are_not_finite_are_said():
    gradient = np.ones(18)
    gradient[3] = np.nan
    fig = gradient_by_gate(parameters(gradient=gradient))
    assert fig.layout.meta["caption"] == "the gradient is no longer finite"
    assert np.isfinite(fig.layout.xaxis.range).all()


def test_the_weights_left_out_are_said():
    assert "25% of the weights looked at" in gradient_by_gate(parameters(share=0.25)).layout.meta["caption"]


@pytest.mark.parametrize("fig", [gradient_by_gate(None), update_ratio([]), noise_scale([]), noise_scale([(LSTM, [])])])
def test_missing_data_is_explained(fig):
    assert len(fig.layout.annotations[0].text) > 15
    assert not fig.data


def test_the_share_of_clipped_steps_is_that_of_the_last_ones():
    series = train(steps=3 * RECENT)
    series["grad_norm"][RECENT : 2 * RECENT] = 4.0  # threshold 1
    share = clipped_share(series)
    expected = [(series["grad_norm"][max(0, i - RECENT + 1) : i + 1] > 1).mean() for i in range(3 * RECENT)]
    np.testing.assert_allclose(share, expected)
    fig = gradient_norm([(LSTM, series)], share=True)
    drawn = next(trace for trace in fig.data if trace.yaxis == "y2")
    assert drawn.y.max() == 1.0
    assert fig.layout.yaxis2.range[1] > 1


def test_norm_before_and_after_clipping_differ_where_the_threshold_acts_and_follow_its_changes():
    series = train(steps=6, norm=2.0)
    series["clip_norm"] = np.array([1.0, 1.0, 1.5, 3.0, np.nan, np.nan])
    series["grad_norm"][5] = np.inf
    fig = gradient_norm([(LSTM, series)], share=True)
    after = next(trace for trace in fig.data if trace.name == "after clipping")
    before = next(trace for trace in fig.data if trace.name == "before clipping")
    np.testing.assert_allclose(after.y, [1, 1, 1.5, 2, 2, np.nan])
    np.testing.assert_allclose(before.y, [2, 2, 2, 2, 2, np.nan])


def test_going_back_tells_the_clipping_of_then():
    series = train(steps=500)
    series["grad_norm"][300:] = 4.0
    words = gradient_norm([(LSTM, series)], at=200).layout.meta["caption"]
    assert words == "0.5 at step 200, threshold 1, 0% of the last 200 steps clipped"
    assert "4 now" in gradient_norm([(LSTM, series)]).layout.meta["caption"]


@pytest.mark.parametrize(
    ("draw", "arguments", "options"),
    [
        (gradient_by_gate, (parameters(), DARK), {}),
        (update_ratio, ([parameters(1), parameters(2)], DARK), {"at": 1}),
        (noise_scale, ([(LSTM, [parameters()]), (GRU, [parameters()])], DARK), {}),
        (gradient_norm, ([(LSTM, train(norm=2.0))], DARK, 7), {"share": True}),
    ],
)
def test_the_live_page_gets_the_same_figures_that_plotly_has_checked(draw, arguments, options):
    sent, checked = draw.plain(*arguments, **options), draw(*arguments, **options)
    assert json.loads(to_json(encode(sent))) == json.loads(to_json(encode(checked)))

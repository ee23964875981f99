"""Claims about the pictures of single losses: fixed scales, the row pointed at, no number that was not measured."""

import json

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.decades import RANGE, decades, logarithms
from dashboard.figures.gradient_flow import gradient_flow
from dashboard.figures.gradient_over_training import gradient_over_training
from dashboard.figures.per_loss import one_loss, per_loss
from dashboard.live.encoding import encode, to_json
from rnncore.records import PerLoss
from tests.figures.test_figures import flow

LSTM = Line("LSTM · 8", "lstm")
DARK = Look("dark", "run1")


def matrix(count=6, factor=0.5, stride=1, cell=True, rows=("layer 1",), **changes):
    """‖∂L_τ/∂h_t‖ = factor^(τ - t), zero for τ < t."""
    places = np.arange(count) * stride
    lag = places[:, None] - places[None, :]
    one = np.where(lag >= 0, float(factor) ** np.maximum(lag, 0), 0.0).astype(np.float32)
    values = np.stack([one * (row + 1) for row in range(len(rows))])
    total = np.sqrt((values**2).sum(1))
    none = np.zeros((0, count), np.float32)
    given = {
        "step": 8, "cell": "lstm", "rows": rows, "window": count * stride, "steps": count * stride, "stride": stride,
        "batch": 4, "sequences": 4, "losses": places, "reads": places, "hidden": values,
        "cells": values * 3 if cell else np.zeros((0, count, count), np.float32), "hidden_sum": total,
        "hidden_total": total, "cell_sum": total * 3 if cell else none, "cell_total": total * 3 if cell else none,
        "sum_error": 2e-7,
    }  # fmt: skip
    return PerLoss(**given | changes)


def test_the_colours_are_powers_of_ten_on_a_scale_that_does_not_follow_the_data():
    for factor in (0.5, 1e-4):
        heatmap = per_loss(matrix(factor=factor)).data[0]
        assert (heatmap.zmin, heatmap.zmax) == RANGE
        np.testing.assert_allclose(np.diagonal(heatmap.z), 0, atol=1e-6)
    assert heatmap.z[5, 3] == -8  # 1e-8 and all below it: the end of the scale
    assert heatmap.z[5, 0] == -8
    assert decades(1e5) == [-8, 6]
    assert decades(1e37) == [-8, 38]


def test_what_no_loss_depends_on_is_blank():
    heatmap = per_loss(matrix()).data[0]
    assert np.isnan(heatmap.z[np.triu_indices(6, 1)]).all()
    assert np.isfinite(heatmap.z[np.tril_indices(6)]).all()


def test_columns_by_lag_hold_the_same_numbers_growing_to_the_left():
    record = matrix(stride=2)
    fig = per_loss(record, by_lag=True)
    heatmap = fig.data[0]
    np.testing.assert_array_equal(heatmap.x, [0, 2, 4, 6, 8, 10])
    for row in range(6):
        np.testing.assert_allclose(heatmap.z[row, : row + 1], np.arange(row + 1) * 2 * np.log10(0.5), atol=1e-5)
        assert np.isnan(heatmap.z[row, row + 1 :]).all()
    assert fig.layout.xaxis.range[0] > fig.layout.xaxis.range[1]


@pytest.mark.parametrize(("tau", "found"), [(None, 10), (999, 10), (4, 4), (5, 4), (0, 0)])
def test_the_loss_pointed_at_is_marked_and_drawn_beside_all_others(tau, found):
    record = matrix(stride=2)
    (frame,) = per_loss(record, tau=tau).layout.shapes
    assert (frame.y0 + frame.y1) / 2 == found
    fig = one_loss(record, LSTM, tau=tau)
    alone = fig.data[-1]
    assert alone.name == f"loss at τ = {found} alone"
    expected = record.hidden[0, found // 2]
    np.testing.assert_allclose(alone.y, np.where(expected > 0, expected, np.nan))
    assert fig.layout.shapes[0].x0 == found
    assert tuple(fig.layout.yaxis.range) == RANGE


def test_the_sum_is_the_norm_of_a_sum_and_is_held_against_the_total():
    record = matrix()
    total, summed, _ = one_loss(record, LSTM).data
    np.testing.assert_array_equal(total.y, record.hidden_total[0])
    np.testing.assert_array_equal(summed.y, record.hidden_sum[0])
    assert summed.name == "‖Σ over τ‖ of the matrix"  # not Σ‖·‖
    assert (summed.y[:-1] < record.hidden[0].sum(0)[:-1]).all()
    assert "agree to 2e-07" in one_loss(record, LSTM).layout.meta["caption"]
    assert "misses 30%" in one_loss(matrix(sum_error=0.3), LSTM).layout.meta["caption"]


def test_the_cell_state_and_other_layers_are_drawn_on_request_where_there_are_any():
    record = matrix(rows=("layer 1", "layer 2"))
    assert per_loss(record, layer=1).data[0].z[0, 0] == pytest.approx(np.log10(2))
    assert per_loss(record, layer=9, cell=True).data[0].z[0, 0] == pytest.approx(np.log10(6))
    np.testing.assert_array_equal(one_loss(record, LSTM, layer=1, cell=True).data[0].y, record.cell_total[1])
    assert "h" in per_loss(matrix(cell=False), cell=True).layout.xaxis.title.text
    assert "layer 2 at step 8" in per_loss(record, layer=1).layout.meta["caption"]


def test_what_was_left_out_is_said():
    words = per_loss(matrix(stride=2, batch=32, window=99)).layout.meta["caption"]
    assert words == "at step 8, one loss in 2, the last 12 of 99 steps, 4 of 32 sequences"
    assert per_loss(matrix()).layout.meta["caption"] == "at step 8"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_blank_and_said(bad):
    record = matrix()
    record.hidden[0, 3, 1] = bad
    fig = per_loss(record)
    assert np.isnan(fig.data[0].z[3, 1])
    assert "no longer finite" in fig.layout.meta["caption"]
    assert "no longer finite" in one_loss(record, LSTM).layout.meta["caption"]
    assert np.isfinite(one_loss(record, LSTM).layout.yaxis.range).all()


def test_a_single_step_is_a_dot_and_a_square():
    record = matrix(count=1)
    assert per_loss(record, by_lag=True).data[0].z.shape == (1, 1)
    assert one_loss(record, LSTM).data[-1].mode == "markers"
    assert gradient_flow([(LSTM, flow([1.0], factor=np.nan))]).data[0].mode == "markers"


def test_before_the_first_measurement_it_is_said_what_to_do():
    for fig in (per_loss(None, DARK), one_loss(None, LSTM), gradient_over_training([])):
        assert len(fig.layout.annotations[0].text) > 15
        assert not fig.data


def flows(count, length=5):
    found = []
    for index in range(count):
        record = flow(10.0 ** -np.arange(length)[::-1] * (index + 1), factor=0.1)
        object.__setattr__(record, "step", 2**index)
        found.append(record)
    return found


def test_over_training_each_column_holds_until_the_next_measurement():
    records = flows(4)
    fig = gradient_over_training(records, at=4)
    heatmap = fig.data[0]
    assert list(heatmap.x) == [1, 2, 4, 8, 12]  # edges
    assert list(heatmap.y) == [0, 1, 2, 3, 4]
    assert (heatmap.zmin, heatmap.zmax) == RANGE
    for column, record in enumerate(records):
        np.testing.assert_allclose(heatmap.z[:, column], np.log10(record.hidden_last[0, ::-1]), atol=1e-5)
    assert fig.layout.shapes[0].x0 == 4
    assert "at step 1" in fig.layout.meta["caption"]
    assert "at step 4" in fig.layout.meta["caption"]


def test_over_training_long_windows_have_few_rows_and_one_record_is_a_column():
    assert gradient_over_training(flows(2, length=30) * 1).data[0].z.shape == (30, 2)
    long = gradient_over_training([flow(np.ones(1000))]).data[0]
    assert long.z.shape == (128, 1)
    assert (long.y[0], long.y[-1]) == (0, 999)


def test_over_training_what_is_not_finite_is_blank_and_said():
    records = flows(3)
    records[1].hidden_last[0, 2] = np.nan
    fig = gradient_over_training(records)
    assert np.isnan(fig.data[0].z[2, 1])
    assert "not finite" in fig.layout.meta["caption"]


def test_the_curves_may_be_those_of_the_last_loss_or_of_all_losses():
    record = flow([0.25, 0.5, 1.0])
    object.__setattr__(record, "cell_total", record.cell_total * 7)
    names = [trace.name for trace in gradient_flow([(LSTM, record)], total=False).data]
    assert names == ["c, last loss", "h, last loss", "fit"]
    fig = gradient_flow([(LSTM, record)], last=False)
    assert [trace.name for trace in fig.data] == ["h, all losses", "c, all losses"]
    np.testing.assert_allclose(fig.data[1].y, record.cell_total[0])
    assert "factor 0.500" in fig.layout.meta["caption"]


def test_logarithms_leave_out_what_has_none():
    values = np.array([1e-12, 0.0, -1.0, np.nan, np.inf, 100.0])
    np.testing.assert_array_equal(logarithms(values, -8), np.array([-8, np.nan, np.nan, np.nan, np.nan, 2], np.float32))


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (per_loss, (matrix(), DARK)),
        (one_loss, (matrix(), LSTM, DARK)),
        (gradient_over_training, (flows(3), DARK)),
    ],
)
def test_the_live_page_gets_the_same_figures_that_plotly_has_checked(draw, arguments):
    assert json.loads(to_json(encode(draw.plain(*arguments)))) == json.loads(to_json(encode(draw(*arguments))))

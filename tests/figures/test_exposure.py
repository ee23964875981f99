"""Claims about the pictures of exposure: bits, intervals with their signs, and sentences where there is nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.exposure import (
    SIGMAS,
    exposure_by_position,
    exposure_over_training,
    interval_in_words,
    written_bits,
)
from rnncore.records import Exposure
from rnncore.records.exposure import Interval

LSTM, GRU = Line("LSTM · 8", "lstm"), Line("GRU · 8", "gru", "dash")
K = 6


def record(step=1, gap=(1.0, 0.5, 1.5), written=2.0, order=5, **more):
    values = {
        "forced": np.full(K, 2.0) * math.log(2),
        "forced_error": np.full(K, 0.1) * math.log(2),
        "free": np.full(K, 3.0) * math.log(2),
        "free_error": np.full(K, 0.2) * math.log(2),
        "gap_error": np.full(K, 0.05) * math.log(2),
        "gap": tuple(value * math.log(2) for value in gap),
        "text_mean": np.full(K, 2.0),
        "written_mean": np.full(K, written),
        "band": np.full(K, 0.5),
        "drift": (0.1, -0.2, 0.4),
    }
    return Exposure(step=step, cell="lstm", unit="character", warmup=9, streams=64, order=order, **values | more)


def test_both_losses_are_drawn_in_bits_with_95_percent_bands():
    bands_and_lines = exposure_by_position([(LSTM, record())]).data
    free_band, free, _, forced = bands_and_lines
    np.testing.assert_allclose(free.y, 3, rtol=1e-6)
    np.testing.assert_allclose(forced.y, 2, rtol=1e-6)
    np.testing.assert_allclose(free_band.y[:K] - free_band.y[K:], 2 * SIGMAS * 0.2, rtol=1e-5)
    np.testing.assert_array_equal(free.x, np.arange(1, K + 1))
    assert free.line.color != forced.line.color


def test_the_gap_by_position_has_the_error_of_the_pairs():
    band, line = exposure_by_position([(LSTM, record())], gap=True).data
    np.testing.assert_allclose(line.y, 1, rtol=1e-6)
    np.testing.assert_allclose(band.y[:K] - band.y[K:], 2 * SIGMAS * 0.05, rtol=1e-5)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ((1.0, 0.5, 1.5), "+1.00 bits [+0.50, +1.50], more than zero"),
        ((0.1, -0.5, 0.7), "+0.10 bits [-0.50, +0.70], the interval holds zero"),
        ((-1.0, -1.5, -0.5), "-1.00 bits [-1.50, -0.50], less than zero"),
        ((math.nan,) * 3, "not finite"),
    ],
)
def test_a_gap_is_said_with_its_interval_and_whether_its_sign_is_certain(found, words):
    assert interval_in_words(Interval(*found)) == words
    if math.isfinite(found[0]):
        assert words in exposure_by_position([(LSTM, record(gap=found))]).layout.meta["caption"]


def test_two_runs_are_told_apart_by_dashes_and_named():
    fig = exposure_by_position([(LSTM, record()), (GRU, record())])
    assert {trace.line.dash for trace in fig.data if trace.name} == {"solid", "dash"}
    assert "GRU · 8, fed its own" in {trace.name for trace in fig.data}
    assert fig.layout.meta["caption"].count("free running costs +1.00 bits [+0.50, +1.50]") == 2


def test_the_first_position_outside_of_real_text_is_marked():
    mean = np.array([2, 2.4, 2.6, 2, 2, 2.0])
    fig = written_bits([(LSTM, record(written_mean=mean))], Look("dark"))
    real = next(trace for trace in fig.data if trace.name == "real text, 95 % band")
    cross = fig.data[-1]
    np.testing.assert_allclose(real.y, 2)
    assert cross.x[0] == 3
    assert cross.y[0] == pytest.approx(2.6)
    assert "keeps to real text for 2 of 6 characters" in fig.layout.meta["caption"]
    assert "for all 6 characters" in written_bits([(LSTM, record())]).layout.meta["caption"]
    assert len(written_bits([(LSTM, record())]).data) == 3  # nothing to mark


def test_the_gap_over_training_has_a_point_and_an_interval_per_record():
    records = [record(step, gap=(step, step - 1, step + 1)) for step in (1, 2, 4)]
    fig = exposure_over_training([(LSTM, records)], at=2)
    band, line = fig.data
    np.testing.assert_array_equal(line.x, [1, 2, 4])
    np.testing.assert_allclose(line.y, [1, 2, 4], rtol=1e-6)
    np.testing.assert_allclose(band.y[:3] - line.y, 1, rtol=1e-5)
    assert len(fig.layout.shapes) == 1
    both = exposure_over_training([(LSTM, records)], gap=False)
    assert [trace.name for trace in both.data] == ["fed its own", "fed the truth"]
    np.testing.assert_allclose(both.data[0].y, 3, rtol=1e-6)


def test_a_loss_that_is_not_finite_leaves_a_gap_in_the_line():
    fig = exposure_by_position([(LSTM, record(free=np.array([1, np.inf, np.nan, 1, 1, 1])))])
    assert np.isnan(fig.data[1].y[1:3]).all()


def test_where_nothing_was_measured_the_reason_is_said():
    short = replace(record(), streams=0, order=0, note="the validation text has fewer than 128 characters; use more")
    for draw in (exposure_by_position, written_bits):
        assert "appears here" in draw([]).layout.annotations[0].text
        assert "fewer than 128" in draw([(LSTM, short)]).layout.annotations[0].text
    assert "appears here" in exposure_over_training([]).layout.annotations[0].text
    assert "fewer than 128" in exposure_over_training([(LSTM, [short])]).layout.annotations[0].text
    words = replace(record(), order=0, note="three sentences need no n-gram model")
    assert "need no n-gram" in written_bits([(LSTM, words)]).layout.annotations[0].text
    assert exposure_by_position([(LSTM, words)]).data

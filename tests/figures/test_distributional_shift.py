"""Claims about the figures of distributional shift: true numbers, references drawn in, captions that claim no more."""

import dataclasses
import json
import math

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.distributional_shift import (
    BELOW,
    attractor,
    drift_words,
    error_growth,
    growth_words,
    later_words,
    trajectories,
)
from dashboard.figures.distributional_shift_training import drift_over_training, slope_over_training
from dashboard.live.encoding import encode, to_json
from rnncore.records import DistributionalShift

GRU, FED = Line("GRU · 32", "gru"), Line("GRU · 32 · ε 0.75", "gru", "dash")
DARK = Look("dark", "run1")


def shift(step=100, slope=0.43, start=-6.0, drift=10, note="", cell="gru", starts=21, horizon=40):
    """ln errors that grow on a line until the attractor's size, and a few points in place of clouds."""
    grown = np.minimum(start + np.nan_to_num(slope, nan=0.4) * np.arange(1, horizon + 1), math.log(1.3))
    path = np.random.default_rng(0).uniform(-1, 1, (horizon + 10, 8, 2)).astype(np.float32)
    return DistributionalShift(
        step=step, cell=cell, warmup=20, free=grown, free_error=np.full(horizon, 0.05), forced=np.full(horizon, start),
        size=1.3, exponent=0.4192, first=4, last=9, slope=slope, slope_error=0.01,
        drift=(drift + np.arange(starts) % 3 - 1).astype(np.int16), true_path=path, free_path=path[10:] + 0.01,
        true_cloud=path[0], free_cloud=path[1], off=0.016, note=note,
    )  # fmt: skip


def unfitted(**changes):
    return shift(slope=math.nan, note="the mean error passes a tenth of the attractor's size at step 2", **changes)


def traces(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def caption(figure):
    return figure.layout.meta["caption"]


def test_the_curve_is_the_geometric_mean_of_the_error():
    record = shift()
    found = traces(error_growth([(GRU, record)]))
    np.testing.assert_allclose(found["fed its own predictions"].y, np.exp(record.free), rtol=1e-6)
    np.testing.assert_allclose(found["fed the truth"].y, np.exp(record.forced), rtol=1e-6)
    assert list(found["fed its own predictions"].x) == list(range(1, 41))


def test_the_band_is_the_95_percent_interval():
    record = shift()
    band = next(trace for trace in error_growth([(GRU, record)]).data if trace.fill == "toself")
    np.testing.assert_allclose(band.y[:40] / band.y[40:][::-1], np.exp(2 * 1.96 * 0.05), rtol=1e-5)


def test_fit_and_own_slope_are_lines_of_their_slopes():
    found = traces(error_growth([(GRU, shift(slope=0.44))]))
    for name, slope in (("fit: 0.440", 0.44), ("slope of the map itself: 0.419", 0.4192)):
        np.testing.assert_allclose(np.diff(np.log(found[name].y.astype(float))), slope, atol=1e-5)
    fit, own = (found[name].y[[5, 6]].astype(float).prod() for name in ("fit: 0.440", "slope of the map itself: 0.419"))
    assert math.sqrt(own / fit) == pytest.approx(BELOW, rel=1e-5)  # at steps 6 and 7: the middle of 4 to 9
    record = shift(slope=0.44)
    assert math.sqrt(fit) == pytest.approx(math.exp(record.free[[5, 6]].mean()), rel=1e-5)


def test_the_captions_say_slope_interval_and_the_map_s_own():
    assert caption(error_growth([(GRU, shift())])) == (
        "slope 0.430 ± 0.020 (steps 4 to 9); the map itself 0.419 nats per step"
    )


def test_without_a_fit_there_is_a_reason_and_no_line():
    figure = error_growth([(GRU, unfitted())])
    assert "passes a tenth of the attractor's size at step 2" in caption(figure)
    assert set(traces(figure)) == {"fed its own predictions", "fed the truth"}


def test_two_runs_are_compared_only_when_trained_alike():
    pair = [(GRU, shift(drift=10)), (FED, shift(drift=8))]
    assert "from the same starts GRU · 32 · ε 0.75 drifts off 2.0 ± 0.0 steps earlier" in growth_words(pair)
    assert "same starts" not in growth_words([pair[0], (FED, shift(step=50, drift=8))])
    assert "same starts" not in growth_words([pair[0], (FED, shift(drift=8, starts=9))])


@pytest.mark.parametrize(
    ("mean", "interval", "said"),
    [(1.24, 0.3, "1.2 ± 0.3 steps later"), (-2.0, 0.5, "2.0 ± 0.5 steps earlier"),
     (-0.1, 0.3, "neither later nor earlier, to within 0.4 steps")],
)  # fmt: skip
def test_a_difference_within_its_interval_is_none(mean, interval, said):
    assert later_words(mean, interval) == said


def test_a_network_that_never_drifts_off_is_said_to_keep_at_least_so_long():
    record = dataclasses.replace(shift(), drift=np.full(21, 41, np.int16))
    assert drift_words(record) == "at least 41.0 ± 0.0"
    assert "at least" not in drift_words(dataclasses.replace(record, drift=np.full(21, 40, np.int16)))
    assert caption(trajectories(record, GRU)) == "within a tenth of the attractor's size for all 40 steps"


@pytest.mark.parametrize("start", [0, 3, 7])
def test_a_trajectory_is_that_of_its_start_and_marks_where_it_drifts_off(start):
    record = shift()
    figure = trajectories(record, GRU, start=start)
    found = traces(figure)
    np.testing.assert_allclose(found["truth"].y, record.true_path[:, start, 0], rtol=1e-6)
    np.testing.assert_allclose(found["network"].y, record.free_path[:, start, 0], rtol=1e-6)
    assert (found["truth"].x[0], found["network"].x[0], found["truth"].x[-1], found["network"].x[-1]) == (-9, 1, 40, 40)
    marks = [shape.x0 for shape in figure.layout.shapes if shape.type == "line"]
    assert marks == [record.drift[start]]


def test_the_attractor_shows_true_points_beneath_the_network_s():
    record = shift()
    truth, network = attractor(record, GRU).data
    np.testing.assert_array_equal(np.stack([truth.x, truth.y], -1), record.true_cloud)
    np.testing.assert_array_equal(np.stack([network.x, network.y], -1), record.free_cloud)
    assert "1.6% of the network's points" in caption(attractor(record, GRU))


def test_over_training_every_measurement_stands_at_its_step():
    records = [shift(step=step, drift=drift, slope=0.4 + step / 1e4) for step, drift in ((1, 2), (50, 6), (100, 9))]
    drift = traces(drift_over_training([(GRU, records)], at=50))["GRU · 32"]
    assert (list(drift.x), drift.y.tolist()) == ([1, 50, 100], pytest.approx([one.drift_mean for one in records]))
    figure = slope_over_training([(GRU, [unfitted(step=1), *records])])
    assert list(traces(figure)["GRU · 32"].x) == [1, 50, 100]
    assert any(shape.y0 == 0.4192 for shape in figure.layout.shapes)


def test_over_training_the_caption_tells_median_and_range_of_the_second_half():
    records = [shift(step=step, drift=drift) for step, drift in ((10, 2), (50, 6), (75, 9), (100, 7))]
    assert caption(drift_over_training([(GRU, records)])) == "second half of training: 7.0 steps (6.0 to 9.0)"


@pytest.mark.parametrize("draw", [error_growth, drift_over_training, slope_over_training])
def test_without_a_record_a_figure_says_what_is_to_come(draw):
    assert "runs freely for the first time" in draw([]).layout.annotations[0].text


@pytest.mark.parametrize("draw", [trajectories, attractor])
def test_without_a_record_a_run_s_figure_says_what_is_to_come(draw):
    assert "runs freely for the first time" in draw(None, GRU).layout.annotations[0].text


def test_without_any_slope_the_reason_stands_in_its_place():
    figure = slope_over_training([(GRU, [unfitted()])])
    assert "No slope yet: the mean error passes a tenth" in figure.layout.annotations[0].text


@pytest.mark.parametrize("record", [shift(), unfitted(), shift(start=6.0, slope=0.0), shift(start=-16.0)])
def test_every_figure_travels_as_json_without_a_number_that_is_none(record):
    pairs = [(GRU, record), (Line("<b>&", "gru", "dash"), record)]
    plain = [
        error_growth.plain(pairs, DARK), trajectories.plain(record, GRU, DARK), attractor.plain(record, GRU, DARK),
        drift_over_training.plain([(line, [one]) for line, one in pairs], DARK),
        slope_over_training.plain([(line, [one]) for line, one in pairs], DARK),
    ]  # fmt: skip
    for one in plain:
        sent = to_json(encode(one)).decode()
        assert "NaN" not in sent
        assert "<b>" not in sent
        for axis in ("xaxis", "yaxis"):
            assert None not in json.loads(sent)["layout"][axis].get("range", [])


def test_the_error_axis_keeps_its_range_and_makes_room_for_a_better_network():
    def low(record):
        return error_growth([(GRU, record)]).layout.yaxis.range[0]

    assert low(shift(start=-3.0)) == low(shift(start=-8.0)) == -4
    assert low(shift(start=-14.0)) < -6

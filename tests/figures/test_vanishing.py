"""Claims about the pictures of vanishing gradients: what is chosen is what is drawn, and an overflow is said."""

from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.vanishing import FLOAT32, clipping, factors, gradient_by_lag, singular_values
from rnncore.records import Vanishing

LAGS = np.arange(1, 11)
NORMS = np.array([[[0.5**k for k in LAGS], [2.0**k for k in LAGS]], [[0.9**k for k in LAGS], [1.1**k for k in LAGS]]])
RECORD = Vanishing(
    networks=("RNN", "LSTM"), cells=("rnn_tanh", "lstm"), gains=np.array([1.0, 4.0]), lags=LAGS, norms=NORMS,
    spectrum_at=np.array([1, 5]), spectra=np.array([[[[1, 0.1], [0.5, 0]]] * 2] * 2), trained=("LSTM",),
    trained_cells=("lstm",), trained_norms=np.array([[0.95**k for k in LAGS]]), trained_right=np.array([1.0]),
    clipped=("a", "b"), clipped_right=np.array([[0.6, 1.0], [0.1, np.nan]]), largest=np.array([[9.0, 4], [2, np.inf]]),
)  # fmt: skip


@pytest.mark.parametrize("gain", [0, 1, 99])
def test_gradients_are_those_of_the_chosen_gain_and_length_and_time_runs_to_the_right(gain):
    figure = gradient_by_lag(RECORD, Look("dark"), gain=gain, lags=6)
    at = min(gain, 1)
    for line, norms in zip(figure.data, NORMS[:, at], strict=True):
        assert list(line.y) == norms[:6].tolist()
    left, right = figure.layout.xaxis.range
    assert left > right
    assert f"× {RECORD.gains[at]:g}" in figure.layout.meta["caption"]


def test_what_overflows_in_training_is_said():
    norms = NORMS.copy()
    norms[0, 0, -1] = 1e40
    figure = gradient_by_lag(replace(RECORD, norms=norms), gain=0, lags=10)
    assert "float32 overflows" in figure.layout.meta["caption"]
    assert figure.layout.shapes[0].y0 == FLOAT32
    assert not gradient_by_lag(RECORD, gain=0, lags=10).layout.shapes


def test_factors_stand_at_their_values_and_the_trained_ones_as_rings_in_their_rows():
    points, rings = factors(RECORD, gain=1, lags=10).data
    np.testing.assert_allclose(points.x, [2.0, 1.1])
    assert list(points.text) == ["2.000", "1.100"]
    np.testing.assert_allclose(rings.x, [0.95])
    assert list(rings.y) == [1]


def test_singular_values_below_rounding_are_left_out():
    figure = singular_values(RECORD, gain=0, network=1)
    _, largest, median = figure.data
    assert list(largest.y) == [1, 0.5]
    assert median.y[0] == 0.1
    assert np.isnan(median.y[1])
    gone = replace(RECORD, spectra=np.full_like(RECORD.spectra, np.inf))
    assert "overflowed" in singular_values(gone).layout.annotations[0].text


def test_clipping_is_two_bars_for_each_task_and_a_run_that_diverged_has_none():
    free, held = clipping(RECORD).data
    assert list(free.y) == [0.6, 0.1]
    assert held.y[0] == 1
    assert np.isnan(held.y[1])
    before = replace(RECORD, clipped_right=np.full((2, 2), np.nan))
    assert "follow at the end" in clipping(before).layout.annotations[0].text


@pytest.mark.parametrize("draw", [gradient_by_lag, factors, singular_values])
def test_before_the_first_network_the_cards_say_so(draw):
    assert "appears here" in draw(None).layout.annotations[0].text

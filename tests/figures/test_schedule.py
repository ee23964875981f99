"""Claims about the picture of ε: what is drawn is the schedule, and the band holds fair coins and no others."""

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.schedule import (
    MOST_WINDOWS,
    SIGMAS,
    Scheduled,
    deviation,
    epsilon,
    fed_in_words,
    in_words,
    schedule,
    windows,
)
from rnncore.config import ScheduledSampling

LSTM = Line("LSTM · 8", "lstm")
DARK = Look("dark", "run1")
SIGMOID = ScheduledSampling(schedule="inverse_sigmoid", epsilon_k=300)


def feeding(settings, steps=500, coins=1000, seed=0, bias=0.0):
    """Series "feeding" of coins that were really tossed, off by ``bias``."""
    generator = np.random.default_rng(seed)
    step = np.arange(1, steps + 1)
    values = settings.epsilon_at(step - 1)
    fraction = generator.binomial(coins, np.clip(values + bias, 0, 1)) / coins
    columns = {"step": step, "epsilon": values, "fraction": fraction, "coins": np.full(steps, coins)}
    return {name: column.astype(np.float32) for name, column in columns.items()} | {"step": step}


def run(settings=SIGMOID, steps=500, total=2000, **more):
    return Scheduled(LSTM, settings, total, feeding(settings, steps, **more))


@pytest.mark.parametrize("steps", [1, 7, 48, 49, 500, 1537])
def test_windows_add_up_what_a_loop_adds_up(steps):
    columns = feeding(SIGMOID, steps)
    columns["coins"] = np.random.default_rng(1).integers(1, 50, steps).astype(float)
    found = windows(columns)
    stride = next(2**n for n in range(20) if 2**n * MOST_WINDOWS >= steps)
    assert len(found.step) == max(steps // stride, 1) <= MOST_WINDOWS
    for index in range(len(found.step)):
        rows = range(index * stride, min((index + 1) * stride, steps))
        count = sum(columns["coins"][i] for i in rows)
        expected = sum(columns["coins"][i] * columns["epsilon"][i] for i in rows) / count
        fed = sum(columns["coins"][i] * columns["fraction"][i] for i in rows) / count
        variance = sum(columns["coins"][i] * columns["epsilon"][i] * (1 - columns["epsilon"][i]) for i in rows)
        assert found.coins[index] == count
        assert found.expected[index] == pytest.approx(expected)
        assert found.fraction[index] == pytest.approx(fed)
        assert found.error[index] == pytest.approx(variance**0.5 / count)
        assert rows[0] + 1 <= found.step[index] <= rows[-1] + 1


def test_a_batch_without_coins_counts_for_nothing():
    columns = {name: np.array([value]) for name, value in
               {"step": 1, "epsilon": 0.5, "fraction": np.nan, "coins": 0}.items()}  # fmt: skip
    assert windows(columns).fraction[0] == 0
    assert fed_in_words(columns) == "no coin was tossed so far"


def test_as_a_run_grows_its_windows_stay():
    early, late = (windows(feeding(SIGMOID, steps)) for steps in (900, 1000))
    np.testing.assert_array_equal(early.fraction, late.fraction[: len(early.fraction)])


@pytest.mark.parametrize("settings", [SIGMOID, ScheduledSampling(epsilon=0.5), ScheduledSampling(epsilon=0)])
def test_fair_coins_lie_within_the_band_and_unfair_ones_do_not(settings):
    assert windows(feeding(settings, 2000)).outside == 0
    assert windows(feeding(settings, 2000, bias=0.03)).outside > 10


@pytest.mark.parametrize(
    ("values", "steps", "words"),
    [
        ({}, 5000, "every input is the truth: teacher forcing"),
        ({"epsilon": 0.75}, 5000, "at every iteration 0.25 of the inputs are the network's own on average: ε is 0.75"),
        (
            {"schedule": "inverse_sigmoid"},
            2500,
            "half of the inputs are the network's own from iteration 1,711 on; at the end ε is 0.067",
        ),
        (
            {"schedule": "inverse_sigmoid"},
            1000,
            "fewer than half of the inputs are the network's own in all of the 1,000 iterations; at the end ε is 0.91",
        ),
        (
            {"schedule": "linear", "epsilon_k": 0.4, "epsilon_min": 0.1},
            5000,
            "half of the inputs or more are the network's own from the first iteration on; at the end ε is 0.1",
        ),
        (
            {"schedule": "exponential", "epsilon_k": 0.99},
            5000,
            "half of the inputs are the network's own from iteration 69 on; at the end ε is below 0.01",
        ),
        (
            {"schedule": "linear", "epsilon_c": 1e-3},
            5000,
            "half of the inputs are the network's own from iteration 500 on; at the end ε is 0",
        ),
    ],
)
def test_the_schedule_is_said_in_words_before_it_starts(values, steps, words):
    assert in_words(ScheduledSampling(**values), steps) == words


def test_the_drawn_schedule_is_the_formula_at_each_training_step():
    fig = schedule([("", SIGMOID)], 5000)
    (curve,) = fig.data
    assert curve.x[0] == 1
    assert curve.x[-1] == 5000
    np.testing.assert_allclose(curve.y, SIGMOID.epsilon_at(curve.x - 1), rtol=1e-6)
    assert {shape.x1 for shape in fig.layout.shapes} == {SIGMOID.half_way}
    assert "1,711" in fig.layout.meta["caption"]


def test_a_half_way_point_beyond_the_run_is_not_marked():
    assert not schedule([("", SIGMOID)], 1000).layout.shapes
    assert len(schedule([("a", SIGMOID), ("b", SIGMOID)], 5000).data) == 2


def test_rings_show_the_share_that_was_fed_and_the_dot_the_present():
    one = run()
    line, band, rings, now = epsilon([one], DARK, at=100).data
    found = windows(one.feeding)
    np.testing.assert_allclose(line.y, SIGMOID.epsilon_at(line.x - 1), rtol=1e-6)
    np.testing.assert_allclose(rings.y, found.fraction)
    half = len(found.step)
    np.testing.assert_allclose(band.y[:half] - band.y[half:][::-1], 2 * SIGMAS * found.error, rtol=1e-3)
    assert now.x[0] == 500
    assert now.y[0] == pytest.approx(float(SIGMOID.epsilon_at(499)), rel=1e-6)


def test_the_caption_says_how_much_was_fed_and_how_much_chance_allows():
    columns = feeding(ScheduledSampling(epsilon=0.5), 100, coins=1000)
    fed = float(columns["fraction"].mean())
    assert fed_in_words(columns) == (
        f"of 100,000 coins so far {fed:.2%} fed the truth, expected 50.00% ± 0.63% (4 standard errors)"
    )


def test_the_deviation_is_drawn_in_percentage_points_within_its_band():
    one = run(ScheduledSampling(epsilon=0.5))
    fig = deviation([one])
    band, line = fig.data
    found = windows(one.feeding)
    np.testing.assert_allclose(line.y, 100 * (found.fraction - 0.5), atol=1e-4)
    assert np.abs(line.y).max() < band.y.max() < fig.layout.yaxis.range[1]
    assert "0 of 32 windows lie outside" not in fig.layout.meta["caption"] or len(found.step) == 32
    assert f"0 of {len(found.step)} windows lie outside" in fig.layout.meta["caption"]


def test_teacher_forcing_has_a_line_and_no_coins():
    forced = Scheduled(LSTM, ScheduledSampling(), 100, {"step": np.empty(0)})
    (line,) = epsilon([forced]).data
    assert set(line.y) == {1.0}
    assert "no coin is tossed" in deviation([forced]).layout.annotations[0].text
    two = epsilon([forced, run()]).layout.meta["caption"]
    assert two.startswith("LSTM · 8: no coin is tossed; LSTM · 8: of 500,000 coins")


def test_an_empty_chart_says_why():
    assert "first training step" in epsilon([]).layout.annotations[0].text
    assert "first training step" in deviation([Scheduled(LSTM, SIGMOID, 9)]).layout.annotations[0].text


def test_no_markup_of_a_run_s_name_reaches_the_figure():
    evil = Scheduled(Line("<b>x</b>", "lstm"), SIGMOID, 500, feeding(SIGMOID))
    for fig in (epsilon([evil, evil]), deviation([evil, evil])):
        assert "<b>" not in fig.to_json().replace("<br>", "")

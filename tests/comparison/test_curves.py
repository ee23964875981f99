"""The mean curve against seeds interpolated one by one."""

from __future__ import annotations

import numpy as np
import pytest

from rnncore.comparison import SeedCurve, mean_curve, mean_interval
from rnncore.comparison.curves import MOST_POINTS


def test_the_mean_is_over_the_seeds_that_have_got_so_far():
    slow = SeedCurve(np.array([0.0, 10.0]), np.array([0.0, 1.0]), over=False)
    quick = SeedCurve(np.array([0.0, 5.0, 20.0]), np.array([1.0, 1.0, 0.5]), over=False)
    found = mean_curve([slow, quick])
    assert found.x.tolist() == [0, 5, 10, 20]
    assert found.seeds.tolist() == [2, 2, 2, 1]
    assert found.mean == pytest.approx([0.5, 0.75, (1 + 5 / 6) / 2, 0.5])
    for place in range(3):
        both = np.array([np.interp(found.x[place], slow.x, slow.y), np.interp(found.x[place], quick.x, quick.y)])
        assert (found.low[place], found.high[place]) == pytest.approx(mean_interval(both)[1:])
    assert np.isnan(found.low[3])


def test_a_seed_that_is_done_keeps_its_last_value():
    done = SeedCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), over=True)
    going = SeedCurve(np.array([0.0, 4.0]), np.array([0.0, 0.0]), over=False)
    assert mean_curve([done, going]).mean.tolist() == [0.0, 0.5, 0.5]


def test_long_curves_are_thinned_and_keep_their_ends():
    x = np.arange(5000.0)
    found = mean_curve([SeedCurve(x, x**2, over=True)])
    assert len(found.x) == MOST_POINTS
    assert (found.x[0], found.x[-1], found.mean[-1]) == (0, 4999, 4999**2)
    assert found.mean == pytest.approx(found.x**2)


def test_nothing_measured_is_an_empty_curve():
    assert len(mean_curve([]).x) == 0
    assert len(mean_curve([SeedCurve(np.empty(0), np.empty(0), over=False)]).x) == 0

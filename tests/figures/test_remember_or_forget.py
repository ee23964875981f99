"""Claims about the figures of Remember or forget: every number where it belongs, and an overflow said."""

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.remember_or_forget import lstm_paths, unit_gradient, unit_values
from rnncore.lecture import experiment

REPLACE = experiment("remember-or-forget", example="replace")


def test_the_unit_s_values_stand_at_their_steps_and_its_factors_below_them():
    figure = unit_values(REPLACE)
    bars, line = figure.data
    assert list(line.y) == REPLACE.a.tolist()
    assert list(line.text) == ["1", "1", "1", "1", "2", "2", "2", "2", "2"]
    assert max(value for value in bars.y if np.isfinite(value)) == 2
    assert figure.layout.xaxis.ticktext[4] == "4<br><b>×0</b>"
    assert figure.layout.meta["caption"] == "a ends at 2"


def test_product_and_autograd_lie_on_each_other():
    product, autograd = unit_gradient(REPLACE, Look("dark")).data
    assert list(product.y) == list(autograd.y) == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_time_runs_to_the_right_and_both_paths_have_their_values():
    figure = lstm_paths(REPLACE)
    left, right = figure.layout.xaxis.range
    assert left > right
    whole, direct = figure.data
    assert list(whole.y) == REPLACE.total.tolist()
    assert list(direct.y) == REPLACE.direct.tolist()
    assert figure.layout.yaxis.type == "log"


def test_an_overflow_is_said():
    over = experiment("remember-or-forget", example="own", f="1e300 1e300", g="0 0")
    for draw in (unit_values, unit_gradient):
        assert any("overflow" in one.text for one in draw(over).layout.annotations)
        assert not any("overflow" in one.text for one in draw(REPLACE).layout.annotations)


@pytest.mark.parametrize("draw", [unit_values, unit_gradient, lstm_paths])
def test_before_the_first_result_the_cards_say_so(draw):
    assert "appear here" in draw(None).layout.annotations[0].text

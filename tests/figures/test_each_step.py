"""Claims about the pictures of each step: probabilities in their fields, what was fed below, costs for each reading."""

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.each_step import LATEST, costs, course, expectations
from rnncore.lecture import experiment
from rnncore.records.each_step import OWN, WRONG

RECORD = experiment("each-step", steps=20, text="ab c", primer=3, wrong_at=5)


@pytest.mark.parametrize("moment", [0, 3, LATEST])
@pytest.mark.parametrize("fed", [0, 1, 2])
def test_the_readout_s_probabilities_stand_in_their_fields(moment, fed):
    figure = expectations(RECORD, Look("dark"), moment=moment, fed=fed)
    field, circles = figure.data
    at = min(moment, len(RECORD.steps) - 1)
    np.testing.assert_allclose(field.z, RECORD.probabilities[at, fed].T, rtol=1e-6)
    assert list(circles.y) == RECORD.targets.tolist()
    assert f"after {RECORD.steps[at]:,} training steps" in figure.layout.meta["caption"]


def test_what_was_fed_stands_below_its_own_in_italics_and_the_wrong_one_marked():
    truth, own, wrong = (expectations(RECORD, fed=fed).layout.xaxis.ticktext for fed in (0, OWN, WRONG))
    assert "".join(truth)[:8] == "ab·cab·c"
    assert not any("<i>" in text for text in own[:3])
    assert all("<i>" in text for text in own[3:])
    assert [place for place, text in enumerate(wrong) if "<b>" in text] == [5]


def test_costs_of_the_three_readings_are_drawn_on_a_log_axis():
    figure = costs(RECORD)
    for line, row in zip(figure.data, RECORD.costs[-1], strict=True):
        np.testing.assert_allclose(line.y, np.maximum(row, 1e-6), rtol=1e-6)
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.shapes[0].y0 == np.log(len(RECORD.letters))


def test_the_moment_in_view_is_marked_on_the_course():
    assert course(RECORD, moment=2).layout.shapes[0].x0 == RECORD.steps[2]
    assert course(RECORD, moment=0).layout.shapes[0].x0 == 1  # step 0 has no place on a log axis


@pytest.mark.parametrize("draw", [expectations, costs, course])
def test_before_the_first_moment_the_cards_say_so(draw):
    assert "appears here" in draw(None).layout.annotations[0].text

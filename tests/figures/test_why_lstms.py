"""Claims about the pictures of the delayed-recall race: a line for each start, a filled circle for each win."""

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.why_lstms import race_curves, race_wins
from rnncore.records import WhyLstms

SCORES = np.full((2, 2, 3), 0.2)
SCORES[1, 0] = [0.1, 0.97, np.nan]
RECORD = WhyLstms(
    step=40, contenders=("LSTM", "LSTM chrono"), cells=("lstm", "lstm"), seeds=np.array([1, 2]),
    steps=np.array([0, 20, 40]), scores=SCORES, solved=np.array([[np.nan, np.nan], [20, np.nan]]), solved_at=0.95,
    chance=0.125, length=50,
)  # fmt: skip


def test_every_start_has_its_line_and_a_dot_where_it_solved_the_task():
    figure = race_curves(RECORD)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    (dot,) = (trace for trace in figure.data if trace.mode == "markers")
    assert len(lines) == 4
    assert [line.showlegend for line in lines] == [True, False, True, False]
    assert {line.line.dash for line in lines if line.name == "LSTM"} == {"dot"}
    assert {line.line.dash for line in lines if line.name == "LSTM chrono"} == {"solid"}
    assert (list(dot.x), list(dot.y)) == ([20], [0.97])
    assert figure.layout.shapes[0].y0 == 0.125


def test_wins_are_filled_and_the_others_tell_their_best():
    default, chrono = race_wins(RECORD, Look("dark")).data
    assert list(default.text) == ["20%", "20%"]
    assert list(chrono.text) == ["20", "20%"]
    assert chrono.marker.color[0] == chrono.marker.line.color != chrono.marker.color[1]


@pytest.mark.parametrize("draw", [race_curves, race_wins])
def test_before_the_first_turn_the_cards_say_so(draw):
    assert "appear" in draw(None).layout.annotations[0].text

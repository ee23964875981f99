"""Claims about the pictures of In practice: frames around what is solved, divergence said, the chosen rate's curves."""

from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.in_practice import parity_curves, rate_curves, rates_map
from rnncore.records import InPractice

RATES = np.array([0.001, 0.01, 0.1])
RECORD = InPractice(
    cells=("rnn_tanh", "lstm", "gru"), rates=RATES, steps=np.array([10, 20]),
    curves=np.arange(1, 19).reshape(3, 3, 2) / 20,
    scores=np.array([[0.15, 0.16, np.nan], [0.1, 0.009, 0.2], [1e-4, 2e-4, 3e-4]]),
    solved_at=0.01, floor=1 / 6, parity_steps=np.array([25, 50]), parity_curves=np.ones((3, 2)),
    parity_right=np.array([[1.0, 0.9], [1.0, 1.0], [np.nan, np.nan]]), length=30,
)  # fmt: skip


def test_every_field_shows_its_error_and_what_is_solved_is_framed():
    figure = rates_map(RECORD, rate=1)
    (field,) = figure.data
    assert list(field.text[0]) == ["0.150", "0.160", ""]
    assert field.text[1][1] == "0.009"
    framed = {(round((s.x0 + s.x1) / 2), round((s.y0 + s.y1) / 2)) for s in figure.layout.shapes}
    assert framed == {(1, 1), (0, 2), (1, 2), (2, 2)}
    assert figure.layout.xaxis.ticktext[1] == "<b>0.01</b>"
    assert field.z[2][0] > field.z[1][1] > field.z[0][0]  # the deeper, the better


def test_a_run_that_diverged_is_said_to_have():
    (said,) = rates_map(RECORD).layout.annotations
    assert (said.x, said.y, said.text) == (2, 0, "diverged")


@pytest.mark.parametrize("rate", [0, 2, 99])
def test_curves_are_those_of_the_chosen_rate(rate):
    figure = rate_curves(RECORD, Look("dark"), rate=rate)
    at = min(rate, 2)
    for cell, line in enumerate(figure.data):
        assert list(line.y) == RECORD.curves[cell, at].tolist()
    assert f"{RATES[at]:g}" in figure.layout.meta["caption"]


def test_parity_says_what_was_right_once_it_is_known():
    assert parity_curves(RECORD).layout.meta["caption"] == "right at up to 200 bits: RNN 90%, LSTM 100%, GRU –"
    before = replace(RECORD, parity_right=np.full((3, 2), np.nan))
    assert "1 is guessing" in parity_curves(before).layout.meta["caption"]


@pytest.mark.parametrize("draw", [rates_map, rate_curves, parity_curves])
def test_before_the_first_turn_the_cards_say_so(draw):
    assert (
        "when the runs begin" in draw(None).layout.annotations[0].text
        or "appear" in draw(None).layout.annotations[0].text
    )

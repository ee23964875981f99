"""Claims about the figures of Backpropagation through shared weights: what is done is in colour, and nothing else."""

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.shared_weights import gradients, ratios, short, twice, walk
from rnncore.lecture import experiment

LAST, EACH = experiment("shared-weights"), experiment("shared-weights", losses="each", length=40)


def arrows(figure, colour):
    return sum(one.showarrow and one.arrowcolor == colour for one in figure.layout.annotations)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_step_back_turns_its_arrows(mode):
    look = Look(mode)
    accent = look.palette.accent
    assert arrows(walk(LAST, look, done=0), accent) == 0
    assert arrows(walk(LAST, look, done=1), accent) == 2  # from the loss, and to the weights
    assert arrows(walk(LAST, look, done=2), accent) == 4
    assert arrows(walk(LAST, look, done=99), accent) == 2 * 8


def test_a_click_on_a_step_goes_to_it():
    states = walk(LAST).data[1]
    assert list(states.x) == list(range(9))
    assert list(states.customdata) == [8, 8, 7, 6, 5, 4, 3, 2, 1]


def test_a_long_walk_has_nodes_without_names():
    figure = walk(EACH, done=40)
    assert all(trace.mode == "markers" for trace in figure.data)
    assert len(figure.data[0].x) == 40


def test_the_sum_becomes_autograd_s_gradient_with_the_last_step_back():
    for done, nearer in ((1, False), (8, True)):
        field = np.array(gradients(LAST, done=done).data[0].z)
        overwritten, added, true = field[:, :11], field[:, 13:24], field[:, 26:]
        assert np.allclose(overwritten, LAST.found[8 - done], atol=1e-6)
        assert np.allclose(added, true, atol=1e-6) == nearer
    assert np.isnan(np.array(gradients(LAST).data[0].z, float)[:, :24]).all()


def test_the_mistake_s_size_is_drawn_for_all_lengths_and_zero_is_said():
    figure = ratios(LAST)
    assert len(figure.data[0].x) == 40
    assert figure.layout.yaxis.type == "log"
    assert list(figure.data[1].x) == [8]
    none = ratios(experiment("shared-weights", gain=0.0))
    assert any("exactly 0 from 2 steps" in one.text for one in none.layout.annotations)
    assert "0 over 40" in none.layout.meta["caption"]


@pytest.mark.parametrize("x", [0, 34, 99])
def test_both_tangents_have_their_slopes(x):
    at = min(x, 48)
    _, added, overwritten, point = twice(LAST, x=x).data
    for line, slope in ((added, LAST.total[at]), (overwritten, LAST.through[at])):
        assert (line.y[1] - line.y[0]) / (line.x[1] - line.x[0]) == pytest.approx(slope)
    assert point.x[0] == LAST.places[at]


def test_small_numbers_are_powers_of_ten():
    assert [short(value) for value in (0, 0.5, 4.6e-3, 5e-12, float("inf"))] == ["0", "0.5", "5e-3", "5e-12", "∞"]


@pytest.mark.parametrize("draw", [walk, gradients, ratios, twice])
def test_before_the_first_result_the_cards_say_so(draw):
    assert "appears here" in draw(None).layout.annotations[0].text

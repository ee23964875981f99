"""Claims about the pictures of a batch: whose token was fed where, and what that cost."""

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.feeding import CHARACTERS, Timed, coins, cost_of, fed_text, feeding_cost
from dashboard.figures.schedule import FORCED
from rnncore.records import Feeding

LSTM = Line("LSTM · 8", "lstm")


def record(truth=("abc<", "cccc"), own=("-bba", "-<bc"), kept=("--oo", "-ooo"), names="abc<", **more):
    """Sequences of truth, predictions (- for none) and coins (o for its own)."""
    place = {name: index for index, name in enumerate(names)} | {"-": -1}
    ids = [np.array([[place[token] for token in row] for row in rows]).T for rows in (truth, own)]
    coin = np.array([[one != "o" for one in row] for row in kept]).T
    tossed = ids[1] >= 0
    inputs = np.where(coin | ~tossed, *ids)
    values = {"truth": ids[0], "inputs": inputs, "own": ids[1], "coins": coin, "tossed": tossed}
    sizes = {"count": 60, "fed": 30, "sequences": 32, "length": len(coin)}
    return Feeding(step=7, epsilon=0.5, names=tuple(names), **values, **sizes | more)


def test_the_grid_shows_each_coin_and_leaves_blank_where_none_was_tossed():
    fig = coins(record(), sequence=2)
    np.testing.assert_array_equal(fig.data[0].z, [[np.nan, 1, 0, 0], [np.nan, 0, 0, 0]])
    (frame,) = fig.layout.shapes
    assert (frame.y0, frame.y1) == (1.5, 2.5)
    assert list(fig.data[0].y) == [1, 2]  # clicking chooses a sequence counted from 1
    caption = fig.layout.meta["caption"]
    assert "50.0% of 60 coins of the batch fed the truth" in caption
    assert "2 of 32 sequences are shown" in caption
    assert "of 999 steps" in coins(record(length=999)).layout.meta["caption"]


def test_the_text_shows_what_was_fed_and_the_truth_below_where_it_differs():
    fig = fed_text(record(), sequence=1)
    back, fed, true = fig.data[:3]
    assert list(fed.text) == ["a", "b", "b", "a"]
    assert list(true.text) == ["c", "‹"]
    assert list(true.x) == [2, 3]
    np.testing.assert_array_equal(back.z, [[0, 0, 2, 2]])  # its own and wrong
    assert "2 of 4 inputs are its own predictions, 0 of them right" in fig.layout.meta["caption"]


def test_an_own_prediction_that_is_right_is_told_from_the_truth():
    fig = fed_text(record(), sequence=2)
    np.testing.assert_array_equal(fig.data[0].z, [[0, 2, 2, 1]])
    assert "1 of them right; in all sequences shown 20% are" in fig.layout.meta["caption"]


def test_pointing_shows_the_truth_and_the_network_s_own():
    (hover,) = fed_text(record(), sequence=2).data[0].text
    assert hover[0] == "step 1, fed: the truth<br>the truth “c”, it made no prediction here"
    assert hover[1] == "step 2, fed: its own<br>the truth “c”, its own “‹”"


def test_no_markup_of_the_text_reaches_the_figure():
    for sequence in (1, 2):
        back, fed, true = fed_text(record(), sequence=sequence).data[:3]
        said = "".join([*fed.text, *true.text, *(hover.replace("<br>", "") for hover in back.text[0])])
        assert "‹" in said
        assert "<" not in said


def test_words_get_wider_cells_than_characters():
    long = record(truth=("a" * 60,), own=("-" + "b" * 59,), kept=("o" * 60,))
    assert fed_text(long).data[0].z.shape == (2, 30)
    words = Feeding(**vars(long) | {"names": ("everybody", "just", "[stop]", "x")})
    rows, columns = fed_text(words).data[0].z.shape
    assert rows * columns >= 60
    assert columns < CHARACTERS / 3


def test_a_sequence_that_is_not_there_gives_way_to_the_last():
    assert fed_text(record(), sequence=16).layout.meta["caption"].startswith("sequence 2")
    assert coins(record(), sequence=16).layout.shapes[0].y1 == 2.5


@pytest.mark.parametrize("draw", [coins, fed_text])
def test_an_empty_picture_says_why(draw):
    assert "first training step" in draw(None).layout.annotations[0].text
    assert "no coin is tossed" in draw(None, why=FORCED).layout.annotations[0].text


def timed(deciding=0.004, step=0.01, steps=600, forced=False):
    seconds = np.cumsum(np.full(steps, step))
    seconds[steps // 2 :] += 5.0  # a pause for measuring
    feeding = {} if forced else {"seconds": np.full(steps, deciding)}
    return Timed(LSTM, {"seconds": seconds}, feeding, forced)


def test_the_cost_is_that_of_a_typical_step():
    cost = cost_of(timed())
    assert (cost.step, cost.deciding) == (pytest.approx(10), pytest.approx(4))
    assert cost.factor == pytest.approx(10 / 6)
    assert cost_of(timed(steps=2)) is None
    assert cost_of(timed(forced=True)).factor == 1


def test_bars_add_up_to_the_step():
    fig = feeding_cost([timed(), timed(forced=True)], Look("dark"))
    rest, deciding = fig.data
    np.testing.assert_allclose(rest.x + deciding.x, [10, 10], rtol=1e-5)
    np.testing.assert_allclose(deciding.x, [4, 0], atol=1e-6)
    assert fig.layout.barmode == "stack"
    caption = fig.layout.meta["caption"]
    assert "1.67 times the same step under teacher forcing" in caption
    assert "nothing to decide" in caption
    assert "third training step" in feeding_cost([timed(steps=1)]).layout.annotations[0].text

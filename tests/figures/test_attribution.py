"""Claims about the picture of what a prediction looked at."""

import numpy as np
import pytest

from dashboard.figures.attribution import MOST_SHOWN, attribution, attribution_by_lag
from dashboard.figures.base import Line, Look
from rnncore.records import Attribution

TEXT = "<b>a c\n"


def record(length=7, norms=None, taus=None):
    text = (TEXT * length)[:length]
    taus = np.arange(length) if taus is None else taus
    norms = np.tril(np.ones((length, length)))[taus] if norms is None else norms
    return Attribution(
        step=1,
        cell="lstm",
        text=tuple(text),
        targets=tuple(text[1:] + "x"),
        taus=taus,
        norms=norms,
        probability=np.full(len(taus), 0.25),
    )


def test_each_character_is_coloured_by_what_the_chosen_prediction_owes_it():
    norms = np.zeros((7, 7))
    norms[3, :4] = [0, 1, 4, 0.25]
    fig = attribution(record(norms=norms), tau=3)
    np.testing.assert_allclose(fig.data[0].z[0], [0, 0.5, 1, 0.25, 0, 0, 0, 0])
    (frame,) = fig.layout.shapes
    assert (frame.x0 + frame.x1) / 2 == 4  # the character that is predicted follows the one last read


def test_pointing_at_a_character_chooses_the_step_that_predicted_it():
    chosen = attribution(record()).data[0].customdata[0]
    assert list(chosen) == [-1, 0, 1, 2, 3, 4, 5, 6]
    assert list(attribution(record(taus=np.arange(5, 7))).data[0].customdata[0]) == [-1] * 6 + [5, 6]


def test_a_prediction_that_was_not_followed_back_gives_way_to_the_last_one():
    fig = attribution(record(taus=np.arange(5, 7)), tau=2)
    assert (fig.layout.shapes[0].x0 + fig.layout.shapes[0].x1) / 2 == 7


def test_no_markup_of_the_text_reaches_the_figure():
    said = "".join(character for trace in attribution(record()).data[1:] for character in trace.text)
    assert sorted(said) == sorted("‹b›a·c↵x")


def test_a_long_window_shows_its_end_and_says_so():
    fig = attribution(record(length=400))
    assert sum(len(trace.text) for trace in fig.data[1:]) == MOST_SHOWN + 1
    assert f"the last {MOST_SHOWN} of 400" in fig.layout.meta["caption"]


@pytest.mark.parametrize(
    ("norms", "words"),
    [(np.full((7, 7), np.nan), "not finite"), (np.zeros((7, 7)), "none of the characters")],
)
def test_what_cannot_be_coloured_is_said(norms, words):
    assert words in attribution(record(norms=norms)).layout.meta["caption"]
    assert attribution_by_lag([(Line("a", "lstm"), record(norms=norms))]).data


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_missing_records_are_explained(mode):
    assert "Measure now" in attribution(None, Look(mode)).layout.annotations[0].text
    assert "Measure now" in attribution_by_lag([], Look(mode)).layout.annotations[0].text


def test_how_far_back_it_looks_is_said_in_words():
    norms = np.zeros((7, 7))
    norms[6] = [0, 0, 0, 1, 1, 4, 4]
    assert (
        "nine tenths of what it depends on lie in the last 3 characters"
        in (attribution(record(norms=norms)).layout.meta["caption"])
    )

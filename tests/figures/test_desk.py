"""Claims about the desk's text and its figure: what is coloured how, what travels, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.desk_entropy import desk_entropy
from dashboard.figures.desk_text import LEVELS, desk_colours, desk_text, parting_sentence
from rnncore.records import Writing

CHARACTERS = "\t\n <&ab"


def writing(*texts: str, probability: float = 0.25, labels: tuple[str, ...] = (), picked: int | None = None) -> Writing:
    """Texts whose every character had the same probability, with three candidates."""
    chosen = np.array([[CHARACTERS.index(letter) for letter in text] for text in texts], np.int32)
    shape = chosen.shape
    marked = np.zeros(shape, bool)
    if picked is not None:
        marked[0, picked] = True
    odds = np.broadcast_to(np.array([0.5, 0.25, 0.123456789], np.float32), (*shape, 3))
    return Writing(
        step=1200,
        primer="<script>",
        characters=CHARACTERS,
        labels=labels or tuple(f"temperature {index + 1}" for index in range(len(texts))),
        bits=(1.0,) * len(texts),
        chosen=chosen,
        picked=marked,
        probability=np.full(shape, probability, np.float32),
        drawn=np.full(shape, 0.5, np.float32),
        entropy=np.full(shape, 1.5, np.float32),
        candidates=np.broadcast_to(np.array([5, 6, 3], np.int32), (*shape, 3)),
        odds=odds,
        drawn_odds=odds,
    )


def test_the_colour_grows_with_the_surprise_up_to_a_limit() -> None:
    levels = [desk_text(writing("a", probability=p))["texts"][0]["level"][0] for p in (1.0, 0.5, 0.25, 2**-6, 2**-8, 0)]
    assert levels == [0, 2, 4, 11, LEVELS - 1, LEVELS - 1]
    assert desk_text(writing("a", probability=np.nan))["texts"][0]["level"] == [LEVELS - 1]
    assert len(set(desk_colours())) == LEVELS
    assert all(colour.startswith("light-dark(") for colour in desk_colours())


def test_the_key_names_the_colours_that_the_text_has() -> None:
    key = dict(desk_text(writing("a"))["key"])
    for label, probability in (("100%", 1.0), ("25%", 0.25), ("0.4% or less", 1e-9)):
        assert desk_text(writing("a", probability=probability))["texts"][0]["level"] == [key[label]]


def test_all_that_is_shown_on_hover_travels_with_the_text_to_four_digits() -> None:
    made = desk_text(writing("ab", picked=1))
    assert json.loads(json.dumps(made)) == made
    text = made["texts"][0]
    assert text["candidates"] == [[5, 6, 3]] * 2
    assert text["odds"] == [[0.5, 0.25, 0.1235]] * 2
    assert (text["p"], text["drawn"], text["entropy"]) == ([0.25] * 2, [0.5] * 2, [1.5] * 2)
    assert (text["chosen"], text["picked"]) == ([5, 6], [1])
    assert text["caption"] == "2.00 bits a character; the model expected 1.50"


def test_characters_can_be_seen_and_markup_stays_what_it_is() -> None:
    made = desk_text(writing("a"))
    assert made["glyphs"] == ["→", "↵", "·", "<", "&", "a", "b"]
    assert made["characters"] == list(CHARACTERS)
    assert made["primer"] == "<script>"


def test_numbers_that_are_not_finite_travel_as_none_at_all() -> None:
    broken = writing("ab", probability=np.nan)
    assert json.loads(json.dumps(desk_text(broken), allow_nan=False))["texts"][0]["p"] == [0.0, 0.0]
    assert len(desk_entropy(broken).data) == 2


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("aab",), ""),
        (("aab", "aab"), "Both temperatures write the same text"),
        (("aab", "aa<"), "part company at character 3, with “b” at temperature 1 and “<” at temperature 2."),
        (("a b", "a\nb"), "part company at character 2, with “·” at temperature 1 and “↵” at temperature 2."),
    ],
)
def test_where_two_texts_part_company_is_said_in_words(texts: tuple[str, ...], words: str) -> None:
    sentence = parting_sentence(writing(*texts))
    assert sentence.endswith(words) if "part company" in words else sentence.startswith(words)
    assert bool(sentence) == bool(words)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_figure_has_a_line_and_dots_for_each_text_and_marks_where_they_part(mode) -> None:
    look = Look(mode)
    one, two = desk_entropy(writing("ab"), look), desk_entropy(writing("ab", "aa"), look)
    assert [trace.mode for trace in two.data] == ["markers", "lines"] * 2
    assert np.asarray(two.data[0].y).tolist() == [2.0, 2.0]
    assert np.asarray(two.data[1].y).tolist() == [1.5, 1.5]
    assert len({trace.line.color for trace in two.data if trace.mode == "lines"}) == 2
    assert (len(one.layout.shapes), len(two.layout.shapes), two.layout.shapes[0].x0) == (0, 1, 2)
    assert one.layout.yaxis.title.text == "bits"
    assert "temperature 1: 2.00 bits of surprise a character where 1.50" in one.layout.meta["caption"]


def test_markup_in_labels_and_characters_never_reaches_the_figure() -> None:
    figure = desk_entropy(writing("<&", "&<", labels=("<b>", "&amp;")))
    assert not any("<" in text or "&" in text for trace in figure.data for text in (*(trace.text or ()), trace.name))


def test_an_empty_figure_says_what_to_expect() -> None:
    assert "appears here" in desk_entropy(None).layout.annotations[0].text

"""Claims about words, variety and resemblance, each against counting by hand."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.generation.quality.words import distinct, self_bleu, tokens, valid_words, words

texts = st.lists(st.text("ab _1.'", max_size=30), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't stop, Émile", ["don", "t", "stop", "émile"]),
        ("self_bleu2 = x1", ["self", "bleu", "x"]),
        (r"\begin{proof}", ["begin", "proof"]),
        ("3.14 --- ", []),
    ],
)
def test_a_word_is_a_run_of_letters_whatever_their_case(text, found):
    assert words(text) == found


def test_words_that_the_cut_may_have_shortened_are_not_judged():
    known = {"the", "king", "of", "france"}
    assert valid_words("ng of the Kingdom of Fra", known) == 3 / 4  # of, the, kingdom, of
    assert valid_words(" of the ", known) == 1
    assert math.isnan(valid_words("thekingoffrance", known))
    assert math.isnan(valid_words("", known))


@pytest.mark.parametrize(
    ("text", "found"),
    [("if x_1 >= 2:", ["if", "x_1", ">", "=", "2", ":"]), ("'tis\n", ["'", "tis"]), (" \n", [])],
)
def test_a_token_is_a_name_a_number_or_a_single_mark(text, found):
    assert tokens(text) == found


@given(texts, st.integers(1, 3))
def test_distinct_n_is_the_share_of_different_n_grams_of_all_samples_together(samples, n):
    grams = []
    for sample in samples:
        split = tokens(sample)
        grams += [tuple(split[start : start + n]) for start in range(len(split) - n + 1)]
    if grams:
        assert distinct(samples, n) == len(set(grams)) / len(grams)
    else:
        assert math.isnan(distinct(samples, n))


def bleu(sample: list[str], references: list[list[str]]) -> float:
    """BLEU-4 as Papineni et al. write it, 0.1 in place of no match."""
    product = 1.0
    for n in range(1, 5):
        own = Counter(tuple(sample[i : i + n]) for i in range(len(sample) - n + 1))
        if not own:
            return math.nan
        clipped = 0
        for gram, count in own.items():
            most = max(sum(tuple(other[i : i + n]) == gram for i in range(len(other))) for other in references)
            clipped += min(count, most)
        product *= (clipped or 0.1) / own.total()
    nearest = min((abs(len(other) - len(sample)), len(other)) for other in references)[1]
    penalty = 1.0 if len(sample) >= nearest else math.exp(1 - nearest / len(sample))
    return penalty * product**0.25


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=12), min_size=2, max_size=5))
def test_self_bleu_is_the_bleu_of_each_sample_with_all_others_as_references(split):
    found = self_bleu([" ".join(one) for one in split])
    for index, value in enumerate(found):
        others = [one for other, one in enumerate(split) if other != index]
        assert value == pytest.approx(bleu(split[index], others), nan_ok=True)


def test_equal_samples_have_a_self_bleu_of_one_and_strangers_nearly_none():
    assert self_bleu(["one two three four five"] * 3) == pytest.approx([1.0] * 3)
    assert max(self_bleu(["one two three four five", "a b c d e"])) < 0.1
    assert all(map(math.isnan, self_bleu(["alone with itself for now"])))
    assert self_bleu([]) == []


def test_real_text_has_the_valid_words_that_are_known_of_it():
    for path in (Path(__file__).parents[3] / "shared" / "data").glob("tinyshakespeare.txt"):
        text = path.read_text("utf-8")
        cut = round(0.9 * len(text))
        assert valid_words(text[cut:], frozenset(words(text[:cut]))) == pytest.approx(0.948, abs=0.001)

"""Claims about what samples share with a text, each against looking everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.generation.quality.copying import Copies, Packing, novelty, suffix_array
from rnncore.tasks.corpora import load
from rnncore.tasks.text import Vocabulary

SIZES = (2, 3, 254, 255, 256, 1000)  # distinct characters: eight fit into a word, or four


def ids(most: int = 60) -> st.SearchStrategy[list[int]]:
    """Few characters, so that they repeat; in a vocabulary of any size the highest ones."""
    return st.lists(st.integers(0, 2), max_size=most)


def high(values: list[int], vocab_size: int) -> np.ndarray:
    return np.array([vocab_size - 1 - min(value, vocab_size - 1) for value in values], dtype=np.int64)


def longest(text: list[int], sample: list[int], start: int) -> int:
    """By trying each length at each place."""
    length = 0
    while start + length < len(sample) and any(
        text[place : place + length + 1] == sample[start : start + length + 1] for place in range(len(text) - length)
    ):
        length += 1
    return length


@given(ids(), st.sampled_from(SIZES))
def test_suffixes_are_in_the_order_that_sorting_them_gives(values, vocab_size):
    text = high(values, vocab_size)
    expected = sorted(range(len(text)), key=lambda start: text[start:].tolist())
    assert suffix_array(text, vocab_size).tolist() == expected


@given(st.integers(1, 5), st.integers(1, 40))
def test_endless_repetition_is_sorted_too(period, times):
    text = np.array([*range(period)] * times, dtype=np.int64)
    expected = sorted(range(len(text)), key=lambda start: text[start:].tolist())
    assert suffix_array(text, period).tolist() == expected


def test_beyond_the_depth_the_order_is_not_looked_for():
    text = np.zeros(200, np.int64)
    assert sorted(suffix_array(text, 1, depth=16).tolist()) == list(range(200))
    sample = np.zeros(16, np.int64)
    ((lengths, _),) = Copies(text, 1, suffix_array(text, 1, depth=16)).matches([sample])
    assert lengths.tolist() == list(range(16, 0, -1))


@given(ids(), st.lists(ids(40), max_size=3), st.sampled_from(SIZES))
def test_the_longest_match_is_found_at_every_character_of_every_sample(values, samples, vocab_size):
    text, read = high(values, vocab_size), [high(one, vocab_size) for one in samples]
    found = Copies(text, vocab_size).matches(read)
    assert len(found) == len(read)
    for sample, (lengths, places) in zip(read, found, strict=True):
        whole, own = text.tolist(), sample.tolist()
        assert lengths.tolist() == [longest(whole, own, start) for start in range(len(own))]
        for start, (length, place) in enumerate(zip(lengths.tolist(), places.tolist(), strict=True)):
            assert whole[place : place + length] == own[start : start + length]


def test_a_match_does_not_go_on_from_one_sample_into_the_next():
    vocabulary = Vocabulary(text := "to be or not to be")
    copies = Copies(vocabulary.encode(text), len(vocabulary))
    together = copies.matches([vocabulary.encode("to be"), vocabulary.encode(" or not")])
    alone = [copies.matches([vocabulary.encode(sample)])[0] for sample in ("to be", " or not")]
    for (lengths, _), (expected, _) in zip(together, alone, strict=True):
        assert lengths.tolist() == expected.tolist()


def test_on_real_text_lengths_are_those_that_searching_finds():
    text = load("python-reference").text[:60_000]
    vocabulary = Vocabulary(text)
    train, sample = text[:50_000], text[52_000:52_400]
    ((lengths, places),) = Copies(vocabulary.encode(train), len(vocabulary)).matches([vocabulary.encode(sample)])
    for start, length in enumerate(lengths.tolist()):
        assert sample[start : start + length] in train
        assert start + length == len(sample) or sample[start : start + length + 1] not in train
        assert train[places[start] : places[start] + length] == sample[start : start + length]


@given(st.lists(st.integers(0, 254), min_size=1, max_size=20), st.lists(st.integers(0, 254), min_size=1, max_size=20))
def test_packed_words_sort_and_share_as_the_characters_do(one, other):
    packing = Packing(255)
    first, second = (packing.words(np.array(values, np.int64))[:1] for values in (one, other))
    head, tail = one[: packing.width], other[: packing.width]
    assert (first[0] < second[0]) == (head < tail)
    same = next((n for n, (a, b) in enumerate(zip(head, tail, strict=False)) if a != b), min(len(head), len(tail)))
    assert packing.common(first, second).tolist() == [same]


@given(ids(), ids(30), st.integers(1, 9))
def test_novelty_is_the_share_of_n_grams_that_the_text_lacks(text, sample, n):
    grams = [tuple(sample[start : start + n]) for start in range(len(sample) - n + 1)]
    known = {tuple(text[start : start + n]) for start in range(len(text) - n + 1)}
    ((lengths, _),) = Copies(np.array(text, np.int64), 3).matches([np.array(sample, np.int64)])
    if not grams:
        assert math.isnan(novelty(lengths, n))
    else:
        assert novelty(lengths, n) == pytest.approx(sum(gram not in known for gram in grams) / len(grams))

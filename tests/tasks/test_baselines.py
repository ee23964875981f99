"""Claims about n-gram baselines, each against counting with dictionaries."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.errors import CorpusError
from rnncore.tasks import baselines as module
from rnncore.tasks.baselines import ORDERS, NGram, baselines, cached_baselines, find_baselines
from rnncore.tasks.corpora import load
from rnncore.tasks.disk import digest_of
from rnncore.tasks.text import Vocabulary, split, validation_streams

TEXT = "to be, or not to be: that is the question:\n" * 20 + "whether 'tis nobler in the mind to suffer\n" * 20


def witten_bell(train: list[int], text: list[int], vocab_size: int, order: int) -> list[list[float]]:
    """P_n of each character for n = 1 ... order: Witten & Bell's method C, interpolated, as it is written."""
    after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for n in range(order):
        for i in range(n, len(train)):
            after[tuple(train[i - n : i])][train[i]] += 1

    def probability(character: int, context: tuple[int, ...]) -> float:
        lower = probability(character, context[1:]) if context else 1 / vocab_size
        seen = after.get(context)
        if seen is None:
            return lower
        return (seen[character] + len(seen) * lower) / (seen.total() + len(seen))

    return [[probability(c, tuple(text[max(0, i - n) : i])) for i, c in enumerate(text)] for n in range(order)]


ids = st.lists(st.integers(0, 3), max_size=60)


@given(ids, ids, st.integers(1, 6))
def test_probabilities_are_those_of_counting_with_dictionaries(train, text, order):
    found = NGram(np.array(train, dtype=np.int64), 4, order).probabilities(np.array(text, dtype=np.int64))
    expected = np.array(witten_bell(train, text, 4, order)).reshape(order, len(text))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_on_real_text_probabilities_are_those_of_counting_with_dictionaries():
    vocabulary = Vocabulary(text := load("python-reference").text[:40_000])
    train, validation = split(vocabulary.encode(text), 0.1)
    found = NGram(train, len(vocabulary), 6).probabilities(validation)
    expected = witten_bell(train.tolist(), validation.tolist(), len(vocabulary), 6)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_case_worked_out_by_hand():
    # training text 0 1 0 1 0; after 0 came 1 twice, after 1 came 0 twice; unigrams 3 and 2 of 5, 2 types
    model = NGram(np.array([0, 1, 0, 1, 0]), 2, 2)
    unigram = (3 + 2 / 2) / (5 + 2), (2 + 2 / 2) / (5 + 2)
    after_zero = (2 + 1 * unigram[1]) / (2 + 1)
    found = model.probabilities(np.array([0, 1]))
    assert found[:, 0].tolist() == pytest.approx([unigram[0], unigram[0]])  # no context yet: the unigram
    assert found[:, 1].tolist() == pytest.approx([unigram[1], after_zero])
    assert model.character_bits(np.array([0, 1]))[1] == pytest.approx(-math.log2(after_zero))
    assert model.bits(np.array([0, 1]))[1] == pytest.approx(-math.log2(unigram[0] * after_zero) / 2)


@given(ids, ids)
def test_probabilities_sum_to_one_after_any_context(train, context):
    model = NGram(np.array(train, dtype=np.int64), 4, 5)
    sums = sum(model.probabilities(np.array([*context, character]))[:, -1] for character in range(4))
    np.testing.assert_allclose(sums, 1, rtol=1e-12)


def test_a_model_made_of_its_arrays_is_the_same_model():
    vocabulary = Vocabulary(TEXT)
    model = NGram(vocabulary.encode(TEXT), len(vocabulary), 4)
    again = NGram.from_arrays(len(vocabulary), model.to_arrays())
    text = vocabulary.encode("the question: whether to be")
    assert again.order == 4
    np.testing.assert_array_equal(again.probabilities(text), model.probabilities(text))


@pytest.mark.parametrize("order", [1, 2, 4])
def test_what_a_model_writes_follows_its_own_probabilities(order):
    model = NGram(np.array([0, 1, 2, 0, 1, 1, 2, 0, 0, 1, 2, 2, 1, 0]), 4, order)  # 3 is never seen
    written = model.write(3, 60_000, np.random.default_rng(0))
    texts, counts = np.unique(written, axis=0, return_counts=True)
    found = dict(zip(map(tuple, texts.tolist()), (counts / len(written)).tolist(), strict=True))
    for text in np.ndindex(4, 4, 4):
        expected = float(model.probabilities(np.array(text))[-1].prod())
        error = math.sqrt(expected * (1 - expected) / len(written))
        assert abs(found.get(text, 0.0) - expected) < 5 * error, text


@given(ids, st.integers(0, 5))
def test_a_model_of_any_text_can_write(train, order):
    written = NGram(np.array(train, dtype=np.int64), 4, order).write(7, 3, np.random.default_rng(0))
    assert written.shape == (3, 7)
    assert set(written.ravel().tolist()) <= {0, 1, 2, 3}


def test_the_floors_are_measured_on_the_characters_that_validation_predicts_from_training_counts_alone():
    vocabulary = Vocabulary(TEXT)
    train, validation = split(vocabulary.encode(TEXT), 0.3)
    record = baselines(train, validation, len(vocabulary))
    streams = validation_streams(validation)
    scored = [witten_bell(train.tolist(), stream.tolist(), len(vocabulary), 6) for stream in streams]
    bits = -np.log2(np.array(scored)[:, :, 1:]).mean(axis=(0, 2))
    assert record.orders == ORDERS
    assert record.bits == pytest.approx(bits.tolist(), abs=1e-5)
    assert record.uniform == math.log2(len(vocabulary))


def test_nothing_beats_the_floor_on_shuffled_text():
    shuffled = np.random.default_rng(0).integers(0, 32, 100_000)
    record = baselines(*split(shuffled, 0.1), 32)
    assert min(record.bits) > record.uniform - 0.001


def test_only_the_first_part_of_a_very_long_training_text_is_counted(monkeypatch):
    vocabulary = Vocabulary(TEXT)
    train, validation = split(vocabulary.encode(TEXT), 0.1)
    whole = baselines(train[:500], validation, len(vocabulary))
    monkeypatch.setattr(module, "MOST_CHARACTERS", 500)
    assert baselines(train, validation, len(vocabulary)) == whole


def test_tiny_shakespeare_costs_what_is_known_of_it():
    # The reference values are for the first 20,000 validation characters. The text lies beside the checkout
    # on some machines only; the tests against dictionaries above are the proof.
    for path in (Path(__file__).parents[3] / "shared" / "data").glob("tinyshakespeare.txt"):
        vocabulary = Vocabulary(text := path.read_text("utf-8"))
        train, validation = split(vocabulary.encode(text), 0.1)
        bits = NGram(train, len(vocabulary), 6).bits(validation[:20_000])
        assert math.log2(len(vocabulary)) == pytest.approx(6.022, abs=0.001)
        assert bits.tolist() == pytest.approx([4.831, 3.595, 2.867, 2.430, 2.246, 2.269], abs=0.001)


def test_a_million_characters_take_less_than_ten_seconds():
    vocabulary = Vocabulary(text := load("python-stdlib").text[:1_000_000])
    start = time.process_time()
    baselines(*split(vocabulary.encode(text), 0.1), len(vocabulary))
    assert time.process_time() - start < 10


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path))
    return tmp_path / "baselines"


def test_the_cache_answers_the_second_time(cache, monkeypatch):
    assert find_baselines(digest_of(TEXT), 0.1) is None
    first = cached_baselines(TEXT, 0.1)
    assert first == baselines(*split(Vocabulary(TEXT).encode(TEXT), 0.1), len(set(TEXT)))
    monkeypatch.setattr(module, "baselines", None)
    assert cached_baselines(TEXT, 0.1) == first
    assert find_baselines(digest_of(TEXT), 0.1) == first


def test_another_text_or_another_split_has_a_place_of_its_own(cache):
    found = [cached_baselines(TEXT, 0.1), cached_baselines(TEXT, 0.2), cached_baselines(TEXT[:-9], 0.1)]
    assert len({record.bits for record in found}) == 3
    assert len(list(cache.iterdir())) == 3
    assert all(path.suffix == ".json" for path in cache.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        '{"bits": [1]}',
        '{"vocab_size": 5, "uniform": 2.0, "orders": [1, 2, 3, 4, 5, 6], "bits": [1.0, 2',
        '{"vocab_size": 5, "uniform": 2.0, "orders": [1, 2], "bits": [1.0, 2.0]}',
        '{"vocab_size": 5, "uniform": 2.0, "orders": [1, 2, 3, 4, 5, 6], "bits": [1, 2, 3, 4, 5, NaN]}',
        "\udcff",
    ],
)
def test_a_damaged_cache_file_is_computed_anew(cache, damage):
    record = cached_baselines(TEXT, 0.1)
    (path,) = cache.iterdir()
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert find_baselines(digest_of(TEXT), 0.1) is None
    assert cached_baselines(TEXT, 0.1) == record
    assert find_baselines(digest_of(TEXT), 0.1) == record


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "file"))
    assert cached_baselines(TEXT, 0.1) is not None


def test_a_text_with_nothing_to_validate_is_a_sentence(cache):
    with pytest.raises(CorpusError, match="at least 2 for validation, got 10 and 0"):
        cached_baselines("abcdefghij", 0.01)

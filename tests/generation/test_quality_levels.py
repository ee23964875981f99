"""Claims about the index of a text, what samples are held against, and the cache that keeps both."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from rnncore.errors import CorpusError
from rnncore.generation.quality import kept
from rnncore.generation.quality.balance import brackets
from rnncore.generation.quality.index import TextIndex
from rnncore.generation.quality.levels import LENGTH, LONG, SAMPLES, held_out, levels, sample_length
from rnncore.generation.quality.measures import MEASURES, Batch, measure
from rnncore.generation.quality.words import distinct, self_bleu, valid_words, words
from rnncore.tasks.corpora import load
from rnncore.tasks.disk import digest_of
from rnncore.tasks.text import Vocabulary, split

PYTHON = load("python-stdlib").text[:80_000]
PROSE = "the cat sat on the mat and the dog lay in the sun\n" * 400
LATEX = (
    "Let $x$ be a point.\n\\begin{lemma}\nThen $x = y$.\n\\end{lemma}\n\\begin{proof}\nOmitted.\n\\end{proof}\n" * 200
)


def parts(text: str, fraction: float = 0.2):
    vocabulary = Vocabulary(text)
    train, validation = split(vocabulary.encode(text), fraction)
    return vocabulary, train, validation


def indexed(text: str) -> TextIndex:
    vocabulary, train, _ = parts(text)
    return TextIndex.build(vocabulary, train)


@pytest.fixture(scope="module")
def python_index() -> TextIndex:
    return indexed(PYTHON)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path))
    return tmp_path / "quality"


def test_each_measure_of_a_batch_is_its_definition(python_index):
    vocabulary, train, validation = parts(PYTHON)
    texts = [vocabulary.decode(validation[start : start + 200]) for start in range(0, 1000, 200)]
    known = frozenset(words(vocabulary.decode(train)))
    found = measure(Batch(texts, python_index), list(MEASURES))
    values = dict(zip(MEASURES, found.values, strict=True))
    whole = vocabulary.decode(train)
    new = [np.mean([text[i : i + 8] not in whole for i in range(len(text) - 7)]) for text in texts]
    bits = [python_index.ngram.character_bits(vocabulary.encode(text))[4:].mean() for text in texts]
    assert values["valid_words"] == pytest.approx(np.mean([valid_words(text, known) for text in texts]))
    assert values["novelty"] == pytest.approx(np.mean(new))
    assert values["ngram_bits"] == pytest.approx(np.mean(bits))
    assert values["distinct_2"] == distinct(texts, 2)
    assert values["self_bleu"] == pytest.approx(np.mean(self_bleu(texts)))
    assert values["brackets"] == pytest.approx(np.nanmean([brackets(text) for text in texts]))
    spread = dict(zip(MEASURES, found.spread, strict=True))
    assert spread["novelty"] == pytest.approx(np.std(new))
    assert math.isnan(spread["distinct_2"])  # one number for all together
    assert dict(zip(MEASURES, found.defined, strict=True))["distinct_2"] == 1


def test_the_longest_span_is_found_with_its_place_and_line(python_index):
    vocabulary, train, _ = parts(PYTHON)
    whole = vocabulary.decode(train)
    place = whole.index("\n", 3000) + 40
    copied = whole[place : place + 70]
    texts = ["zzz qqq" * 10, f"QQQ{copied}QQQ"]
    batch = Batch(texts, python_index)
    sample, start, length = batch.longest
    assert sample == 1
    assert texts[sample][start : start + length] in whole
    assert length >= 70
    found = int(batch.matches[sample][1][start])
    assert whole[found : found + length] == texts[sample][start : start + length]
    assert python_index.line(found) == whole[:found].count("\n") + 1
    assert python_index.text(found - 5, found + 5) == whole[max(found - 5, 0) : found + 5]
    assert python_index.text(-5, 5) == whole[:5]


def test_what_is_copied_counts_by_its_letters_and_digits():
    vocabulary = Vocabulary(text := "x" + " " * 50 + "# ---------- the end of it\n" * 9)
    index = TextIndex.build(vocabulary, vocabulary.encode(text))
    samples = [" " * 30, "----------", "xx of it\nxx", "xthe e"]
    batch = Batch(samples, index)
    assert [int(sizes.max()) for sizes in batch.copied] == [0, 0, 4, 4]
    assert batch.copied[2].tolist() == [1, 1, 0, 4, 3, 0, 2, 1, 0, 1, 1]
    assert measure(batch, ["copied"]).values == 2
    assert batch.longest == (2, 3, 6)  # "of it" and the line break
    assert Batch(samples[:2], index).longest[2] == 0


def test_the_index_knows_the_training_text_alone():
    text = PROSE + "xylophone zebra quixotic " * 200
    index = indexed(text)
    assert "xylophone" not in index.words
    assert measure(Batch([" xylophone zebra "], index), ["valid_words"]).values == 0
    ((lengths, _),) = Batch(["quixotic"], index).matches
    assert lengths.max() == 1


def test_pieces_of_held_out_text_are_apart_and_within_it():
    pieces = held_out(np.arange(1000), 150)
    assert pieces.shape == (6, 150)
    assert len(np.unique(pieces)) == 900
    assert held_out(np.arange(100_000), 300).shape == (4 * SAMPLES, 300)
    assert held_out(np.arange(7), 7).tolist() == [[0, 1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("text", "present", "absent", "length"),
    [
        (PYTHON, {"parses", "brackets"}, {"environments"}, LENGTH),
        (PROSE, set(), {"parses", "brackets", "quotes", "environments"}, LENGTH),
        (LATEX, {"environments", "brackets"}, {"parses"}, LONG),
    ],
)
def test_only_what_the_text_itself_has_is_measured(text, present, absent, length):
    vocabulary, train, validation = parts(text)
    found = levels(TextIndex.build(vocabulary, train), validation, len(train))
    assert present <= set(found.names)
    assert not absent & set(found.names)
    assert {"valid_words", "ngram_bits", "novelty", "copied", "distinct_1", "self_bleu"} <= set(found.names)
    assert (found.length, found.samples, found.training) == (length, SAMPLES, len(train))


def test_levels_order_real_text_ngrams_and_noise_as_they_must(python_index):
    _, train, validation = parts(PYTHON)
    found = levels(python_index, validation, len(train))
    level = {
        name: (text, ngram, uniform)
        for name, text, ngram, uniform in zip(found.names, found.text, found.ngram, found.uniform, strict=True)
    }
    for name in ("brackets", "parses"):
        assert level[name][0] > level[name][1] >= level[name][2], name
    assert level["novelty"][2] == 1
    assert level["ngram_bits"][2] > level["ngram_bits"][0] > level["ngram_bits"][1]  # the model finds its own text easy
    assert level["copied"][0] > level["copied"][2]


def test_a_text_too_short_for_a_batch_has_no_level_of_what_compares_samples():
    vocabulary, train, validation = parts(PROSE[:3000])
    found = levels(TextIndex.build(vocabulary, train), validation, len(train))
    assert found.pieces == 2
    values = dict(zip(found.names, found.text, strict=True))
    assert math.isnan(values["distinct_1"])
    assert math.isnan(values["self_bleu"])
    assert values["valid_words"] == 1


@pytest.mark.parametrize("characters", [2, 5, 50])
def test_very_little_held_out_text_gives_short_samples(characters):
    vocabulary, train, _ = parts(PROSE)
    index = TextIndex.build(vocabulary, train)
    found = levels(index, train[:characters], len(train))
    assert found.length == characters == sample_length(index, characters)


def test_the_cache_gives_back_what_was_built(cache):
    vocabulary, train, validation = parts(PYTHON)
    digest = digest_of(PYTHON)
    assert kept.find_levels(digest, 0.2) is None
    assert kept.find_index(digest, 0.2, vocabulary, train) is None
    built = kept.build(PYTHON, 0.2)
    assert kept.is_kept(digest, 0.2)
    read, known = kept.find_index(digest, 0.2, vocabulary, train), kept.find_levels(digest, 0.2)
    fresh = TextIndex.build(vocabulary, train)
    assert read is not None
    assert known is not None
    assert read.words == fresh.words
    texts = [vocabulary.decode(validation[start : start + 300]) for start in (0, 700, 5000)]
    for name in MEASURES:
        expected, found = (measure(Batch(texts, index), [name]).values for index in (fresh, read))
        np.testing.assert_array_equal(found, expected, err_msg=name)
    for column in ("text", "ngram", "uniform"):
        np.testing.assert_array_equal(getattr(known, column), getattr(built, column))
    assert known.names == built.names


def test_the_cache_is_built_once_and_each_text_and_split_has_its_own_place(cache, monkeypatch):
    kept.build(PROSE, 0.2)
    kept.build(PROSE, 0.1)
    kept.build(LATEX, 0.2)
    assert len(list(cache.iterdir())) == 6
    monkeypatch.setattr(kept, "TextIndex", None)
    kept.build(PROSE, 0.2)


@pytest.mark.parametrize("suffix", [".index", ".levels"])
@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-9], lambda data: data[:50] + b"?" + data[51:]]
)
def test_a_damaged_file_is_built_anew(cache, suffix, damage):
    before = kept.build(PROSE, 0.2)
    (path,) = cache.glob(f"*{suffix}")
    path.write_bytes(damage(path.read_bytes()))
    vocabulary, train, _ = parts(PROSE)
    digest = digest_of(PROSE)
    assert not kept.is_kept(digest, 0.2)
    assert None in (kept.find_levels(digest, 0.2), kept.find_index(digest, 0.2, vocabulary, train))
    np.testing.assert_array_equal(kept.build(PROSE, 0.2).text, before.text)
    assert kept.is_kept(digest, 0.2)


def test_a_text_that_cannot_be_split_is_a_sentence(cache):
    with pytest.raises(CorpusError, match="at least 2 for validation"):
        kept.build("abcdefghij", 0.01)


def test_the_process_beside_a_run_needs_no_torch():
    code = "import sys, rnncore.runs.beside; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Claims about the character task: what is read when, and that nothing leaks."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncore.errors import CorpusError
from rnncore.tasks.text import VALIDATION_LENGTH, VALIDATION_STREAMS, TextTask, Vocabulary, split

LETTERS = np.array(list("abcdefghijklmnop"))


def random_text(size: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(LETTERS, size))


def task(text: str | None = None, **settings) -> TextTask:
    text = random_text(5000) if text is None else text
    return TextTask(text, **({"sequence_length": 20, "batch_size": 4} | settings))


@given(st.text(st.characters(), min_size=1, max_size=50))  # any character, lone surrogates too
def test_decoding_undoes_encoding(text):
    vocabulary = Vocabulary(text)
    assert vocabulary.characters == "".join(sorted(set(text)))
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert [vocabulary.characters[i] for i in ids] == list(text)
    assert vocabulary.decode(ids) == text


def test_characters_that_the_corpus_lacks_are_named():
    vocabulary = Vocabulary("hello world")
    with pytest.raises(CorpusError, match="got '!Zé'; leave them out"):
        vocabulary.encode("Zélle!!")
    with pytest.raises(CorpusError, match="and 60 more"):
        vocabulary.encode("".join(map(chr, range(1000, 1100))))
    with pytest.raises(CorpusError):
        Vocabulary("").encode("a")
    assert len(vocabulary.encode("")) == 0


def test_validation_is_the_last_part_of_the_text():
    train, validation = split(np.arange(1000), 0.1)
    assert train.tolist() == list(range(900))
    assert validation.tolist() == list(range(900, 1000))


@pytest.mark.parametrize("stateful", [True, False])
def test_targets_are_the_characters_after_the_inputs(stateful):
    text = random_text(5000)
    learn = task(text, stateful=stateful)
    inputs, targets, _ = learn.batch(3)
    assert inputs.shape == targets.shape == (20, 4)
    assert inputs.dtype == targets.dtype == torch.int64
    assert torch.equal(inputs[1:], targets[:-1])
    for b in range(4):
        window = learn.vocabulary.decode(torch.cat([inputs[:, b], targets[-1:, b]]).numpy())
        assert window in text[:4500]


def test_streams_go_on_where_the_last_window_ended_and_start_anew_together():
    learn = task()
    period = learn.windows
    resets = []
    for step in range(2 * period):
        _, targets, reset = learn.batch(step)
        following, _, again = learn.batch(step + 1)
        resets.append(reset)
        assert again or torch.equal(following[0], targets[-1])
    assert resets == ([True] + [False] * (period - 1)) * 2
    assert torch.equal(learn.batch(0)[0], learn.batch(period)[0])


def test_a_pass_reads_each_place_of_the_training_text_at_most_once_and_nearly_all_of_it():
    learn = TextTask("".join(map(chr, range(0x4E00, 0x8000))), sequence_length=30, batch_size=8)  # an id is a place
    places = torch.cat([learn.batch(step)[0].flatten() for step in range(learn.windows)])
    assert len(places.unique()) == len(places)
    assert len(places) > 0.97 * len(learn.train_ids)


def test_random_windows_depend_on_seed_and_step_alone():
    one, other = task(stateful=False, seed=5), task(stateful=False, seed=5)
    forwards = [one.batch(step)[0] for step in range(6)]
    backwards = [other.batch(step)[0] for step in reversed(range(6))]
    assert all(map(torch.equal, forwards, reversed(backwards)))
    assert not torch.equal(forwards[0], forwards[1])
    assert not torch.equal(forwards[0], task(stateful=False, seed=6).batch(0)[0])
    assert all(learn.batch(step)[2] for learn in (one, other) for step in range(3))


def test_random_windows_reach_every_place():
    learn = task(random_text(100), stateful=False, sequence_length=80, batch_size=8)
    learn.train_ids = np.arange(len(learn.train_ids))
    starts = torch.cat([learn.batch(step)[0][0] for step in range(50)])
    assert starts.unique().tolist() == list(range(10))


def test_batches_do_not_touch_the_global_random_state():
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for stateful in (True, False):
        task(stateful=stateful).batch(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


@pytest.mark.parametrize("stateful", [True, False])
def test_validation_text_never_enters_training(stateful):
    learn = task("ab" * 1000 + "cd" * 100, validation_fraction=200 / 2200, stateful=stateful)
    seen = torch.cat([torch.cat(learn.batch(step)[:2]).flatten() for step in range(200)])
    assert learn.vocabulary.decode(seen.unique().numpy()) == "ab"
    validated = torch.cat([torch.cat(pair).flatten() for pair in learn.validation_batches()])
    assert learn.vocabulary.decode(validated.unique().numpy()) == "cd"


def test_the_same_characters_are_validated_whatever_the_windows_are():
    text = random_text(300_000)
    shapes = ((1, 1), (64, 32), (100, 7), (1000, 3))
    tasks = [task(text, sequence_length=t, batch_size=b) for t, b in shapes]
    targets = [torch.cat([target for _, target in learn.validation_batches()]) for learn in tasks]
    assert targets[0].shape == (VALIDATION_LENGTH, VALIDATION_STREAMS)
    assert all(torch.equal(targets[0], other) for other in targets[1:])
    for learn in tasks:
        assert all(len(inputs) <= learn.sequence_length for inputs, _ in learn.validation_batches())


def test_validation_streams_are_unbroken_and_spread_over_the_text():
    learn = task(random_text(400_000))
    learn.validation_ids = np.arange(len(learn.validation_ids))
    inputs, targets = (torch.cat(part) for part in zip(*learn.validation_batches(), strict=True))
    assert torch.equal(targets, inputs + 1)
    assert len(targets.unique()) == targets.numel()
    gaps = inputs[0].diff()
    assert gaps.min() == gaps.max()
    assert targets.max() > 0.95 * len(learn.validation_ids)


@pytest.mark.parametrize("size", [2, 3, 512, 513, 514, 1025, 1026, 5000])
def test_any_length_of_validation_text_is_enough_from_two_characters_on(size):
    learn = task()
    learn.validation_ids = np.arange(size)
    places = torch.cat([targets.flatten() for _, targets in learn.validation_batches()])
    assert len(places.unique()) == len(places) >= min(size - 1, VALIDATION_LENGTH)


@given(
    st.integers(50, 400), st.integers(1, 60), st.integers(1, 20), st.booleans(), st.sampled_from([0.05, 0.1, 0.3, 0.5])
)
def test_a_text_that_is_too_short_is_refused_with_values_that_fit(size, length, batch, stateful, fraction):
    text = random_text(size)
    settings = {
        "sequence_length": length,
        "batch_size": batch,
        "stateful": stateful,
        "validation_fraction": fraction,
    }
    try:
        task(text, **settings).batch(7)
    except CorpusError as error:
        sentence = str(error)
    else:
        return
    assert f"sequence_length {length}" in sentence
    assert f"batch_size {batch}" in sentence
    for name, value in re.findall(r"use (sequence_length|batch_size) (\d+) or less", sentence):
        task(text, **settings | {name: int(value)}).batch(7)
        with pytest.raises(CorpusError):
            task(text, **settings | {name: int(value) + 1})
    least = int(re.search(r"at least ([\d,]+) characters", sentence)[1].replace(",", ""))
    task(random_text(least), **settings).batch(7)
    with pytest.raises(CorpusError):
        task(random_text(least - 2), **settings)


def test_a_text_that_leaves_nothing_to_validate_is_refused():
    with pytest.raises(CorpusError, match=r"validation_fraction must leave .* got 0.01 of 100 characters; raise"):
        task(random_text(100), sequence_length=5, validation_fraction=0.01)


@pytest.mark.parametrize("text", ["", "a"])
def test_no_text_is_a_sentence(text):
    with pytest.raises(CorpusError, match="use a longer text"):
        task(text)
    with pytest.raises(CorpusError, match="got 0 of 5,000 characters"):
        task(validation_fraction=0.0)


def test_knowing_nothing_costs_log2_of_the_vocabulary():
    learn = task()
    _, targets, _ = learn.batch(0)
    nats = learn.loss(torch.zeros(20, 4, learn.vocab_size), targets).item()
    assert learn.vocab_size == 16
    assert learn.floor_bits == 4
    assert nats / math.log(2) == pytest.approx(4, abs=1e-6)


def test_the_loss_is_the_mean_cross_entropy_in_nats():
    logits, targets = torch.randn(5, 3, 7, generator=torch.Generator().manual_seed(0)), torch.arange(15).view(5, 3) % 7
    expected = -sum(
        math.log(math.exp(logits[t, b, targets[t, b]]) / sum(math.exp(x) for x in logits[t, b]))
        for t in range(5)
        for b in range(3)
    )
    assert task().loss(logits, targets).item() == pytest.approx(expected / 15, rel=1e-5)


def test_a_primer_starts_after_a_line_break_of_the_validation_text():
    text = "x" * 900 + "of a line\nA new line, and more of it" + "y" * 64
    assert task(text).primer(10) == "A new line"
    assert task("x" * 900 + "y" * 100).primer(10) == "y" * 10

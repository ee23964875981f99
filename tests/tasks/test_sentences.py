"""Claims about the task of the three sentences."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig, SentencesTask
from rnncore.lecture.structured_prediction import LECTURE
from rnncore.tasks import make_task
from rnncore.training.trainer import Trainer
from tests.tasks.shuffled import Shuffled


def task(batch_size=64, seed=1):
    return make_task(RunConfig.of(task="sentences", batch_size=batch_size, seed=seed))


def test_a_batch_is_whole_sentences_and_the_word_before_each_word():
    inputs, targets, fresh = task().batch(3)
    assert fresh
    assert inputs.shape == targets.shape == (8, 64)
    assert inputs.dtype == targets.dtype == torch.int64
    assert {tuple(text) for text in targets.T.tolist()} == {tuple(text) for text in LECTURE.texts.tolist()}
    assert (inputs[0] == 0).all()
    assert torch.equal(inputs[1:], targets[:-1])


def test_a_batch_is_a_function_of_seed_and_step_alone():
    one, other = task(), task()
    one.batch(0)
    assert torch.equal(one.batch(7)[1], other.batch(7)[1])
    assert not torch.equal(one.batch(7)[1], one.batch(8)[1])
    assert not torch.equal(one.batch(7)[1], task(seed=2).batch(7)[1])


def test_sentences_come_as_often_as_they_should():
    drawn = torch.cat([task(batch_size=1000).batch(step)[1] for step in range(20)], 1)
    shares = [(torch.tensor(text) == drawn.T).all(1).double().mean().item() for text in LECTURE.texts.tolist()]
    for share, wanted in zip(shares, LECTURE.probabilities, strict=True):
        assert abs(share - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / drawn.shape[1])


def test_the_foreign_word_is_known_and_never_met():
    made = task()
    foreign = LECTURE.words.index("drive")
    assert made.output_size == len(LECTURE.words) == foreign + 1
    assert made.labels(torch.tensor([foreign, 0])) == ["drive", "·"]
    met = [made.batch(step)[1] for step in range(5)] + [targets for _, targets in made.validation_batches()]
    assert all((ids != foreign).all() for ids in (*met, made.stretch(100)))


def test_validation_has_the_sentences_in_exact_proportion_each_time():
    (first, second) = (list(task(seed=seed).validation_batches()) for seed in (1, 2))
    for (inputs, targets), (same, _) in zip(first, second, strict=True):
        assert torch.equal(inputs, same)
        assert np.bincount(targets[1].numpy(), minlength=9)[[2, 5, 4]].tolist() == [300, 300, 400]


def test_the_loss_is_the_mean_cross_entropy_and_its_floor_uniform_guessing():
    made = task()
    _, targets, _ = made.batch(0)
    logits = torch.randn(8, 64, made.output_size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    by_hand = [
        -math.log(logits[t, b].exp()[targets[t, b]].item() / logits[t, b].exp().sum().item())
        for t in range(8)
        for b in range(64)
    ]
    assert made.loss(logits, targets).item() == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-12)
    assert made.loss(torch.zeros_like(logits), targets).item() == pytest.approx(made.floor, rel=1e-12)


def test_nobody_beats_the_floor_when_the_answers_are_shuffled():
    """Where a sentence has nothing to do with what was read, only the frequencies at each place can be known."""
    words = LECTURE.texts.T  # by place
    odds = [np.bincount(place, LECTURE.probabilities) for place in words]
    floor = -sum(p * math.log(p) for place in odds for p in place if p) / len(words)
    trainer = Trainer(RunConfig.of(task="sentences", hidden_size=16, batch_size=64, lr=0.02))
    for shuffled in (False, True):
        if shuffled:
            trainer.task = Shuffled(trainer.task)
        for _ in range(100):
            trainer.advance()
        assert (trainer.validate() < floor) is not shuffled


def test_a_stretch_is_as_long_as_asked():
    words = task().labels(task().stretch(30))
    assert len(words) == 30
    assert " ".join(words).startswith("· I think therefore I am · I like machine learning · I am not just a neural")


def test_the_configuration_knows_how_long_a_sentence_is():
    assert SentencesTask.sequence_length == task().sequence_length == 8

"""Claims about what the model writes while it learns."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.diagnostics import live_measures, samples
from rnncore.diagnostics.samples import CONTEXT, QualityMeasure, SampleMeasure, sample_quality
from rnncore.generation.quality import kept
from rnncore.generation.quality.index import TextIndex
from rnncore.generation.quality.measures import Batch, measure
from rnncore.records import SampleQuality
from rnncore.tasks.text import Vocabulary, split
from rnncore.training import Trainer, events, train
from rnncore.training.measuring import Budget, due_measures

TEXT = "the quick (brown) fox jumps over the lazy dog;\n" * 80
SMALL = {"hidden_size": 12, "embedding_size": 5, "sequence_length": 9, "batch_size": 6, "sample_length": 30}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path))


def qualities(config: RunConfig) -> list[SampleQuality]:
    found = train(config, text=TEXT, measures=[QualityMeasure(config)])
    return [event.record for event in found if isinstance(event, events.Measured)]


def one(trainer: Trainer, measurement):
    (record,) = measurement.records(trainer, None)
    return record


def test_only_what_learns_a_text_writes():
    kinds = {
        task: {type(m).__name__ for m in live_measures(RunConfig.of(task=task))}
        for task in ("text", "sentences", "henon")
    }
    assert {"SampleMeasure", "QualityMeasure"} <= kinds["text"]
    assert not {"SampleMeasure", "QualityMeasure"} & (kinds["sentences"] | kinds["henon"])


def test_the_same_weights_write_the_same_sample_and_other_weights_another():
    config = RunConfig.of(**SMALL, lr=0.05)
    trainer, measurement = Trainer(config, TEXT), SampleMeasure(config)
    first, again = one(trainer, measurement), one(trainer, measurement)
    assert first == again
    assert len(first.text) == 30
    assert TEXT.find(first.primer) >= 0
    for _ in range(10):
        trainer.advance()
    later = one(trainer, measurement)
    assert (later.primer, later.seed, later.step) == (first.primer, first.seed, 10)
    assert later.text != first.text


def test_a_young_run_writes_more_often_and_an_old_one_as_its_share_allows():
    config = RunConfig.of(**SMALL)
    trainer, measurement = Trainer(config, TEXT), SampleMeasure(config)
    shares = []
    for seconds in (0.0, 1.0, 5.0, 10.0, 20.0, 1000.0):
        trainer.seconds = seconds
        one(trainer, measurement)
        shares.append(measurement.share)
    assert shares == pytest.approx([0.64, 0.64, 0.32, 0.16, 0.08, 0.08])


def test_quality_waits_for_the_index_and_takes_no_turn_before_it_is_there(monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=100.0)
    monkeypatch.setattr(samples, "time", clock)
    config = RunConfig.of(**SMALL)
    trainer, measurement = Trainer(config, TEXT), QualityMeasure(config)
    assert measurement.forced(1)  # nothing is known yet of the index
    assert list(measurement.records(trainer, None)) == []
    assert not measurement.forced(2)
    levels = kept.build(TEXT, 0.1)
    clock.now += 2.4
    assert (measurement.forced(4), measurement.share) == (False, 0)  # it does not look at each step
    clock.now += 0.2
    assert (measurement.forced(7), measurement.share) == (False, 0.08)
    assert measurement.forced(8)
    record = one(trainer, measurement)
    assert (record.samples, record.length) == (levels.samples, levels.length)
    assert record.names == levels.names


def test_turns_without_an_index_do_not_make_those_with_one_look_cheap():
    config = RunConfig.of(**SMALL)
    trainer, measurement, budget = Trainer(config, TEXT), QualityMeasure(config), Budget(0.03)
    costs = []
    for step in range(1, 40):
        seconds = step / 2.0
        if step == 20:
            kept.build(TEXT, 0.1)
        if due_measures([measurement], budget, step, seconds):
            costs.append(0.1 if list(measurement.records(trainer, None)) else 0.0)
            budget.book(measurement.name, costs[-1], seconds)
        measurement._next_look = 0.0
    assert costs == [0.0, 0.1, 0.1]  # the second one by the step, 32


def test_a_run_measures_quality_at_its_first_and_its_last_step_where_the_index_is_known():
    kept.build(TEXT, 0.1)
    found = qualities(RunConfig.of(**SMALL, steps=5))
    assert [found[0].step, found[-1].step] == [1, 5]
    assert found[0].temperature == 0.8


def test_the_recorded_quality_is_that_of_texts_which_the_model_writes():
    kept.build(TEXT, 0.1)
    config = RunConfig.of(**SMALL)
    trainer, measurement = Trainer(config, TEXT), QualityMeasure(config)
    record = one(trainer, measurement)
    _, texts = measurement.write(trainer, record.length, record.samples)
    index = TextIndex.build(trainer.task.vocabulary, trainer.task.train_ids)
    found = measure(Batch(texts, index), record.names)
    np.testing.assert_array_equal(record.values, found.values)
    assert record.value("novelty") == found.values[record.names.index("novelty")]
    assert math.isnan(record.value("parses"))


def test_measuring_quality_changes_nothing_of_the_training():
    kept.build(TEXT, 0.1)
    config = RunConfig.of(**SMALL, steps=6, dropout=0.3, num_layers=2)
    before = torch.random.get_rng_state()

    def losses(measures):
        return [event.loss for event in train(config, text=TEXT, measures=measures) if isinstance(event, events.Step)]

    assert losses([QualityMeasure(config), SampleMeasure(config)]) == losses([])
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_longest_copied_span_is_told_with_where_it_stands():
    vocabulary = Vocabulary(TEXT + "QX")
    train_ids, _ = split(vocabulary.encode(TEXT + "QX"), 0.1)
    index = TextIndex.build(vocabulary, train_ids)
    whole = vocabulary.decode(train_ids)
    texts = ["QXQXthe laXQXQXQ", "QXX jumps over tQXQX"[:16]]
    record = sample_quality(texts, index, ("copied",), step=3, temperature=1.0)
    assert record.copied == "jumps over t"
    assert whole[record.copied_at :].startswith(record.copied)
    assert record.copied_line == whole[: record.copied_at].count("\n") + 1
    start, end = record.copied_at, record.copied_at + len(record.copied)
    assert record.copied_before == whole[max(start - CONTEXT, 0) : start]
    assert record.copied_after == whole[end : end + CONTEXT]


def test_where_nothing_is_copied_no_place_is_made_up():
    vocabulary = Vocabulary("abc" * 300 + "QX")
    index = TextIndex.build(vocabulary, vocabulary.encode("abc" * 300))
    record = sample_quality(["QXQX", "XXXX"], index, ("copied", "novelty"), step=1, temperature=1.0)
    assert (record.copied, record.copied_at, record.copied_line) == ("", -1, 0)
    assert (record.copied_before, record.copied_after) == ("", "")
    assert record.value("copied") == 0

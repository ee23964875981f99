"""Claims about exposure: both ways of feeding equal a slow loop, and intervals and bands hold what they promise."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from rnncore.config import RunConfig
from rnncore.diagnostics import exposure as module
from rnncore.diagnostics import live_measures
from rnncore.diagnostics.exposure import (
    ExposureMeasure,
    band,
    drift,
    exposure,
    held_out,
    interval,
    ngram_bits,
    reference,
    run_both,
    running_mean,
    student_t,
)
from rnncore.tasks.baselines import NGram
from rnncore.training import Trainer, events, train
from tests.tasks.test_baselines import witten_bell

TEXT = "the quick brown fox jumps over the lazy dog, and then sleeps until the evening comes. " * 60
SMALL = {"hidden_size": 10, "embedding_size": 5, "sequence_length": 9, "batch_size": 4, "sample_length": 5}


def trainer(**values):
    run = Trainer(RunConfig.of(**SMALL | values), TEXT)
    run.model.double().eval()
    return run


def both(run, length=12, count=3, warmup=4):
    streams = run.task.validation_ids[np.arange(count) * 20 + np.arange(length)[:, None]]
    chance = np.random.default_rng(0).random((length - warmup, count))
    return (
        run_both(run.model, run.task.own, torch.from_numpy(streams), warmup, torch.from_numpy(chance)),
        streams,
        chance,
    )


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
@pytest.mark.parametrize("piece", [1, 200, 10**6])
def test_both_ways_of_feeding_equal_a_loop_that_reads_everything_anew(monkeypatch, cell, piece):
    monkeypatch.setattr(module, "PIECE", piece)
    run = trainer(cell=cell, num_layers=2)
    found, streams, chance = both(run)

    def scores(ids):
        with torch.no_grad():
            return run.model(torch.tensor(ids).unsqueeze(1))[0][-1, 0]

    for n in range(streams.shape[1]):
        truth = streams[:, n].tolist()
        read = truth[:4]
        for k in range(8):
            forced, free = (scores(ids).log_softmax(-1) for ids in (truth[: 4 + k], read))
            assert found.forced[k, n] == pytest.approx(-float(forced[truth[4 + k]]), rel=1e-10)
            assert found.free[k, n] == pytest.approx(-float(free[truth[4 + k]]), rel=1e-10)
            drawn = int((free.exp().cumsum(0) < 1 - chance[k, n]).sum())  # the first whose sum reaches the chance
            assert found.written[k, n] == drawn
            read.append(drawn)


def test_before_anything_of_its_own_is_read_both_losses_are_the_same():
    found, _, _ = both(trainer())
    np.testing.assert_array_equal(found.forced[0], found.free[0])
    assert np.abs(found.forced[1:] - found.free[1:]).max() > 1e-6


def test_a_network_that_does_not_listen_has_no_gap():
    run = trainer()
    torch.nn.init.zeros_(run.model.embedding.weight)
    found, streams, _ = both(run)
    record = exposure(found, streams, None, cell="lstm", unit="character")
    np.testing.assert_allclose(record.gap, 0, atol=1e-12)


def test_a_network_that_learned_a_text_by_heart_pays_for_leaving_it():
    run = Trainer(RunConfig.of(**SMALL | {"hidden_size": 32, "lr": 0.02}), TEXT)
    for _ in range(100):
        run.advance()
    run.model.double().eval()
    streams, warmup = held_out(run.task, 8)
    chance = torch.rand(len(streams) - warmup, 8, generator=torch.Generator().manual_seed(0))
    found = run_both(run.model, run.task.own, torch.from_numpy(streams), warmup, chance)
    record = exposure(found, streams, None, cell="lstm", unit="character")
    assert record.gap_interval.sign == 1
    assert record.gap[0] == pytest.approx(float((found.free - found.forced).mean()))
    np.testing.assert_allclose(record.free_error, found.free.std(1, ddof=1) / math.sqrt(8))
    np.testing.assert_allclose(record.forced, found.forced.mean(1))


@pytest.mark.parametrize("degrees", [6, 7, 15, 31, 63, 255])
def test_the_t_quantile_is_student_s(degrees):
    assert student_t(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=0.01)


def test_intervals_are_student_s_over_streams():
    values = np.random.default_rng(1).normal(2, 3, 40)
    wanted = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert interval(values) == pytest.approx((values.mean(), *wanted), rel=1e-3)


def test_real_text_stays_within_the_band_at_all_positions_19_times_in_20():
    generator = np.random.default_rng(2)
    stayed = []
    for _ in range(300):
        one, other = (running_mean(generator.gamma(2, 1, (20, 32))) for _ in range(2))
        apart = np.abs(one.mean(1) - other.mean(1))
        stayed.append((apart <= band(one)).all())
    assert 0.92 <= np.mean(stayed) <= 0.98


def test_running_means_are_means_of_all_positions_so_far():
    values = np.arange(12.0).reshape(4, 3) ** 2
    for k in range(4):
        np.testing.assert_allclose(running_mean(values)[k], values[: k + 1].mean(0))


def test_bits_are_those_of_counting_with_dictionaries_behind_the_primer():
    run = trainer()
    _, streams, _ = both(run, count=4)
    ids, size = run.task.train_ids, run.task.vocab_size
    found = ngram_bits(NGram(ids, size, 5), streams[:5], streams[5:])
    for n in range(4):
        wanted = witten_bell(ids.tolist(), streams[:, n].tolist(), size, 5)[-1][5:]
        np.testing.assert_allclose(found[:, n], -np.log2(wanted), rtol=1e-10)


def test_what_it_wrote_is_scored_behind_the_true_primer():
    run = trainer()
    found, streams, _ = both(run, length=16, warmup=5)
    ids, size = run.task.train_ids, run.task.vocab_size
    record = exposure(found, streams, reference(NGram(ids, size, 3), streams, 5), cell="lstm", unit="character")
    bits = []
    for n in range(3):
        line = [*streams[:5, n].tolist(), *found.written[:, n].tolist()]
        bits.append(-np.log2(witten_bell(ids.tolist(), line, size, 3)[-1][5:]))
    np.testing.assert_allclose(record.written_mean, np.cumsum(np.mean(bits, 0)) / np.arange(1, 12), rtol=1e-10)
    later, earlier = np.array(bits)[:, 6:].mean(1), np.array(bits)[:, 2:6].mean(1)
    assert record.drift == pytest.approx(interval(later - earlier))


def test_errors_that_feed_on_errors_show_as_drift_and_a_steady_text_has_none():
    noise = np.random.default_rng(3).normal(0, 1, (64, 32))
    growing = noise + np.linspace(0, 2, 64)[:, None]
    low, high = drift(growing, 4)[1:], drift(noise, 4)[1:]
    assert low[0] > 0.7
    assert high[0] < 0 < high[1]
    assert np.isnan(drift(noise[:4], 4)).all()


def test_a_text_keeps_to_the_distribution_until_its_mean_leaves_the_band():
    found, streams, _ = both(trainer(), length=16, warmup=5)
    record = exposure(found, streams, None, cell="lstm", unit="character")

    def keeps(mean):
        values = {"text_mean": np.full(4, 2.0), "band": np.array([2, 1, 0.5, 0.25]), "written_mean": np.array(mean)}
        return type(record)(**{**vars(record), "order": 5, **values}).keeps

    assert keeps([2, 2, 2, 2]) == 4
    assert keeps([4, 3, 2.4, 2.4]) == 3
    assert keeps([4, 3.1, 2, 2]) == 1
    assert keeps([0, 0.5, 2, 2]) == 1  # repetition is cheaper than text, and leaves it as well
    assert keeps([math.nan] * 4) == 0


def test_streams_are_pieces_of_the_validation_text_that_do_not_overlap():
    run = Trainer(RunConfig.of(**SMALL), TEXT * 4)
    streams, warmup = held_out(run.task, 16)
    assert streams.shape == (module.WARMUP + module.POSITIONS, 16)
    assert warmup == module.WARMUP
    text = run.task.validation_ids
    gap = len(text) // 16
    assert gap >= len(streams)
    for n in range(16):
        np.testing.assert_array_equal(streams[:, n], text[n * gap : n * gap + len(streams)])


def test_a_short_validation_text_gives_shorter_streams_and_none_at_last():
    def streams(characters):
        return held_out(Trainer(RunConfig.of(**SMALL, validation_fraction=0.5), TEXT[:characters]).task, 64)

    found, warmup = streams(800)
    assert found.shape == (50, 8)
    assert warmup == 16
    assert streams(200) is None


def test_of_the_three_sentences_each_is_a_stream_in_its_proportion():
    run = Trainer(RunConfig.of(task="sentences"))
    streams, warmup = held_out(run.task, 64)
    assert warmup == 1
    assert not streams[0].any()  # behind a stop
    _, counts = np.unique(streams, axis=1, return_counts=True)
    np.testing.assert_allclose(np.sort(counts) / 64, [0.3, 0.3, 0.4], atol=0.02)


def records(text=TEXT, **values):
    config = RunConfig.of(**{**(SMALL if text else {}), "steps": 1, "budget": 0.5} | values)
    made = train(config, text=text, measures=[ExposureMeasure()])
    return [event.record for event in made if isinstance(event, events.Measured)]


def test_the_measure_compares_the_same_streams_each_time():
    first, second = records(), records(lr=0.5, steps=2)[-1:]
    (first,) = first
    assert first.streams == second[0].streams
    assert not np.array_equal(first.forced, second[0].forced)
    np.testing.assert_array_equal(first.forced, records()[0].forced)
    np.testing.assert_array_equal(first.free, records()[0].free)


def test_without_an_ngram_model_the_record_says_why():
    (record,) = records()
    assert record.order == 0
    assert "not counted yet" in record.note
    assert "written_mean" not in record.frame()
    assert len(record.frame()) == len(record.forced) == len(record.positions)


def test_the_measure_waits_for_the_ngram_model_for_a_while_and_takes_it_when_it_is_there(monkeypatch):
    run = Trainer(RunConfig.of(**SMALL), TEXT)
    run.advance()
    measure = ExposureMeasure()
    assert list(measure.records(run, None)) == []
    assert measure.patience > run.seconds
    run.seconds = module.WAIT_SECONDS
    assert next(iter(measure.records(run, None))).order == 0

    class Index:
        ngram = NGram(run.task.train_ids, run.task.vocab_size, 5)

    monkeypatch.setattr(module, "find_index", lambda *_: Index)
    (record,) = measure.records(run, None)
    assert record.order == 5
    assert not record.note
    assert {"running_bits_true_text", "half_band_true_text"} <= set(record.frame())


def test_a_text_too_short_for_streams_is_said_in_words():
    (record,) = records(TEXT[:200], validation_fraction=0.5)
    assert record.streams == 0
    assert "use a longer text" in record.note
    assert record.gap_interval.sign == 0


def test_the_three_sentences_are_measured_by_words():
    (record,) = records(None, task="sentences")
    assert (record.unit, record.warmup, len(record.forced)) == ("word", 1, 8)
    assert record.order == 0
    assert "Structured prediction" in record.note


@pytest.mark.parametrize("values", [{"dropout": 0.3, "num_layers": 2}, {"feed_form": "parallel"}])
def test_measuring_changes_nothing_in_scheduled_sampling(values):
    config = RunConfig.of(**SMALL, steps=10, epsilon=0.5, budget=0.5, **values)
    torch.manual_seed(5)
    before = torch.get_rng_state()

    def run(measures, budget):
        made = list(train(config.changed(budget=budget), text=TEXT, measures=measures))
        kinds = {event.record.kind for event in made if isinstance(event, events.Measured)}
        saved = [event.checkpoint for event in made if isinstance(event, events.Saved)][-1]
        return kinds, [event.loss for event in made if isinstance(event, events.Step)], saved.tensors

    _, losses, weights = run([], 0)
    kinds, watched, after = run(live_measures(config), 0.5)
    assert kinds >= {"exposure", "coins"}
    assert watched == losses
    assert weights.keys() == after.keys()
    assert all(torch.equal(weights[name], after[name]) for name in weights)
    assert torch.equal(torch.get_rng_state(), before)

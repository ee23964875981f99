"""Claims about scheduled sampling: schedules, coins, what is fed, and that teacher forcing is left alone."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.config.scheduled_sampling import ScheduledSampling
from rnncore.models.sequence import detach
from rnncore.training import Checkpoint, Trainer

TEXT = "the quick brown fox jumps over the lazy dog, and then sleeps until the evening comes. " * 60


def trainer(task="text", resume=None, **values):
    small = {"hidden_size": 12, "embedding_size": 6, "batch_size": 4, "sequence_length": 10, "task": task}
    small = {name: value for name, value in small.items() if name in RunConfig.of(task=task).leaves}
    return Trainer(RunConfig.of(**(small | values)), TEXT if task == "text" else None, resume)


def weights(run):
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("i", [0, 1, 7, 100, 2000, 100_000])
def test_schedules_equal_their_formulas(i):
    def at(**values):
        return float(ScheduledSampling(**values).epsilon_at(i))

    assert at(schedule="constant", epsilon=0.3) == 0.3
    assert at(schedule="linear", epsilon_k=0.9, epsilon_c=1e-3, epsilon_min=0.1) == pytest.approx(
        max(0.1, 0.9 - 1e-3 * i), abs=1e-12
    )
    assert at(schedule="exponential", epsilon_k=0.99) == pytest.approx(0.99**i, abs=1e-12)
    k = 150.0
    assert at(schedule="inverse_sigmoid", epsilon_k=k) == pytest.approx(k / (k + math.exp(min(i / k, 700))), abs=1e-12)


def test_the_inverse_sigmoid_starts_at_k_by_k_plus_one_and_is_half_way_at_k_ln_k():
    schedule = ScheduledSampling(schedule="inverse_sigmoid", epsilon_k=40)
    assert float(schedule.epsilon_at(0)) == pytest.approx(40 / 41, abs=1e-12)
    assert schedule.half_way == pytest.approx(40 * math.log(40))
    assert float(schedule.epsilon_at(schedule.half_way)) == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        {"schedule": "linear", "epsilon_k": 0.9, "epsilon_c": 1e-3},
        {"schedule": "exponential", "epsilon_k": 0.99},
        {"schedule": "inverse_sigmoid", "epsilon_k": 25},
    ],
)
def test_half_way_is_where_epsilon_is_one_half(values):
    schedule = ScheduledSampling(**values)
    assert float(schedule.epsilon_at(schedule.half_way)) == pytest.approx(0.5, abs=1e-12)


def test_a_schedule_that_never_falls_to_one_half_has_no_half_way():
    assert ScheduledSampling(schedule="linear", epsilon_min=0.6).half_way is None
    assert ScheduledSampling(schedule="linear", epsilon_c=0).half_way is None
    assert ScheduledSampling().half_way is None


@pytest.mark.parametrize("form", ["sequential", "parallel"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_epsilon_one_is_bit_identical_to_teacher_forcing_and_needs_no_sampler(monkeypatch, form, dropout):
    plain = trainer(dropout=dropout)
    assert plain.sampler is None
    monkeypatch.setattr(ScheduledSampling, "teacher_forcing", property(lambda self: False))
    tossing = trainer(dropout=dropout, feed_form=form)  # ε is 1, but every coin is tossed
    assert tossing.sampler is not None
    for _ in range(5):
        assert plain.advance().loss == tossing.advance().loss
    assert tossing.sampler.last.fraction == 1
    assert same(weights(plain), weights(tossing))


@pytest.mark.parametrize("epsilon", [0.0, 0.25, 0.5, 0.9])
def test_the_fraction_fed_lies_within_four_standard_errors_of_epsilon(epsilon):
    run = trainer(epsilon=epsilon)
    count = fed = 0
    for _ in range(40):
        run.advance()
        last = run.sampler.last
        count, fed = count + last.count, fed + last.fraction * last.count
    assert count > 1500
    assert abs(fed / count - epsilon) <= 4 * math.sqrt(epsilon * (1 - epsilon) / count)


def test_each_step_of_each_sequence_has_a_coin_of_its_own():
    run = trainer(epsilon=0.5, batch_size=64, sequence_length=20, corpus="python-stdlib")
    run.advance()
    coins = run.sampler.last.coins.double().numpy()
    assert 0 < coins.mean(0).min() < coins.mean(0).max() < 1  # no sequence is all truth or all its own
    assert abs(np.corrcoef(coins[1:].ravel(), coins[:-1].ravel())[0, 1]) < 0.15
    run.advance()
    assert not np.array_equal(coins, run.sampler.last.coins.numpy())


def slow(run, truth, coins, tossed, chance, state, masks):
    """What sequential scheduled sampling feeds, by running everything up to t anew for each t."""
    inputs, previous = truth.clone(), run.sampler.previous
    for t in range(len(truth)):
        for b in range(truth.shape[1]):
            if coins[t, b] or not tossed[t, b]:
                continue
            if t == 0:
                outputs = previous
            else:
                with torch.no_grad():
                    x, layers = run.model.embedding(inputs[:t]), run.model.layers
                    for index, layer in enumerate(layers):
                        x, _ = layer(x, None if state is None else state[index])
                        x = x if masks[index] is None else x * masks[index][:t]
                    outputs = run.model.readout(x)[-1]
            inputs[t, b] = run.task.own(outputs, chance[t], run.sampler.temperature)[b]
    return inputs


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
@pytest.mark.parametrize("feed", ["sample", "argmax"])
@pytest.mark.parametrize("passes", [0, 10, 25])  # 0: the sequential form
def test_what_is_fed_equals_a_slow_loop(cell, feed, passes):
    form = {"feed_form": "parallel", "feed_passes": passes} if passes else {}
    run = trainer(epsilon=0.4, cell=cell, feed=feed, dropout=0.2, num_layers=2, **form)
    run.model.double()
    for _ in range(3):  # the third batch goes on from the second one's state and last prediction
        run.advance()
        assert not torch.equal(run.inputs, run.sampler.last.truth)
    truth, _, reset = run.task.batch(run.step)
    assert not reset
    state, dropout = run.state, run.model.dropout_generator.get_state()
    with run.model.same_dropout(*truth.shape):
        masks = run.model.dropout_masks
        coins, chance = run.sampler._tosses(run.step, 0.4, truth)
        wanted = slow(run, truth, coins, torch.ones_like(coins), chance, state, masks)
    run.model.dropout_generator.set_state(dropout)
    run.advance()
    assert run.sampler.last.coins.equal(coins)
    assert not torch.equal(wanted[0], truth[0])  # the first input may be the last window's prediction
    assert torch.equal(run.inputs, wanted)


def test_parallel_passes_come_closer_to_the_sequential_form():
    def fed(**values):
        run = trainer(epsilon=0.3, sequence_length=20, feed="argmax", **values)
        run.advance()
        return run.inputs

    exact = fed()
    apart = [int((fed(feed_form="parallel", feed_passes=n) != exact).sum()) for n in (1, 20)]
    assert apart[0] > 0
    assert apart[1] == 0


def test_the_step_trains_on_what_was_fed():
    run, plain = trainer(epsilon=0.0), trainer()
    step = run.advance()
    truth, targets, _ = plain.task.batch(0)
    logits, _ = plain.model(run.inputs)
    loss = plain.task.loss(logits, targets)
    loss.backward()
    assert step.loss == loss.item()
    assert not torch.equal(run.inputs, truth)
    assert torch.equal(run.inputs[0], truth[0])  # a fresh state has no prediction before it
    wanted = math.sqrt(sum(float(p.grad.pow(2).sum()) for p in plain.model.parameters()))
    assert step.grad_norm == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("task", ["text", "sentences", "henon"])
def test_a_resumed_run_is_fed_the_same(task):
    whole = trainer(task, schedule="inverse_sigmoid", epsilon_k=2, dropout=0.1)
    for _ in range(4):
        whole.advance()
    saved = Checkpoint.from_bytes(whole.checkpoint().to_bytes())
    resumed = trainer(task, schedule="inverse_sigmoid", epsilon_k=2, dropout=0.1, resume=saved)
    for _ in range(3):
        assert whole.advance().loss == resumed.advance().loss
        assert torch.equal(whole.inputs, resumed.inputs)
    assert same(weights(whole), weights(resumed))


def test_numbers_are_fed_back_as_they_were_predicted():
    run = trainer("henon", epsilon=0.0, cell="gru")
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.advance()
    truth, _, _ = run.task.batch(0)
    run.model.load_state_dict(before)
    with torch.no_grad():
        x, state = truth[:1], None
        for t in range(1, len(truth)):
            outputs, state = run.model(x, detach(state))
            x = outputs
            assert torch.allclose(run.inputs[t], x[0], atol=1e-5)

"""Claims about distributional shift: against slow loops, and for networks whose drift is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnncore.config import Model, RunConfig
from rnncore.diagnostics import live_measures
from rnncore.diagnostics.distributional_shift import (
    FIRST,
    HORIZON,
    MOST_STARTS,
    WARMUP,
    WORK,
    DistributionalShiftMeasure,
    attractor_size,
    compared,
    distributional_shift,
    drift_steps,
    fit_growth,
    log_errors,
    rollout,
    share_off,
    starts_of,
)
from rnncore.lecture import henon
from rnncore.models.sequence import SequenceModel
from rnncore.records import DistributionalShift, Record
from rnncore.tasks.henon import HenonTask
from rnncore.training import events, train

CELLS = ["rnn_tanh", "rnn_relu", "lstm", "gru"]
TINY = {"task": "henon", "cell": "gru", "hidden_size": 8, "sequence_length": 6, "batch_size": 4, "steps": 6}


def truth(starts=512, horizon=HORIZON, warmup=WARMUP):
    """True trajectories in float64, standardised."""
    near = np.random.default_rng(5).uniform(-henon.NEAR, henon.NEAR, (starts, 2))
    return henon.standardised(henon.trajectories(henon.on_attractor(near), warmup + horizon))


def nudged(true, size, seed=0):
    """What the map itself predicts, free-running, when its first point is off by ``size``: (K, N, 2)."""
    off = np.random.default_rng(seed).normal(size=true.shape[1:])
    off *= size / np.linalg.norm(off, axis=-1, keepdims=True)
    return henon.standardised(henon.trajectories(henon.raw(true[WARMUP] + off), len(true) - WARMUP))


def model(cell="gru", layers=1, dtype=torch.float64):
    config = Model(cell=cell, hidden_size=6, num_layers=layers)
    return SequenceModel(config, 2, 12, torch.Generator().manual_seed(3), 2).to(dtype).eval()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_rollout_is_reading_everything_anew_at_each_step(cell, layers):
    """The oracle feeds what there is so far to the fused layers, from a fresh state, for every prediction."""
    one, true = model(cell, layers), torch.from_numpy(truth(3, horizon=6, warmup=4))
    forced, free = rollout(one, true, 4)
    with torch.no_grad():
        read = true[:4]
        for k in range(6):
            predicted = one(read)[0][-1]
            torch.testing.assert_close(free[k], predicted, rtol=0, atol=1e-12)
            torch.testing.assert_close(forced[k], one(true[: 4 + k])[0][-1], rtol=0, atol=1e-12)
            read = torch.cat([read, predicted[None]])


def test_the_numbers_are_those_of_a_slow_loop():
    true = truth(20)
    free, forced = nudged(true, 1e-4), nudged(true, 1e-2, seed=1)
    found = compared(free, forced, true, cell="gru", step=7)
    size = math.exp(np.mean([
        math.log(math.dist(true[t, n], true[t, n - 1])) for t in range(len(true)) for n in range(20)
    ]))  # fmt: skip
    assert found.size == pytest.approx(size, rel=1e-12)
    logs = [[math.log(math.dist(free[k, n], true[WARMUP + k, n])) for n in range(20)] for k in range(HORIZON)]
    np.testing.assert_allclose(found.free, [sum(row) / 20 for row in logs], rtol=1e-6)
    for n in range(20):
        first = next((k + 1 for k in range(HORIZON) if logs[k][n] > math.log(size / 10)), HORIZON + 1)
        assert found.drift[n] == first
    last = next(k for k in range(HORIZON) if sum(logs[k]) / 20 > math.log(size / 10))
    assert (found.first, found.last) == (4, last)
    steps = np.arange(4, last + 1)
    means = [sum(logs[k - 1]) / 20 for k in steps]
    assert found.slope == pytest.approx(np.polyfit(steps, means, 1)[0], rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_map_itself_with_a_tiny_error_drifts_off_at_its_own_exponent(seed):
    true = truth(horizon=60)
    found = compared(nudged(true, 1e-6, seed), true[WARMUP:], true, cell="gru")
    assert found.last > 25
    assert found.slope_error < 0.01
    assert abs(found.slope - henon.EXPONENTS[0]) < found.slope_interval
    assert found.free[-1] == pytest.approx(math.log(found.size), abs=0.1)
    assert found.note == ""
    assert found.never <= 2  # a step contracts now and then: an error may shrink for long


def test_the_truth_itself_never_drifts_off_and_lies_on_the_attractor():
    true = truth(64)
    found = compared(true[WARMUP:], true[WARMUP:], true, cell="gru")
    assert found.never == 64
    assert found.slope == pytest.approx(0, abs=1e-12)
    assert found.off == pytest.approx(0.01, abs=0.002)
    assert (found.drift == HORIZON + 1).all()


def test_predicting_the_mean_is_off_the_attractor_from_the_first_step():
    true = truth(64)
    nothing = np.zeros_like(true[WARMUP:])
    found = compared(nothing, nothing, true, cell="gru")
    assert (found.drift_mean, found.off) == (pytest.approx(1, abs=0.1), 1)
    assert math.isnan(found.slope)
    assert "at step 1, and a slope needs 6 steps before that" in found.note


def test_the_slope_s_standard_error_is_that_of_a_bootstrap_over_starts():
    true = truth(200)
    errors, generator = log_errors(nudged(true, 1e-3), true[WARMUP:]), np.random.default_rng(0)
    fit = fit_growth(errors, attractor_size(true))
    part = errors[FIRST - 1 : fit.last]
    again = [
        np.polyfit(np.arange(len(part)), part[:, generator.integers(0, 200, 200)].mean(1), 1)[0] for _ in range(1000)
    ]
    assert fit.error == pytest.approx(np.std(again), rel=0.1)


@pytest.mark.parametrize(("rate", "start"), [(0.3, -6.0), (0.05, -4.0), (-0.1, -3.0)])
def test_an_exponential_error_is_fitted_exactly_up_to_a_tenth_of_the_size(rate, start):
    errors = (start + rate * np.arange(1, 31))[:, None] + np.zeros(4)
    fit = fit_growth(errors, size=2.0)
    last = 30 if rate < 0.06 else max(k for k in range(1, 31) if start + rate * k <= math.log(0.2))
    assert fit[:2] == (4, last)
    assert fit.slope == pytest.approx(rate, rel=1e-9)
    assert fit.error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("passed", "fits"), [(6, False), (7, True)])
def test_a_slope_needs_three_steps(passed, fits):
    errors = np.full((10, 3), -5.0)
    errors[passed - 1 :] = 0
    fit = fit_growth(errors, size=1.0)
    assert (fit.last, math.isfinite(fit.slope)) == (passed - 1, fits)


def test_drift_is_counted_from_the_first_free_step_and_does_not_come_back():
    errors = np.log(np.array([[0.2, 0.01, 0.01], [0.01, 0.01, 0.01], [0.3, 0.11, 0.0999]]))
    assert drift_steps(errors, size=1.0).tolist() == [1, 3, 4]


def test_the_share_off_the_attractor_is_a_slow_loop_s():
    generator = np.random.default_rng(0)
    points, true, reference = (generator.normal(size=(n, 2)) for n in (30, 40, 50))
    near = [min(math.dist(p, r) for r in reference) for p in true]
    limit = np.quantile(near, 0.99)
    wanted = sum(min(math.dist(p, r) for r in reference) > limit for p in points) / 30
    assert share_off(points, true, reference) == pytest.approx(wanted)
    assert share_off(points + 50, true, reference) == 1


def test_a_network_that_explodes_is_said_to_and_every_number_stays_finite():
    true = truth(8)
    free = np.full_like(true[WARMUP:], np.inf)
    free[:3] = true[WARMUP : WARMUP + 3]
    free[5:] = np.nan
    found = compared(free, true[WARMUP:], true, cell="rnn_relu")
    assert "no longer finite after 4 steps" in found.note
    for name in ("free", "free_error", "forced", "true_path", "free_path", "true_cloud", "free_cloud"):
        assert np.isfinite(getattr(found, name)).all(), name
    assert found.off == 1


def test_paths_and_clouds_are_points_of_the_map_in_its_own_coordinates():
    true = truth(64)
    free = nudged(true, 1e-3)
    found = compared(free, true[WARMUP:], true, cell="gru")
    np.testing.assert_allclose(found.free_path, henon.raw(free[:, :8]), atol=1e-6)
    assert found.true_path.shape == (10 + HORIZON, 8, 2)
    assert found.free_path.shape == (HORIZON, 8, 2)
    np.testing.assert_allclose(found.true_path[1:, :, 1], 0.3 * found.true_path[:-1, :, 0], atol=1e-6)
    np.testing.assert_allclose(found.true_path, henon.raw(true[WARMUP - 10 :, :8]), atol=1e-6)
    assert np.abs(found.true_cloud[:, 0]).max() < 1.3


def test_one_run_is_compared_with_another_start_by_start():
    true = truth(100)
    near, far = (compared(nudged(true, size), true[WARMUP:], true, cell="gru") for size in (1e-5, 1e-3))
    gained, interval = near.later_than(far)
    assert gained == pytest.approx(np.mean([a - b for a, b in zip(near.drift, far.drift, strict=True)]))
    assert gained == pytest.approx(math.log(100) / henon.EXPONENTS[0], abs=2)
    assert interval == pytest.approx(1.96 * np.std(near.drift - far.drift, ddof=1) / 10)
    assert near.later_than(compared(nudged(true, 1e-3)[:, :50], true[WARMUP:, :50], true[:, :50], cell="gru")) is None


def test_a_record_survives_its_byte_form_and_has_a_table():
    true = truth(16)
    found = compared(np.zeros_like(true[WARMUP:]), true[WARMUP:], true, cell="gru", step=3)
    again = Record.from_bytes(found.to_bytes())
    assert isinstance(again, DistributionalShift)
    for name in DistributionalShift.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    table = found.frame()
    assert len(table) == HORIZON
    assert table["starts_drifted_off"].iloc[-1] == 1


@pytest.mark.parametrize(("size", "layers"), [(32, 1), (128, 1), (512, 4), (4096, 4)])
def test_larger_networks_are_measured_from_fewer_starts(size, layers):
    starts = starts_of(Model(cell="gru", hidden_size=size, num_layers=layers))
    assert 2 <= starts <= MOST_STARTS
    assert starts == 8 or starts * size**2 * layers <= WORK


def test_measuring_leaves_the_model_and_torch_s_generator_alone():
    task, one = HenonTask(sequence_length=6, batch_size=4), model(dtype=torch.float32).train()
    before, weights = torch.get_rng_state(), [weight.clone() for weight in one.parameters()]
    trainer = SimpleNamespace(model=one, task=task, step=9, config=RunConfig.of(**TINY))
    (found,) = DistributionalShiftMeasure().records(trainer, None)
    assert (found.step, found.starts, found.warmup) == (9, 512, WARMUP)
    assert one.training
    assert torch.equal(before, torch.get_rng_state())
    for weight, old in zip(one.parameters(), weights, strict=True):
        assert weight.grad is None
        assert torch.equal(weight, old)
    wanted = distributional_shift(one.eval(), task.held_out(WARMUP + HORIZON), cell="gru", step=9)
    np.testing.assert_array_equal(found.free, wanted.free)


@pytest.mark.parametrize("settings", [{}, {"epsilon": 0.5}, {"epsilon": 0.0, "cell": "lstm"}, {"num_layers": 2}])
def test_training_is_bit_identical_with_and_without_the_measure(settings):
    config = RunConfig.of(**TINY | settings, budget=0.5)
    watched = list(train(config, measures=live_measures(config)))
    bare = list(train(config))
    losses = [[event.loss for event in found if isinstance(event, events.Step)] for found in (watched, bare)]
    assert losses[0] == losses[1]
    records = [event.record for event in watched if isinstance(event, events.Measured)]
    assert [record.step for record in records if isinstance(record, DistributionalShift)][-1] == config.training.steps


def test_a_network_that_trains_drifts_off_later_and_later():
    config = RunConfig.of(
        task="henon", cell="gru", hidden_size=16, sequence_length=10, batch_size=64, steps=150, lr=0.01
    )
    found = [event.record for event in train(config, measures=[DistributionalShiftMeasure()])
             if isinstance(event, events.Measured)]  # fmt: skip
    assert found[0].step == 1
    assert found[-1].drift_mean > found[0].drift_mean + 1
    assert found[-1].forced.mean() < found[-1].free[HORIZON // 2 :].mean() - 1
    assert found[-1].forced[0] == pytest.approx(found[-1].free[0], abs=1e-6)

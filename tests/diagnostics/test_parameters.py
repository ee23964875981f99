"""Claims about parameters: norms by gate, updates, and the gradient noise scale, against explicit computation."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from rnncore.config import RunConfig
from rnncore.diagnostics.parameters import (
    FEWEST,
    ParameterMeasure,
    noise_estimates,
    noise_scale,
    part_gradient,
    parts_of,
    smaller_part,
)
from rnncore.diagnostics.per_loss import PerLossMeasure
from rnncore.training import Controls, Trainer, events, train

TEXT = "the quick brown fox jumps over the lazy dog; " * 60
SMALL = {"hidden_size": 6, "embedding_size": 5, "sequence_length": 9, "batch_size": 8, "steps": 1, "sample_length": 5}


def measured(config, measure=ParameterMeasure):
    found = train(config, text=TEXT, measures=[measure()])
    return [one.record for one in found if isinstance(one, events.Measured)]


def stepped(config):
    """A trainer after one step, its weights before it, and the gradients before clipping."""
    trainer = Trainer(config, TEXT)
    before = {name: one.detach().clone() for name, one in trainer.model.named_parameters()}
    twin = Trainer(config.changed(clip_norm="off"), TEXT)
    twin.advance()
    trainer.advance()
    return trainer, before, {name: one.grad for name, one in twin.model.named_parameters()}


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
def test_norms_of_each_gate_are_those_of_its_rows(cell):
    config = RunConfig.of(**SMALL, cell=cell, num_layers=2, clip_norm=0.01)
    (record,) = measured(config)
    trainer, before, gradient = stepped(config)
    gates = {"rnn_tanh": [""], "lstm": list("ifgo"), "gru": list("rzn")}[cell]
    after = dict(trainer.model.named_parameters())
    seen = 0
    for n, (name, gate) in enumerate(zip(record.names, record.gates, strict=True)):
        rows = slice(None)
        if name.startswith("layers."):
            index = gates.index(gate)
            rows = slice(6 * index, 6 * index + 6)
        assert record.weight[n] == pytest.approx(before[name][rows].norm().item(), rel=1e-5)
        assert record.gradient[n] == pytest.approx(gradient[name][rows].norm().item(), rel=1e-4)
        assert record.update[n] == pytest.approx((after[name] - before[name])[rows].norm().item(), rel=1e-4)
        assert record.ratio[n] == pytest.approx(record.update[n] / record.weight[n])
        assert record.sizes[n] == before[name][rows].numel()
        seen += record.sizes[n]
    assert seen == trainer.parameter_count
    whole = record.whole("layers.1.weight_hh_l0")
    assert whole[1] == pytest.approx(before["layers.1.weight_hh_l0"].norm().item(), rel=1e-5)
    assert len(record.frame()) == len(record.names)


def test_of_a_large_model_some_rows_stand_for_all(monkeypatch):
    config = RunConfig.of(**SMALL | {"hidden_size": 64})
    (full,) = measured(config)
    monkeypatch.setattr("rnncore.diagnostics.parameters.MOST_NUMBERS", 10_000)
    (part,) = measured(config)
    assert part.share < 1
    assert full.share == 1
    np.testing.assert_allclose(part.weight[1:5], full.weight[1:5], rtol=0.1)
    np.testing.assert_array_equal(part.sizes, full.sizes)


def test_a_user_s_own_model_is_taken_apart_too():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.GRU(3, 4, num_layers=2, bidirectional=True)
            self.projected = nn.LSTM(3, 4, proj_size=2)
            self.gain = nn.Parameter(torch.tensor(2.0))
            self.frozen = nn.Linear(2, 2).requires_grad_(False)

    model = Reader()
    parts = parts_of(model)
    assert sum(part.of(part.parameter).numel() for part in parts) == sum(
        one.numel() for one in model.parameters() if one.requires_grad
    )
    gates = [part.gate for part in parts if part.name == "encoder.weight_hh_l1_reverse"]
    assert gates == ["r", "z", "n"]
    assert [part.gate for part in parts if part.name == "projected.weight_hr_l0"] == [""]


def per_sequence_gradients(trainer):
    """The gradient of each sequence's own mean loss, (B, numbers), in float64, one backward pass each."""
    inputs, targets, _ = trainer.task.batch(0)
    rows = []
    for b in range(inputs.shape[1]):
        trainer.model.zero_grad()
        logits, _ = trainer.model(inputs[:, b : b + 1], None)
        trainer.task.loss(logits, targets[:, b : b + 1]).backward()
        rows.append(torch.cat([one.grad.flatten() for one in trainer.parameters]).double())
    return torch.stack(rows)


def test_one_step_s_estimates_are_those_of_its_sequences_own_gradients():
    config = RunConfig.of(**SMALL)
    (record,) = measured(config)
    trainer = Trainer(config, TEXT)
    each = per_sequence_gradients(trainer)
    size, batch = record.part, record.batch
    assert (size, batch) == (2, 8)
    small, rest = each[:size].mean(0), each[size:].mean(0)
    assert record.gradient_squared == pytest.approx(float(small @ rest), rel=1e-3)
    expected = float((small - rest).square().sum()) / (1 / size + 1 / (batch - size))
    assert record.noise_trace == pytest.approx(expected, rel=1e-3)


def test_for_equal_parts_the_estimates_are_the_mean_of_appendix_a_1():
    generator = torch.Generator().manual_seed(3)
    each = torch.randn(8, 20, generator=generator, dtype=torch.float64) + 0.5
    big = each.mean(0)
    squares, traces = [], []
    for half in (each[:4], each[4:]):
        small, whole = float(half.mean(0) @ half.mean(0)), float(big @ big)
        squares.append((8 * whole - 4 * small) / (8 - 4))
        traces.append((small - whole) / (1 / 4 - 1 / 8))
    found = noise_estimates([each[:4].mean(0)], [big], 4, 8)
    assert found == pytest.approx((np.mean(squares), np.mean(traces)), rel=1e-12)


def test_the_estimates_are_unbiased_for_parts_of_any_size():
    generator = torch.Generator().manual_seed(0)
    true, spread = torch.linspace(-0.3, 0.4, 30, dtype=torch.float64), torch.linspace(0.2, 1.5, 30, dtype=torch.float64)
    found = []
    for _ in range(4000):
        each = true + spread * torch.randn(10, 30, generator=generator, dtype=torch.float64)
        found.append(noise_estimates([each[:3].mean(0)], [each.mean(0)], 3, 10))
    squared, trace = np.array(found).T
    for values, wanted in ((squared, float(true @ true)), (trace, float(spread @ spread))):
        error = values.std() / math.sqrt(len(values))
        assert abs(values.mean() - wanted) < 4 * error
        assert error < 0.03 * wanted


def test_the_interval_covers_the_true_noise_scale_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = []
    for _ in range(500):
        squared, trace = random.normal(2.0, 1.0, 12), random.normal(30.0, 6.0, 12)
        _, low, high, why = noise_scale(squared, trace)
        covered.append(low <= 15.0 <= high if not why else True)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_more_measurements_tell_it_better():
    random = np.random.default_rng(2)
    widths = []
    for count in (8, 32):
        value, low, high, why = noise_scale(random.normal(2.0, 0.5, count), random.normal(30.0, 6.0, count))
        assert why == ""
        assert low < value < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_it_is_said_when_the_noise_scale_cannot_be_told():
    random = np.random.default_rng(0)
    *numbers, why = noise_scale(np.ones(FEWEST - 1), np.ones(FEWEST - 1))
    assert all(math.isnan(one) for one in numbers)
    assert why == f"{FEWEST - 1} of {FEWEST} measurements so far"
    *numbers, why = noise_scale(random.normal(0.0, 1.0, 20), random.normal(30.0, 6.0, 20))
    assert all(math.isnan(one) for one in numbers)
    assert "drowns the gradient" in why
    (record,) = measured(RunConfig.of(**SMALL | {"batch_size": 1}))
    assert "one sequence" in record.why
    assert math.isnan(record.noise_scale)


def test_constant_measurements_have_an_interval_without_width():
    assert noise_scale(np.full(8, 2.0), np.full(8, 30.0)) == (15.0, 15.0, 15.0, "")


def test_the_part_s_gradient_is_the_model_s_own_with_dropout_and_a_carried_state():
    config = RunConfig.of(**SMALL | {"steps": 5}, cell="lstm", num_layers=2, dropout=0.4)
    trainer = Trainer(config, TEXT)
    trainer.advance()
    inputs, targets, _ = trainer.task.batch(1)
    trainer.targets, state = targets, trainer.state
    kept = trainer.model.dropout_generator.get_state()
    logits, _ = trainer.model(inputs, state)  # with masks
    wanted = torch.autograd.grad(trainer.task.loss(logits[:, :2], targets[:, :2]), trainer.parameters)
    found = part_gradient(trainer, (inputs, state), 2)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)
    assert not torch.equal(kept, trainer.model.dropout_generator.get_state())  # the model's pass, not the part's


@pytest.mark.parametrize("batch", [1, 2, 3, 32, 1000])
def test_a_part_is_never_the_whole(batch):
    size = smaller_part(batch)
    assert 0 <= size < batch
    assert (size == 0) == (batch == 1)


@pytest.mark.parametrize(
    "changes", [{"cell": "lstm", "num_layers": 2, "dropout": 0.4}, {"cell": "gru", "batch_size": 1}]
)
def test_measuring_changes_nothing(changes):
    config = RunConfig.of(**SMALL | {"steps": 8, "budget": 0.5} | changes)

    def outcome(measures):
        state, controls, found = torch.random.get_rng_state(), Controls(), []
        controls.measure()
        for event in train(config, text=TEXT, measures=measures, controls=controls):
            found.append(event)
            controls.measure()  # at every step
        assert torch.equal(state, torch.random.get_rng_state())
        assert sum(isinstance(one, events.Measured) for one in found) == 8 * len(measures)
        losses = [one.loss for one in found if isinstance(one, events.Step)]
        return losses, [one for one in found if isinstance(one, events.Saved)][-1].checkpoint.tensors

    losses, tensors = outcome([])
    again, watched = outcome([PerLossMeasure(config), ParameterMeasure()])
    assert again == losses
    assert all(torch.equal(tensor, watched[name]) for name, tensor in tensors.items())

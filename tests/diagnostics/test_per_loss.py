"""Claims about the per-loss matrix: equal to one autograd call per loss, whole, and honest about what it leaves out."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import rnncore
from rnncore.cells import TORCH_CELLS
from rnncore.config import RunConfig
from rnncore.diagnostics.per_loss import FEWEST_LOSSES, Extent, PerLossMeasure, affordable, per_loss_matrix
from rnncore.training import Trainer, events, train
from tests.oracles import unroll
from tests.probe.support import D, make

T, B = 7, 3
EVERY = list(TORCH_CELLS)
STACKS = [{}, {"num_layers": 3}, {"num_layers": 2, "bidirectional": True}]


def losses(y):
    """One loss per step that mixes units, so that no gradient is zero by symmetry: (T, B, H) → (T,)."""
    weights = torch.linspace(-1, 2, y.shape[-1], dtype=y.dtype)
    return ((y * weights).sum(-1) - 0.3).pow(2).sum(1)


def probed(cell, steps=T, loss=lambda y, h: losses(y).sum(), **options):
    layer = make(cell, **options)
    x = torch.randn(steps, B, D, dtype=torch.float64, requires_grad=True)
    with rnncore.probe(layer) as probe:
        y, h = layer(x)
        loss(y, h).backward()
    return layer, x, probe[""].layers


def norm(gradients):
    """(B, H) → the norm over units, root mean square over sequences."""
    return float(gradients.square().sum(-1).mean().sqrt())


def by_autograd_calls(layer, x):
    """T calls of autograd.grad on an unrolled loop: hidden and cells, (R, T, T) by [row, τ, t]."""
    stack = unroll(layer, x, None, None)
    rows = [one for directions in stack.layers for one in directions]
    states = [state for one in rows for state in (*one.hidden, *one.cell) if state is not None]
    found = []
    for loss in losses(stack.output):
        grads = torch.autograd.grad(loss, states, retain_graph=True, materialize_grads=True)
        found.append(np.reshape([norm(grad) for grad in grads], (len(rows), -1, len(x))))
    each = np.array(found)  # by [τ, row, h or c, t]
    hidden, cells = each[:, :, 0], each[:, :, 1] if each.shape[2] > 1 else None
    return hidden.swapaxes(0, 1), None if cells is None else cells.swapaxes(0, 1)


@pytest.mark.parametrize("options", STACKS, ids=str)
@pytest.mark.parametrize("cell", EVERY)
def test_one_recurrence_gives_what_one_autograd_call_per_loss_gives(cell, options):
    layer, x, layers = probed(cell, **options)
    record, (hidden, cells) = per_loss_matrix(layers), by_autograd_calls(layer, x)
    np.testing.assert_allclose(record.hidden, hidden, rtol=1e-10, atol=1e-10 * hidden.max())
    assert len(record.cells) == (len(hidden) if cell == "lstm" else 0)
    if cell == "lstm":
        np.testing.assert_allclose(record.cells, cells, rtol=1e-10, atol=1e-10 * cells.max())


@pytest.mark.parametrize("options", STACKS, ids=str)
@pytest.mark.parametrize("cell", EVERY)
def test_the_gradients_of_all_losses_sum_to_the_total(cell, options):
    record = per_loss_matrix(probed(cell, **options)[2])
    assert record.sum_error <= 1e-12
    np.testing.assert_allclose(record.hidden_sum, record.hidden_total, rtol=1e-12)
    np.testing.assert_allclose(record.cell_sum, record.cell_total, rtol=1e-12)


@pytest.mark.parametrize("options", STACKS[:2], ids=str)
@pytest.mark.parametrize("cell", EVERY)
def test_a_loss_does_not_depend_on_later_states_at_all(cell, options):
    record = per_loss_matrix(probed(cell, **options)[2])
    above = np.triu(np.ones((T, T), bool), 1)
    assert not record.hidden[:, above].any()
    assert record.hidden[:, ~above].all()


def test_the_norm_of_the_sum_is_not_the_sum_of_the_norms():
    record = per_loss_matrix(probed("lstm")[2])
    of_norms = record.hidden[0].sum(0)
    assert (record.hidden_total[0] <= of_norms * (1 + 1e-12)).all()
    assert (record.hidden_total[0, :-1] < 0.999 * of_norms[:-1]).any()


@pytest.mark.parametrize("options", STACKS, ids=str)
def test_losses_carried_in_many_groups_are_the_same(options):
    layers = probed("gru", **options)[2]
    whole, parts = per_loss_matrix(layers), per_loss_matrix(layers, most_bytes=1)
    np.testing.assert_allclose(parts.hidden, whole.hidden, rtol=1e-12)
    np.testing.assert_allclose(parts.hidden_sum, whole.hidden_sum, rtol=1e-12)


@pytest.mark.parametrize("options", STACKS, ids=str)
def test_a_part_is_a_part_of_the_whole_and_its_sum_is_still_the_total(options):
    layers = probed("lstm", **options)[2]
    few = per_loss_matrix(layers, extent=Extent(steps=6, stride=2, sequences=2), batch=8)
    alone = per_loss_matrix(layers, extent=Extent(T, 1, 2))
    kept = few.losses
    assert kept[-1] == T - 1
    assert (np.diff(kept) == 2).all()
    np.testing.assert_allclose(few.hidden, alone.hidden[:, kept][:, :, kept], rtol=1e-10)
    np.testing.assert_allclose(few.hidden_total, alone.hidden_total[:, kept], rtol=1e-10)
    assert few.sum_error <= 1e-12
    assert "one loss in 2" in few.left_out
    assert "2 of 8 sequences" in few.left_out
    assert ("the last 6 of 7 steps" in few.left_out) == ("bidirectional" not in options)


def test_a_given_gradient_takes_the_place_of_the_trained_loss():
    layers = probed("gru", num_layers=2)[2]
    direct = torch.randn(T, B, 5, dtype=torch.float64)
    record = per_loss_matrix(layers, grad_output=direct)
    assert record.sum_error <= 1e-12
    np.testing.assert_allclose(record.hidden[1, range(T), range(T)], [norm(one) for one in direct], rtol=1e-12)


def test_a_loss_that_does_not_read_the_outputs_step_by_step_shows_in_the_sum():
    honest = per_loss_matrix(probed("lstm")[2])
    through_c_n = per_loss_matrix(probed("lstm", loss=lambda y, state: losses(y).sum() + 9 * state[1].sum())[2])
    assert honest.sum_error < 1e-12 < 0.1 < through_c_n.sum_error


@pytest.mark.parametrize("bidirectional", [False, True])
def test_sequences_of_different_lengths_are_carried_too(bidirectional):
    layer = make("lstm", bidirectional=bidirectional)
    x, lengths = torch.randn(T, B, D, dtype=torch.float64), [7, 3, 5]
    with rnncore.probe(layer) as probe:
        y, _ = layer(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False))
        y.data.pow(2).sum().backward()
    layers = probe[""].layers
    record = per_loss_matrix(layers)
    assert record.sum_error <= 1e-12
    stack = unroll(layer, x, None, None, lengths)
    grads = torch.autograd.grad(stack.output[4].pow(2).sum(), stack.layers[0][0].hidden, materialize_grads=True)
    np.testing.assert_allclose(record.hidden[0, 4], [norm(one) for one in grads], rtol=1e-10, atol=1e-14)


def test_one_step_is_a_matrix_of_one_number():
    record = per_loss_matrix(probed("gru", steps=1)[2])
    assert record.hidden.shape == (1, 1, 1)
    np.testing.assert_allclose(record.hidden[0], record.hidden_total, rtol=1e-12)
    assert len(record.frame()) == 1


def test_tiny_gradients_do_not_underflow_in_float32():
    layer = make("rnn_tanh", dtype=torch.float32)
    with rnncore.probe(layer) as probe:
        y, _ = layer(torch.randn(T, B, D))
        (y.pow(2).sum() * 1e-25).backward()  # its square is no float32
    layers = probe[""].layers
    record = per_loss_matrix(layers)
    assert record.hidden.dtype == np.float32
    assert (np.diagonal(record.hidden[0]) > 1e-27).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_said(bad):
    layers = probed("lstm")[2]
    direct = torch.ones(T, B, 5, dtype=torch.float64)
    direct[3] = bad
    record = per_loss_matrix(layers, grad_output=direct)
    assert not record.finite
    assert np.isfinite(record.hidden[0, 2]).all()  # the other losses are what they are
    assert per_loss_matrix(layers).finite


@pytest.mark.parametrize("steps", [1, 2, 16, 64, 100, 1000])
@pytest.mark.parametrize("weights", [64, 65_536, 4 * 1024**2])
def test_what_a_running_training_affords_is_bounded_and_reaches_the_last_loss(steps, weights):
    extent = affordable(steps, 8, weights, products=1e9)
    assert 1 <= extent.steps <= steps
    assert 1 <= extent.sequences <= 8
    assert extent.places[-1] == extent.steps - 1
    assert len(extent.places) >= min(steps, FEWEST_LOSSES)
    spent = len(extent.places) * extent.steps / 2 * weights * extent.sequences
    assert spent <= 2e9 or extent == Extent(min(steps, FEWEST_LOSSES), 1, 1)  # the least that is a picture


TEXT = "the quick brown fox jumps over the lazy dog; " * 60
SMALL = {"hidden_size": 10, "embedding_size": 5, "sequence_length": 9, "batch_size": 6, "steps": 3, "sample_length": 5}


def test_the_recorded_matrix_of_a_stack_with_dropout_is_autograd_through_an_unrolled_loop():
    config = RunConfig.of(**SMALL | {"steps": 1}, cell="gru", num_layers=2, dropout=0.4, probe_sequences=6)
    found = train(config, text=TEXT, measures=[PerLossMeasure(config)])
    record = next(one.record for one in found if isinstance(one, events.Measured))
    trainer = Trainer(config, TEXT)
    model, (inputs, targets, _) = trainer.model, trainer.task.batch(0)
    model.train()
    x, hidden = model.embedding(inputs), []
    for layer, dropout in zip(model.layers, model.dropouts, strict=True):
        state, outputs = None, []
        for t in range(len(x)):
            _, state = layer(x[t : t + 1], state)
            outputs.append(state.squeeze(0))
            state = outputs[-1].unsqueeze(0)
        hidden.append(outputs)
        x = dropout(torch.stack(outputs))
    each = torch.nn.functional.cross_entropy(model.readout(x).flatten(0, 1), targets.flatten(), reduction="none")
    for tau, loss in enumerate(each.view_as(targets).sum(1)):
        for row in range(2):
            grads = torch.autograd.grad(loss, hidden[row], retain_graph=True, materialize_grads=True)
            np.testing.assert_allclose(record.hidden[row, tau], [norm(one) for one in grads], rtol=2e-4, atol=1e-7)
    assert record.rows == ("layer 1", "layer 2")
    assert record.left_out == ""

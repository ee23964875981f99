"""Claims about the gradient at the input across time: that of autograd, and exactly 0 where nothing is seen."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.figures.base import Line
from dashboard.figures.gradient_flow import gradient_flow
from dashboard.figures.gradient_over_training import gradient_over_training
from dashboard.figures.input_gradient import input_gradient
from rnncore.cells.transformer import CAUSAL_TRANSFORMER
from rnncore.config import RunConfig
from rnncore.diagnostics.findings import gradient
from rnncore.diagnostics.live import ProbeMeasure
from rnncore.records import GradientFlow, Record
from rnncore.training.trainer import Trainer

TEXT = "the quick brown fox jumps over the lazy dog, and then sleeps until the evening comes. " * 30
TINY = {"hidden_size": 16, "batch_size": 3, "steps": 5, "probe_sequences": 2}
T = 12


def doubled(**values):
    """A trainer in float64 whose second step is to come, so that there is a state."""
    config = RunConfig.of(**TINY | values)
    trainer = Trainer(config, TEXT if config.task.kind == "text" else None)
    trainer.model.double()
    batch = trainer.task.batch

    def in_double(step):
        inputs, targets, anew = batch(step)
        return inputs.double() if inputs.is_floating_point() else inputs, targets, anew

    trainer.task.batch = in_double
    trainer.advance()
    return trainer


@contextmanager
def keeping(around, seen):
    with around as opened:
        seen.append(opened)
        yield


def measured(trainer):
    """The record of the next step, and by autograd ‖dL/dx_t‖ and ‖∂L_T/∂x_t‖ of one sequence's summed loss."""
    model, state, probe, seen = copy.deepcopy(trainer.model), trainer.state, ProbeMeasure(2), []
    trainer.advance(keeping(probe.around(trainer), seen))
    found = next(one for one in probe.records(trainer, seen[0]) if isinstance(one, GradientFlow))
    given = model.embedding(trainer.inputs).detach().requires_grad_()
    x = given
    for index, layer in enumerate(model.layers):
        y = layer(x, state[index] if state is not None and trainer.task.stateful else None)[0]
        x = y + x if model.residual and index else y
        mask = trainer.model.dropout_masks[index]
        x = x if mask is None else x * mask
    outputs = model.readout(x)
    loss = trainer.task.loss(outputs, trainer.targets) * trainer.positions
    (direct,) = torch.autograd.grad(loss, outputs, retain_graph=True)
    alone = torch.zeros_like(direct)
    alone[-1] = direct[-1]
    wanted = []
    for arriving in (direct, alone):
        (gradient,) = torch.autograd.grad(outputs, given, arriving, retain_graph=True)
        wanted.append(gradient[:, :2].square().sum(-1).mean(-1).sqrt().numpy())
    return found, *wanted


WIRINGS = [
    {}, {"num_layers": 2}, {"num_layers": 3, "residual": True, "dropout": 0.3},
    {"task": "both_ways", "num_layers": 2, "bidirectional": True},
]  # fmt: skip


@pytest.mark.parametrize("wiring", WIRINGS, ids=str)
@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru", "lru", "tcn", "transformer"])
def test_the_gradient_at_the_input_is_that_of_autograd(cell, wiring):
    found, total, last = measured(doubled(cell=cell, sequence_length=T, **wiring))
    np.testing.assert_allclose(found.input_total, total, rtol=1e-9)
    np.testing.assert_allclose(found.input_last, last, rtol=1e-9)
    assert last[-1] > 0
    assert found.field == {"tcn": 2 ** wiring.get("num_layers", 1)}.get(cell, found.field)


@pytest.mark.parametrize("layers", [1, 3])
def test_outside_of_a_tcns_field_the_gradient_is_exactly_0(layers):
    found, _, _ = measured(doubled(cell="tcn", sequence_length=T, num_layers=layers))
    assert found.field == 2**layers
    assert (found.input_last[-found.field :] > 0).all()
    assert not found.input_last[: -found.field].any()
    assert (found.input_total > 0).all()


@pytest.mark.parametrize("layers", [1, 2])
def test_outside_of_a_transformers_mask_the_gradient_is_exactly_0(layers, monkeypatch):
    monkeypatch.setattr(type(CAUSAL_TRANSFORMER), "placed", lambda *_, **__: {"window": 3})
    found, total, last = measured(doubled(cell="transformer", sequence_length=T, num_layers=layers))
    assert found.field == 3 * layers + 1
    assert (found.input_last[-found.field :] > 0).all()
    assert not found.input_last[: -found.field].any()
    np.testing.assert_allclose(found.input_total, total, rtol=1e-9)
    np.testing.assert_allclose(found.input_last, last, rtol=1e-9)


def test_a_recurrence_has_no_field_and_sees_the_whole_window():
    for cell in ("rnn_tanh", "mingru"):
        found, _, _ = measured(doubled(cell=cell, sequence_length=T, num_layers=2))
        assert found.field == 0
        assert (found.input_last > 0).all()


def flow(norms, field=0):
    """A record whose rows are all alike."""
    rows, at = np.array([norms], np.float32), np.array(norms, float)
    return GradientFlow(
        step=1, cell="tcn", sequences=1, hidden_total=rows, hidden_last=rows, hidden_direct=rows,
        cell_total=rows[:0], cell_last=rows[:0], factor=np.array([np.nan]), half_life=np.array([np.nan]),
        input_total=at + 1, input_last=at, field=field,
    )  # fmt: skip


TCN, RNN = Line("TCN", "tcn"), Line("RNN", "rnn_tanh")


def test_a_line_ends_where_nothing_is_seen_and_says_so():
    record = Record.from_bytes(flow([0, 0, 0.1, 0.2], field=2).to_bytes())
    figure = input_gradient([(TCN, record), (RNN, flow([0.1, 0.2, 0.3, 0.4]))])
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines"}
    assert list(lines["TCN: last loss"].x) == [1, 0]
    assert list(lines["RNN: last loss"].x) == list(lines["TCN: all losses"].x) == [3, 2, 1, 0]
    assert [(trace.text[0], trace.x[0]) for trace in figure.data if trace.mode != "lines"] == [("exactly 0 beyond", 1)]
    assert "TCN: an output sees 2 steps" in figure.layout.meta["caption"]
    assert "RNN: recurrent" in figure.layout.meta["caption"]
    assert len(input_gradient([(TCN, record)], total=False).data) == 2
    assert [trace.name for trace in input_gradient([(TCN, record)], last=False).data] == ["all losses"]


def test_numbers_that_are_too_small_are_not_called_exactly_0():
    figure = input_gradient([(RNN, flow([0, 0, 1e-30, 1]))], total=False)
    assert figure.data[1].text[0] == "too small for float32 beyond"
    assert "0 everywhere" in input_gradient([(RNN, flow([0, 0, 0, 0]))]).layout.meta["caption"]
    assert "no longer finite" in input_gradient([(RNN, flow([np.inf, np.nan, 1, 1]))]).layout.meta["caption"]


def test_a_run_without_the_measurement_says_so():
    older = replace(flow([0.1, 1]), input_total=np.zeros(0), input_last=np.zeros(0))
    assert "nothing was measured" in input_gradient([(RNN, older)]).layout.annotations[0].text
    assert "RNN: not measured" in input_gradient([(RNN, older), (TCN, flow([0.1, 1]))]).layout.meta["caption"]
    assert "grad_input_last_loss" not in older.frame()
    assert list(flow([0.1, 1]).frame()["grad_input_last_loss"]) == [0.1, 1]
    assert input_gradient([]).layout.annotations


def test_without_a_recurrence_nothing_is_said_of_vanishing_and_a_short_field_is_told():
    fading = replace(flow([0.1, 0.2, 0.4, 0.8], field=2), factor=np.array([0.5]), half_life=np.array([1.0]))
    found = gradient(fading)
    assert found is not None
    assert (found.code, found.evidence["field"]) == ("short_field", 2)
    assert "sees 2 of the window's 4 steps" in found.sentence
    assert gradient(replace(fading, field=4)) is None
    assert gradient(replace(fading, cell="gru")).code == "vanishing"


def test_without_a_recurrence_no_decay_is_fitted_and_lone_points_are_seen():
    """A TCN's layer reaches the last loss in every second step: a line alone would draw nothing."""
    fading = replace(flow([0.1, 0, 0.4, 0, 0.8], field=8), factor=np.array([0.5]), half_life=np.array([1.0]))
    figure = gradient_flow([(TCN, fading)])
    assert "fit" not in [trace.name for trace in figure.data]
    assert "fit" in [trace.name for trace in gradient_flow([(RNN, replace(fading, cell="rnn_tanh"))]).data]
    modes = {trace.name: trace.mode for trace in figure.data}
    assert modes["h, last loss"] == "lines+markers"
    assert "h at 3 of 5 steps" in figure.layout.meta["caption"]
    assert [trace.mode for trace in gradient_flow([(RNN, flow([0.1, 0.2, 0.3]))]).data][:2] == ["lines", "lines"]
    assert "half-life" not in gradient_over_training([fading, replace(fading, step=2)]).layout.meta["caption"]


def test_where_no_step_reads_h_the_reader_is_sent_to_c():
    """As in an mLSTM: its h is read from the state, and handed to nobody."""
    alone = replace(flow([0, 0, 0, 0.5]), cell="mlstm", cell_last=np.array([[0.1, 0.2, 0.3, 0.4]], np.float32))
    assert "only c hands on the gradient" in gradient_flow([(RNN, alone)]).layout.meta["caption"]
    assert gradient_over_training([alone, replace(alone, step=2)]).layout.meta["caption"].endswith("choose c")
    assert "choose c" not in gradient_over_training([alone, alone], cell=True).layout.meta["caption"]

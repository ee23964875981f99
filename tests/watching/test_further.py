"""Claims about what a watch looks at more seldom."""

import numpy as np
import pytest
import torch
from torch import nn

import rnncore
from rnncore.watching import further
from tests.watching.models import Reader, Tagger, train


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    for name in further.PATIENCE:
        monkeypatch.setitem(further.PATIENCE, name, 0.0)


def test_single_losses_and_dynamics_of_a_model_s_only_module_are_recorded():
    model = Reader(nn.GRU(4, 6, num_layers=2))
    with rnncore.watch(model) as watch:
        train(watch, model, steps=1)
    losses, jacobian, growth = (watch.records[kind] for kind in ("per_loss", "step_jacobian", "lyapunov"))
    assert losses.hidden.shape == (2, 7, 7)
    np.testing.assert_allclose(losses.hidden_sum, losses.hidden_total, rtol=1e-4)
    assert jacobian.eigenvalues.shape[0] == growth.driven.shape[0] == 2


def test_a_loss_on_the_last_state_alone_has_no_single_losses():
    layer = nn.LSTM(4, 6)
    with rnncore.watch(layer) as watch, watch.step():
        layer(torch.randn(7, 3, 4))[1][0].pow(2).sum().backward()
    assert "per_loss" not in watch.records
    assert "step_jacobian" in watch.records


def test_several_modules_have_the_four_records_that_take_them_all():
    model = Tagger()
    with rnncore.watch(model) as watch:
        train(watch, model, steps=1, shape=(2, 6, 5))
    assert set(watch.records) == {"gradient_flow", "gate_activity", "saturation", "memory"}

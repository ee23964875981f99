"""Claims about attribution: it is the gradient of a logit with respect to each input, and the future has none."""

import numpy as np
import pytest
import torch
from torch import nn

import rnncore
from rnncore.cells import CELLS, TORCH_CELLS
from rnncore.config import RunConfig
from rnncore.diagnostics.attribution import AttributionMeasure, attribution
from rnncore.records import Attribution
from rnncore.training import Trainer, events, train

T, B, D, H, V = 6, 2, 3, 5, 7
TEXT = "the quick brown fox jumps over the lazy dog; " * 60
SMALL = {"hidden_size": 10, "embedding_size": 5, "sequence_length": 9, "batch_size": 6, "steps": 1, "sample_length": 5}


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_attribution_is_autograd_s_gradient_of_each_logit(cell, depth, masked):
    torch.manual_seed(0)
    layers = nn.ModuleList(CELLS[cell].layer(D if n == 0 else H, H) for n in range(depth)).double()
    readout = nn.Linear(H, V).double()
    targets = torch.randint(V, (T, B))
    masks = [torch.randint(2, (T, B, H)).double() * 2 if masked else None for _ in layers]
    x = torch.randn(T, B, D, dtype=torch.float64, requires_grad=True)
    with rnncore.probe(layers) as probe:
        y = x
        for layer, mask in zip(layers, masks, strict=True):
            y = layer(y)[0]
            y = y if mask is None else y * mask
        logits = readout(y)
        logits.sum().backward(retain_graph=True)
    traces = [probe[str(n)].layers[0].forward for n in range(depth)]
    found = attribution(traces, readout.weight[targets], masks=masks)
    for tau in range(T):
        wanted = logits[tau].gather(-1, targets[tau].unsqueeze(-1)).sum()  # sequences do not touch each other
        (slope,) = torch.autograd.grad(wanted, x, retain_graph=True)
        torch.testing.assert_close(found[tau], slope.norm(dim=-1), rtol=1e-10, atol=1e-14)
        assert not found[tau, tau + 1 :].any()  # exactly: the future cannot matter


def test_the_measure_follows_predictions_with_the_weights_that_made_them():
    config = RunConfig.of(**SMALL, lr=0.5)
    trainer = Trainer(config, TEXT)
    model, (inputs, targets, _) = trainer.model, trainer.task.batch(0)
    x = model.embedding(inputs).detach().requires_grad_()
    logits = model.readout(model.layers[0](x)[0])
    wanted = logits[:, 0].gather(-1, targets[:, :1])
    slopes = [torch.autograd.grad(one, x, retain_graph=True)[0][:, 0].norm(dim=-1) for one in wanted.squeeze(-1)]
    (record,) = (
        event.record
        for event in train(config, text=TEXT, measures=[AttributionMeasure()])
        if isinstance(event, events.Measured)
    )
    np.testing.assert_allclose(record.norms, torch.stack(slopes).numpy(), rtol=1e-4, atol=1e-8)
    chosen = logits.softmax(-1)[:, 0].gather(-1, targets[:, :1]).squeeze(-1)
    np.testing.assert_allclose(record.probability, chosen.detach().numpy(), rtol=1e-5)
    assert record.taus.tolist() == list(range(9))
    assert "".join(record.text[1:]) == "".join(record.targets[:-1])


def test_of_a_long_window_only_the_last_predictions_are_followed(monkeypatch):
    monkeypatch.setattr("rnncore.diagnostics.attribution.MOST_NUMBERS", 4 * 9 * 10)
    made = train(RunConfig.of(**SMALL), text=TEXT, measures=[AttributionMeasure()])
    (record,) = (event.record for event in made if isinstance(event, events.Measured))
    assert record.taus.tolist() == [5, 6, 7, 8]
    assert record.norms.shape == (4, 9)
    assert record.row(4) is None
    assert record.row(7) == 2


def test_shares_by_lag_are_the_mean_over_the_predictions_that_reach_so_far():
    norms = np.array([[1.0, 0, 0], [1.0, 3.0, 0], [0.0, 1.0, 1.0]])
    record = Attribution(
        step=1,
        cell="gru",
        text=tuple("abc"),
        targets=tuple("bcd"),
        taus=np.arange(3),
        norms=norms,
        probability=np.ones(3),
    )
    np.testing.assert_allclose(record.by_lag, [(1 + 0.75 + 0.5) / 3, (0.25 + 0.5) / 2, 0.0])
    assert len(record.frame()) == 9

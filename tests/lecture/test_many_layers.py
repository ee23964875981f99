"""Claims about depth at equal parameter counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.figures.many_layers import across as drawn_across
from dashboard.figures.many_layers import curves, errors
from dashboard.widgets.lecture.text import read
from rnncore.lecture import EXPERIMENTS
from rnncore.lecture.many_layers import NETWORKS, ManyLayersSettings, networks
from rnncore.lecture.measured.many_layers import TURNS, across
from rnncore.records import Record
from rnncore.training.trainer import Trainer

SMALL = {"steps": 20, "length": 5, "hidden_size": 32}


@pytest.fixture(scope="module")
def records():
    return list(EXPERIMENTS["many-layers"].measure(SMALL))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
@pytest.mark.parametrize("size", [32, 48, 71, 96])
def test_all_stacks_have_as_many_weights(cell, size):
    configs = networks(ManyLayersSettings(cell=cell, hidden_size=size))
    counts = [Trainer(config).parameter_count for config in configs]
    assert max(counts) / min(counts) <= 1.09
    assert [(one.model.num_layers, one.model.residual) for one in configs] == list(NETWORKS)


@pytest.mark.parametrize("place", [0, 2, 5], ids=["one", "three", "three, residual"])
def test_the_gradient_across_is_autograds_at_every_state(place):
    """Each layer one step at a time, a zero added to each h; an answer is asked for at the last step alone."""
    trainer = Trainer(networks(ManyLayersSettings(cell="gru", length=6, hidden_size=32))[place])
    trainer.model.double()
    inputs, targets, _ = trainer.task.batch(0)
    inputs, targets = inputs.double(), targets.double()
    found = across(trainer, inputs, targets)
    x, zeros = inputs, []
    for index, layer in enumerate(trainer.model.layers):
        state, outputs = None, []
        for one in x:
            zero = torch.zeros(1, inputs.shape[1], layer.hidden_size, dtype=torch.float64, requires_grad=True)
            h, state = layer(one.unsqueeze(0), state)
            h = state = h + zero
            zeros.append(zero)
            outputs.append(h[0])
        y = torch.stack(outputs)
        x = y + x if trainer.model.residual and index else y
    grads = torch.autograd.grad(trainer.task.loss(trainer.model.readout(x), targets), zeros)
    wanted = torch.cat(grads).norm(dim=-1).square().mean(1).sqrt().view(len(trainer.model.layers), 6)
    np.testing.assert_allclose(found[: len(wanted)], wanted.numpy(), rtol=1e-8)
    assert np.isnan(found[len(wanted) :]).all()


def test_a_record_before_each_turn_and_the_scores_at_the_end(records):
    assert [one.share for one in records] == sorted(one.share for one in records)
    assert len(records) == TURNS + 2
    last = records[-1]
    assert last.curves.shape == (len(NETWORKS), TURNS)
    assert np.isfinite(last.scores).all()
    assert np.isnan(records[-2].scores).all()
    assert (np.isfinite(last.now).all(-1).sum(1) == last.layers).all()
    assert len(last.frame()) == len(NETWORKS)
    assert last.names[:2] == ["1 layer", "2 layers"]
    assert last.names[-1] == "4 layers, residual"


@pytest.mark.parametrize(
    ("scores", "answer"),
    [
        ((0.01, 0.5, 0.5, 0.02, 0.5, 0.5, 0.03), "one"),
        ((0.03, 0.001, 0.5, 0.02, 0.5, 0.5, 0.03), "plain"),
        ((0.03, 0.001, 0.5, np.nan, 0.5, 0.5, 0.02), "residual"),
    ],
)
def test_the_scores_decide_the_answer(records, scores, answer):
    told = replace(records[-1], scores=np.array(scores))
    assert told.answer == answer
    assert answer in read("many-layers").answers
    assert read("many-layers").wanted <= set(told.numbers)
    assert records[0].answer == ""
    assert told.proof
    assert not replace(told, scores=np.full(7, np.nan)).answer


def test_equal_seeds_give_equal_curves(records):
    *_, again = EXPERIMENTS["many-layers"].measure(SMALL)
    np.testing.assert_array_equal(records[-1].curves, again.curves)


@pytest.mark.parametrize("depth", [2, 4])
def test_it_is_drawn_before_during_and_after(records, depth):
    for record in (None, records[0], records[3], records[-1], Record.from_bytes(records[-1].to_bytes())):
        for draw in (curves, errors):
            assert draw(record) is not None
        for when in (0, 1):
            assert drawn_across(record, depth=depth, when=when) is not None
    drawn = drawn_across(records[-1], depth=depth)
    assert [len(trace.z) for trace in drawn.data] == [depth, depth]
    place = [n for n, one in enumerate(NETWORKS) if one == (depth, True)]
    np.testing.assert_allclose(np.array(drawn.data[1].customdata), records[-1].first[place[0], :depth], rtol=1e-5)
    assert list(errors(records[-1]).data[1].x) == [1, 2, 3, 4]

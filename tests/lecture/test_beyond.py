"""Claims about recurrent networks, a TCN and a transformer side by side."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.figures.beyond import attention as drawn_attention
from dashboard.figures.beyond import looking_back, parity_curves, recall_curves, scores
from dashboard.widgets.lecture.text import read
from rnncore.lecture import EXPERIMENTS
from rnncore.lecture.beyond import NETWORKS, BeyondSettings, parity, recall
from rnncore.lecture.measured.beyond import TURNS, reach
from rnncore.records import Record
from rnncore.training.trainer import Trainer

SMALL = {"length": 12, "tcn_layers": 2, "steps": 20, "hidden_size": 32}


@pytest.fixture(scope="module")
def records():
    return list(EXPERIMENTS["beyond"].measure(SMALL))


def test_all_networks_have_as_many_weights(records):
    assert max(records[0].parameters) / min(records[0].parameters) <= 1.08
    for group in (recall, parity):
        configs = group(BeyondSettings())
        assert [config.model.cell for config in configs] == list(NETWORKS)
        assert len({config.training.steps for config in configs}) == 1


@pytest.mark.parametrize("place", range(len(NETWORKS)), ids=NETWORKS)
def test_looking_back_is_the_central_difference_of_the_loss(place):
    config = recall(BeyondSettings(length=6, tcn_layers=2, hidden_size=32))[place]
    trainer = Trainer(config)
    trainer.model.double()
    inputs, targets, _ = trainer.task.batch(0)
    inputs, targets = inputs[:, :2].double(), targets[:, :2]
    found = reach(trainer, inputs, targets)
    trainer.model.eval()

    def loss(x):
        with torch.no_grad():
            return float(trainer.task.loss(trainer.model(x)[0], targets))

    wanted = []
    for t in range(5, -1, -1):
        square = 0.0
        for at in np.ndindex(*inputs.shape[1:]):
            moved = [inputs.clone(), inputs.clone()]
            for sign, one in zip((1, -1), moved, strict=True):
                one[(t, *at)] += sign * 1e-6
            square += ((loss(moved[0]) - loss(moved[1])) / 2e-6) ** 2
        wanted.append(square**0.5)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-9)


def test_outside_its_field_the_gradient_of_a_tcn_is_exactly_0(records):
    row = NETWORKS.index("tcn")
    for record in (records[0], records[-1]):
        assert record.field == 4
        assert (record.reach[row, :4] > 0).all()
        assert not record.reach[row, 4:].any()
        assert (np.delete(record.reach, row, 0) > 0).all()
    assert records[-1].numbers["outside"] == "0"


def test_the_share_of_the_work_grows_and_the_scores_come_last(records):
    assert [one.share for one in records] == sorted(one.share for one in records)
    assert len(records) == TURNS + 2
    assert np.isnan(records[-2].scores).all()
    last = records[-1]
    assert ((last.scores >= 0) & (last.scores <= 1)).all()
    assert last.curves.shape == last.parity_curves.shape == (len(NETWORKS), TURNS)
    assert last.steps[-1] == 20
    assert last.parity_steps[-1] == 40
    assert len(last.frame()) == len(NETWORKS)
    assert last.proof


def test_nobody_asks_what_comes_later_and_rows_sum_to_1(records):
    maps = records[-1].attention
    assert maps.shape[0] == 2
    assert maps.shape[2:] == (12, 12)
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)
    assert not np.triu(maps, 1).any()
    assert len(records[-1].text) == 12


@pytest.mark.parametrize(
    ("who_recalls", "who_counts", "answer"),
    [
        ({"tcn", "transformer"}, {"lstm"}, "each"),
        ({"tcn", "lstm"}, {"gru"}, "recurrent"),
        ({"tcn"}, {"transformer"}, "beyond"),
        ({"tcn", "rnn_tanh"}, {"transformer", "gru"}, "alike"),
        ({"gru"}, {"transformer"}, "each"),
        ({"gru"}, set(), "recurrent"),
        (set(), {"tcn"}, "beyond"),
        (set(), {"gru", "tcn"}, "alike"),
        (set(), set(), "alike"),
    ],
)
def test_the_scores_decide_the_answer(records, who_recalls, who_counts, answer):
    shares = np.full((len(NETWORKS), 2, 2), 0.5)
    shares[0] = np.nan  # one that diverged solves nothing
    for row, name in enumerate(NETWORKS):
        if name in who_recalls:
            shares[row, 0, 0] = 0.99
        if name in who_counts:
            shares[row, 1, 1] = 0.99
    told = replace(records[-1], scores=shares)
    assert told.answer == answer
    assert answer in read("beyond").answers
    assert read("beyond").wanted <= set(told.numbers)
    assert records[0].answer == ""


def test_equal_seeds_give_equal_curves_and_others_do_not(records):
    *_, again = EXPERIMENTS["beyond"].measure(SMALL)
    other = list(itertools.islice(EXPERIMENTS["beyond"].measure(SMALL | {"seed": 2}), 3))[-1]
    np.testing.assert_array_equal(records[-1].curves, again.curves)
    assert other.curves.size > 0
    assert not np.allclose(records[2].curves, other.curves)


def test_it_is_drawn_before_during_and_after(records):
    for record in (None, records[0], records[3], records[-1], Record.from_bytes(records[-1].to_bytes())):
        for draw in (scores, recall_curves, parity_curves, looking_back, drawn_attention):
            assert draw(record) is not None
    last = records[-1]
    lines = {trace.name: trace for trace in looking_back(last).data if trace.mode == "lines"}
    assert list(lines["TCN"].x) == [0, 1, 2, 3]
    assert len(lines["LSTM"].x) == 12
    ends = [trace.text[0] for trace in looking_back(last).data if trace.mode != "lines"]
    assert ends == ["exactly 0 beyond"]
    assert not np.allclose(looking_back(last, when=0).data[0].y, looking_back(last, when=1).data[0].y)
    assert np.isnan(np.array(drawn_attention(last, layer=1).data[0].z, float)[0, 1])
    diverged = replace(last, scores=np.where(np.arange(5)[:, None, None] == 1, np.nan, last.scores))
    assert scores(diverged).data[0].text[1][0] == "diverged"

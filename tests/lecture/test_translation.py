"""Claims about the page on encoder and decoder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.figures.translation import attention, beam, bridge, right, rows_of
from dashboard.widgets.lecture.text import read
from rnncore.lecture import EXPERIMENTS
from rnncore.lecture.measured.translation import TURNS, gradients
from rnncore.models.encoder_decoder import EncoderDecoder
from rnncore.records import Record
from rnncore.tasks.dates import LENGTH, READ, STYLES, WRITTEN, draw

SMALL = {"steps": 20, "hidden_size": 8, "width": 2}


@pytest.fixture(scope="module")
def records():
    return list(EXPERIMENTS["translation"].measure(SMALL))


def test_a_record_after_each_turn_and_one_source_in_each_style(records):
    assert [one.share for one in records] == [turn / TURNS for turn in range(1, TURNS + 1)]
    last = records[-1]
    assert last.losses.shape == last.right.shape == (2, TURNS)
    assert last.steps[-1] == 20
    assert len(last.sources) == STYLES
    assert all(len(text) == LENGTH for texts in last.written for text in texts)
    assert [one.sources for one in records] == [last.sources] * TURNS
    assert len(last.frame()) == 2 * STYLES
    assert last.losses[0, -1] < last.losses[0, 0]


def test_each_row_of_attention_sums_to_1_over_its_own_source(records):
    last = records[-1]
    np.testing.assert_allclose(last.attention.sum(-1), 1, atol=1e-5)
    for n, source in enumerate(last.sources):
        assert not last.attention[n, :, len(source) :].any()
        assert np.isfinite(last.encoder[:, : len(source), n]).all()
        assert np.isnan(last.encoder[:, len(source) :, n]).all()


@pytest.mark.parametrize("looks_back", [True, False])
def test_the_gradients_are_those_of_each_sequence_by_itself(looks_back):
    """Autograd on an encoder that is run one step at a time."""
    torch.manual_seed(0)
    model = EncoderDecoder("gru", len(READ), len(WRITTEN), 6, attention=looks_back).double()
    dates = draw(np.random.default_rng(3), 3)
    encoder, decoder = gradients(model, dates)
    for b, length in enumerate(dates.lengths):
        states, state = [], None
        for letter in dates.read[:length, b]:
            _, state = model.encoder(model.source(torch.tensor([[int(letter)]])), state)
            state.retain_grad()
            states.append(state)
        y = torch.cat(states)
        targets = torch.from_numpy(dates.targets[:, b : b + 1])
        logits, _, _ = model.decode(model.shifted(targets), state, y, torch.tensor([int(length)]))
        torch.nn.functional.cross_entropy(logits[:, 0], targets[:, 0], reduction="sum").backward()
        wanted = [float(one.grad.norm()) for one in states]
        np.testing.assert_allclose(encoder[:length, b], wanted, rtol=1e-9)
        assert np.isnan(encoder[length:, b]).all()
    assert (decoder > 0).all()


@pytest.mark.parametrize(("shares", "answer"), [((0.97, 0.2), "with"), ((0.5, 0.53), "same"), ((0.1, 0.4), "without")])
def test_the_shares_decide_the_answer(records, shares, answer):
    told = replace(records[-1], right=np.array([[0.0, shares[0]], [0.0, shares[1]]]), steps=np.array([10, 20]))
    assert told.answer == answer
    assert answer in read("translation").answers
    assert read("translation").wanted <= set(told.numbers)
    assert records[0].answer == ""
    assert told.proof


def test_the_tree_of_the_beam_holds_whole_texts(records):
    last = records[-1]
    for n in range(STYLES):
        whole = [last.beam_text(n, int(node)) for node in last.survivors[n]]
        assert len(set(whole)) == 2
        assert all(len(text) == LENGTH for text in whole)


def test_equal_seeds_give_equal_networks_and_others_do_not(records):
    *_, again = EXPERIMENTS["translation"].measure(SMALL)
    other = next(iter(EXPERIMENTS["translation"].measure(SMALL | {"seed": 2})))
    np.testing.assert_array_equal(records[-1].losses, again.losses)
    assert not np.allclose(records[0].losses, other.losses)
    assert again.sources == other.sources


@pytest.mark.parametrize("n", [0, STYLES - 1, 99])
def test_it_is_drawn_before_during_and_after(records, n):
    for record in (None, records[0], records[-1], Record.from_bytes(records[-1].to_bytes())):
        assert right(record) is not None
        for draw_it in (attention, bridge, beam):
            assert draw_it(record, n=n) is not None
    last, at = records[-1], min(n, STYLES - 1)
    figure = attention(last, n=n)
    assert len(figure.layout.xaxis.ticktext) == len(last.sources[at])
    assert len(bridge(last, n=n).data[0].y) == len(last.sources[at]) + LENGTH
    drawn = beam(last, n=n)
    assert len(drawn.data[0].x) == 1 + int((last.beam_step[at] >= 0).sum())
    assert len(drawn.layout.annotations) == 2


def test_a_right_text_is_told_from_a_wrong_one(records):
    told = replace(records[-1], written=(records[-1].targets, ("0" * LENGTH,) * STYLES))
    for row in rows_of(told):
        assert row[2].startswith("✓")
        assert row[3].startswith("✗")

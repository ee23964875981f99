"""Claims about encoder and decoder: attention by hand, padding, beams against all texts, and gradients opened."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

import rnncore
from rnncore.cells import CELLS
from rnncore.models.encoder_decoder import EncoderDecoder
from tests.oracles import relative

S, T, H, READ, WRITE = 6, 4, 5, 7, 3
LENGTHS = torch.tensor([6, 3, 1])
CARRYING = [name for name, cell in CELLS.items() if cell.recurrent and name != "conv_lstm"]
both = pytest.mark.parametrize("attention", [True, False], ids=["attention", "last state"])


def made(cell="lstm", attention=True):
    torch.manual_seed(0)
    return EncoderDecoder(cell, READ, WRITE, H, attention=attention, embedding_size=4).double()


def texts():
    torch.manual_seed(1)
    read = torch.randint(1, READ, (S, 3)) * (torch.arange(S)[:, None] < LENGTHS)
    return read, torch.randint(WRITE, (T, 3))


@both
@pytest.mark.parametrize("cell", CARRYING)
def test_a_source_gives_the_same_alone_as_among_longer_ones(cell, attention):
    model, (read, targets) = made(cell, attention), texts()
    logits, _ = model(read, LENGTHS, targets)
    for b, length in enumerate(LENGTHS.tolist()):
        alone, _ = model(read[:length, b : b + 1], LENGTHS[b : b + 1], targets[:, b : b + 1])
        assert (logits[:, b] - alone[:, 0]).abs().max() <= 1e-6


def test_attention_is_the_formula_step_by_step():
    model, (read, targets) = made("gru"), texts()
    logits, weights = model(read, LENGTHS, targets)
    for b, length in enumerate(LENGTHS.tolist()):
        y, state = model.encoder(model.source(read[:length, b]))
        assert weights is not None
        for t in range(T):
            before = torch.tensor([WRITE if t == 0 else int(targets[t - 1, b])])
            h, state = model.decoder(model.target(before), state)
            scores = [float((h[0] @ model.attention.weight @ one).detach()) for one in y]
            total = sum(math.exp(score) for score in scores)
            wanted = [math.exp(score) / total for score in scores]
            context = sum(weight * one for weight, one in zip(wanted, y, strict=True))
            read_out = model.combine(torch.cat([context, h[0]])).tanh()
            assert weights[b, t, :length].tolist() == pytest.approx(wanted, abs=1e-12)
            assert not weights[b, t, length:].any()
            assert relative(logits[t, b].detach(), model.readout(read_out).detach()) <= 1e-12


@both
@pytest.mark.parametrize("cell", CARRYING)
def test_the_probe_gives_the_gradients_of_both_layers(cell, attention):
    """At each input of both layers, against autograd; through the bridge, and through attention where there is one."""
    model, (read, targets) = made(cell, attention), texts()
    caught = {}

    def keep(name):
        def hook(module, given):
            x = given[0].data if name == "encoder" else given[0]
            x.retain_grad()
            caught[name] = x

        return hook

    for name in ("encoder", "decoder"):
        getattr(model, name).register_forward_pre_hook(keep(name))
    with rnncore.probe(model) as probe:
        logits, _ = model(read, LENGTHS, targets)
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    decoder = probe["decoder"].layers[0].grad_input
    assert relative(decoder, caught["decoder"].grad) <= 1e-10
    encoder = probe["encoder"].layers[0].grad_input
    packed = torch.nn.utils.rnn.pack_padded_sequence(encoder, LENGTHS, enforce_sorted=False)
    assert relative(packed.data, caught["encoder"].grad) <= 1e-10
    assert encoder.abs().max() > 0


@both
def test_greedy_writes_what_teacher_forcing_on_its_own_text_finds_likeliest(attention):
    model, (read, _) = made(attention=attention), texts()
    found, weights = model.greedy(read, LENGTHS, T)
    logits, looks = model(read, LENGTHS, found)
    assert torch.equal(found, logits.argmax(-1))
    assert (weights is None) == (looks is None) == (not attention)
    if weights is not None:
        assert relative(weights, looks.detach()) <= 1e-12


@both
@pytest.mark.parametrize("b", [0, 1, 2])
def test_a_beam_as_wide_as_all_beginnings_finds_the_likeliest_text_of_all(attention, b):
    model, (read, _) = made(attention=attention), texts()
    source = read[: LENGTHS[b], b]
    every = torch.tensor(list(itertools.product(range(WRITE), repeat=T))).T
    count = every.shape[1]
    model.requires_grad_(False)
    logits, _ = model(source[:, None].expand(-1, count), LENGTHS[b].expand(count), every)
    bits = -logits.log_softmax(-1).gather(-1, every.unsqueeze(-1)).sum((0, 2)) / math.log(2)
    found = model.beam(source, T, WRITE**T)
    order = bits.argsort()
    for node, place in zip(found.survivors, order.tolist(), strict=True):
        assert found.bits[node] == pytest.approx(float(bits[place]), abs=1e-9)
    assert found.text(found.survivors[0]) == every[:, order[0]].tolist()


def test_a_beam_of_one_is_greedy_and_a_tree_knows_where_each_beginning_came_from():
    model, (read, _) = made(), texts()
    greedy, _ = model.greedy(read[:, :1], LENGTHS[:1], T)
    one = model.beam(read[:, 0], T, 1)
    assert one.text(one.survivors[0]) == greedy[:, 0].tolist()
    wide = model.beam(read[:, 0], T, 3)
    assert wide.step == tuple(step for step in range(T) for _ in range(3))
    for node, parent in enumerate(wide.parent):
        assert (parent == -1) == (wide.step[node] == 0)
        assert parent < 0 or (wide.step[parent] == wide.step[node] - 1 and wide.bits[parent] <= wide.bits[node])
    assert list(wide.survivors) == sorted(wide.survivors, key=lambda node: wide.bits[node])

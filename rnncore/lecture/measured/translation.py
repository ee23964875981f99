"""Train an encoder and a decoder twice, with attention and without, in turns, and look at both after each turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnncore.lecture.translation import BATCH, CLIP, RATE, TranslationSettings
from rnncore.models.encoder_decoder import EncoderDecoder
from rnncore.probe import probe
from rnncore.records import Array
from rnncore.records.translation import Translation
from rnncore.tasks.dates import LENGTH, READ, STYLES, WRITTEN, Dates, draw

TURNS = 20
"""Points of each curve."""
EXAMINED = 256


@dataclass
class _Network:
    """One of the two, and what is known of its training."""

    model: EncoderDecoder
    optimizer: torch.optim.Optimizer
    losses: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)


def measure(settings: TranslationSettings) -> Iterator[Translation]:
    """A record after each turn."""
    networks = [_made(settings, attention) for attention in (True, False)]
    held_out = np.random.default_rng(np.random.Philox(key=[1 << 40, 0]))
    examined, shown = draw(held_out, EXAMINED, held_out=True), _one_of_each(held_out)
    done = 0
    for turn in range(1, TURNS + 1):
        until = turn * settings.steps // TURNS
        for network in networks:
            _train(network, settings.seed, done, until)
        done = until
        for network in networks:
            y, _ = network.model.greedy(*_read(examined), LENGTH)
            network.right.append(float((y == torch.from_numpy(examined.targets)).all(0).float().mean()))
        yield _record(networks, shown, turn, settings)


def _made(settings: TranslationSettings, attention: bool) -> _Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = EncoderDecoder(settings.cell, len(READ), len(WRITTEN), settings.hidden_size, attention=attention)
    return _Network(model, torch.optim.Adam(model.parameters(), RATE, fused=True))


def _train(network: _Network, seed: int, first: int, last: int) -> None:
    total = 0.0
    for step in range(first, last):
        dates = draw(np.random.default_rng(np.random.Philox(key=[seed, step])), BATCH)
        targets = torch.from_numpy(dates.targets)
        network.optimizer.zero_grad()
        loss = cross_entropy(network.model(*_read(dates), targets)[0].flatten(0, 1), targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.model.parameters(), CLIP)
        network.optimizer.step()
        total += loss.item()
    network.losses.append(total / max(1, last - first))


def _read(dates: Dates) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(dates.read), torch.from_numpy(dates.lengths)


def _one_of_each(generator: np.random.Generator) -> Dates:
    """A date that is never trained on in each style: the first of each among many."""
    many = draw(generator, 60 * STYLES, held_out=True)
    return many.some([many.styles.tolist().index(style) for style in range(STYLES)])


def gradients(model: EncoderDecoder, dates: Dates) -> tuple[Array, Array]:
    """‖∂L/∂h_t‖ of each sequence's own loss: encoder's states (S, B), nan beyond the end, and decoder's (T, B).

    By the probe, in one pass: sequences do not know each other. L is the sum over the symbols written.
    """
    targets = torch.from_numpy(dates.targets)
    with probe(model) as found:
        logits, _ = model(*_read(dates), targets)
        cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").backward()
    model.zero_grad()
    norms = [found[name].layers[0].forward.grad_hidden.norm(dim=-1).numpy() for name in ("encoder", "decoder")]
    beyond = np.arange(len(norms[0]))[:, None] >= dates.lengths
    return np.where(beyond, np.nan, norms[0]), norms[1]


def _record(networks: list[_Network], shown: Dates, turn: int, settings: TranslationSettings) -> Translation:
    read, lengths = _read(shown)
    texts, looks = [], None
    for network in networks:
        ids, weights = network.model.greedy(read, lengths, LENGTH)
        texts.append(tuple("".join(WRITTEN[one] for one in column) for column in ids.T.tolist()))
        looks = weights if weights is not None else looks
    assert looks is not None
    flows = [gradients(network.model, shown) for network in networks]
    beams = [networks[0].model.beam(read[: lengths[n], n], LENGTH, settings.width) for n in range(len(lengths))]
    most = max(len(beam.step) for beam in beams)

    def padded(values: list[tuple[Any, ...]], fill: float) -> Array:
        return np.array([[*row, *[fill] * (most - len(row))] for row in values])

    last = settings.steps if turn == TURNS else turn * settings.steps // TURNS
    return Translation(
        step=last,
        share=turn / TURNS,
        doing="" if turn == TURNS else f"training both networks in turns, {turn} of {TURNS}",
        cell=settings.cell,
        parameters=np.array([sum(one.numel() for one in network.model.parameters()) for network in networks]),
        steps=np.arange(1, turn + 1) * settings.steps // TURNS,
        losses=np.array([network.losses for network in networks]),
        right=np.array([network.right for network in networks]),
        sources=shown.sources,
        targets=tuple("".join(WRITTEN[one] for one in column) for column in shown.targets.T.tolist()),
        written=tuple(texts),
        attention=looks.numpy().astype(np.float32),
        encoder=np.array([flow[0] for flow in flows], np.float32),
        decoder=np.array([flow[1] for flow in flows], np.float32),
        beam_step=padded([beam.step for beam in beams], -1),
        beam_parent=padded([beam.parent for beam in beams], -1),
        beam_symbol=padded([beam.symbol for beam in beams], -1),
        beam_bits=padded([beam.bits for beam in beams], np.nan),
        survivors=np.array([beam.survivors for beam in beams]),
        symbols=WRITTEN,
    )

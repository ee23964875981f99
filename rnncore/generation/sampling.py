"""Letting a model write: one character at a time, many texts in one batch.

Shapes: T time, B texts, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rnncore.errors import ConfigError
from rnncore.tasks.drawing import draw
from rnncore.tasks.text import Vocabulary

if TYPE_CHECKING:
    from torch import nn

PIECE = 64
"""Steps whose logits are kept at once: (T, B, V) of a whole text may be large."""
Forced = Mapping[int, str]
"""Position in the text, from 0, → the character that stands there whatever the model would write."""


@dataclass(frozen=True)
class Generated:
    """Texts that follow a primer. ``bits[b][n]`` is -log2 of the model's probability of character n of text b,
    before temperature and truncation."""

    primer: str
    text: list[str]
    bits: list[list[float]]


@torch.no_grad()
def generate(
    model: nn.Module,
    vocabulary: Vocabulary,
    *,
    primer: str,
    length: int,
    temperature: float | Sequence[float] = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    greedy: bool = False,
    generator: torch.Generator | None = None,
    seeds: Sequence[int] | None = None,
    forced: Sequence[Forced] = (),
    batch: int = 1,
) -> Generated:
    """Write ``length`` characters after a primer.

    The state is carried over the primer first: after stateful training, sampling from a zero state gives
    gibberish at the same validation loss. Each text and step takes one random number, whatever temperature,
    truncation and forced characters are, so that the same seed at two temperatures gives texts that can be
    compared, and a text with one character changed goes on with the same chances.

    Args:
        model: with ``model(ids (T, B), state) -> (logits (T, B, V), state)`` and ``model.step(ids (B,), state)
            -> (logits (B, V), state)``; the state None is a fresh one. It is run in evaluation mode, and
            left in the mode in which it came.
        vocabulary: of the text that the model was trained on.
        primer: text to start from; empty starts from a line break, or the first character there is.
        length: characters to write.
        temperature: of the softmax; 0 takes the likeliest character. One value, or one for each text.
        top_k: choose among the k likeliest characters only; more than V means all.
        top_p: choose among the likeliest characters that together have this probability (nucleus; Holtzman
            et al. 2020, arXiv:1904.09751).
        greedy: take the likeliest character always, as temperature 0 does.
        generator: source of randomness, on the model's device; None is one seeded with 0. The global one is
            never touched.
        seeds: one for each text, instead of ``generator``: a text's chances are then its own, whatever else is in
            the batch and however long it is, and equal seeds give equal chances.
        forced: for each text, the characters that are given at some positions; () for none at all.
        batch: texts to write at once.

    Raises:
        CorpusError: the primer or a forced character is not in the vocabulary.
        ConfigError: a parameter is out of its range.
    """
    _check(length, top_k, top_p, batch)
    temperatures = [0.0] * batch if greedy else _each("temperature", temperature, batch)
    _check_temperatures(temperatures)
    device = device_of(model)
    if seeds is None:
        generator = generator or torch.Generator(device).manual_seed(0)
        chance = torch.rand(length, batch, generator=generator, device=device)
    else:
        chance = _chances(_each("seeds", seeds, batch), length).to(device)
    given = forced_ids(vocabulary, forced or [{}] * batch, length, batch).to(device)
    fixed = (given >= 0).any(1).tolist()
    shape = Shape(temperatures, top_k, top_p, device)
    step: Any = model.step
    written = torch.empty(length, batch, dtype=torch.long, device=device)
    bits = torch.empty(length, batch, device=device)
    with evaluating(model):
        primer, logits, state = primed(model, vocabulary, primer, batch)
        for start in range(0, length, PIECE):
            stop, seen = min(start + PIECE, length), []
            for n in range(start, stop):
                if n:
                    logits, state = step(written[n - 1], state)
                chosen = shape.draw(logits, chance[n])
                written[n] = torch.where(given[n] >= 0, given[n], chosen) if fixed[n] else chosen
                seen.append(logits)
            scores = torch.stack(seen).log_softmax(-1)
            bits[start:stop] = scores.gather(-1, written[start:stop].unsqueeze(-1)).squeeze(-1)
    texts = [vocabulary.decode(column) for column in written.T.cpu().numpy()]
    return Generated(primer, texts, (bits.T / -math.log(2)).tolist())


class Shape:
    """What temperature and truncation make of a model's distribution, for B texts.

    Args:
        temperatures: one for each text; 0 puts everything on the likeliest character.
        top_k: see ``generate``.
        top_p: see ``generate``.
        device: of the logits.
    """

    def __init__(self, temperatures: Sequence[float], top_k: int | None, top_p: float | None, device: torch.device):
        self.top_k, self.top_p = top_k, top_p
        self.scale = torch.tensor(temperatures, device=device).clamp(min=1e-6).unsqueeze(1)  # (B, 1)
        sure = [value == 0 for value in temperatures]
        self.sure = torch.tensor(sure, device=device) if any(sure) else None  # (B,)

    def draw(self, logits: Tensor, chance: Tensor) -> Tensor:
        """One character for each text: logits (B, V), chance (B,) uniform in [0, 1) → ids (B,)."""
        drawn = draw(self._softened(logits), chance)
        return drawn if self.sure is None else torch.where(self.sure, logits.argmax(-1), drawn)

    def probabilities(self, logits: Tensor) -> Tensor:
        """What each character is drawn with, (..., B, V): of each text they sum to 1."""
        found = self._softened(logits)
        found = found / found.sum(-1, keepdim=True)
        if self.sure is None:
            return found
        likeliest = torch.zeros_like(found).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
        return torch.where(self.sure.unsqueeze(-1), likeliest, found)

    def _softened(self, logits: Tensor) -> Tensor:
        """Probabilities (..., B, V), those left out 0; the rest sums to less than 1 where a nucleus is cut out."""
        scaled = logits / self.scale
        if self.top_k is not None and self.top_k < scaled.shape[-1]:
            least = scaled.topk(self.top_k).values[..., -1:]
            scaled = scaled.masked_fill(scaled < least, float("-inf"))
        probabilities = scaled.softmax(-1)
        if self.top_p is not None and self.top_p < 1:
            ordered, index = probabilities.sort(descending=True)
            beyond = ordered.cumsum(-1) - ordered >= self.top_p  # the first always stays
            probabilities = probabilities.masked_fill(torch.zeros_like(beyond).scatter(-1, index, beyond), 0.0)
        return probabilities


def primed(model: nn.Module, vocabulary: Vocabulary, primer: str, batch: int) -> tuple[str, Tensor, Any]:
    """Read a primer from a fresh state: the primer (a line break, or the first character, for an empty one), the
    logits after it (B, V), and the state.

    Raises:
        CorpusError: the primer has characters that the vocabulary lacks.
    """
    primer = primer or ("\n" if "\n" in vocabulary.characters else vocabulary.characters[0])
    ids = torch.from_numpy(vocabulary.encode(primer, "primer")).to(device_of(model))
    state = None
    for piece in ids.unsqueeze(1).expand(-1, batch).split(PIECE):
        logits, state = model(piece.contiguous(), state)
    return primer, logits[-1], state


def forced_ids(vocabulary: Vocabulary, forced: Sequence[Forced], length: int, batch: int) -> Tensor:
    """Given characters as ids (T, B), -1 where none is given.

    Raises:
        CorpusError: the vocabulary lacks a character.
        ConfigError: a position lies outside the text, or there are not as many texts.
    """
    found = torch.full((length, batch), -1, dtype=torch.long)
    for text, characters in enumerate(_each("forced", forced, batch)):
        for position, character in characters.items():
            if not 0 <= position < length:
                raise ConfigError(
                    f"forced must have positions from 0 to {length - 1}, got {position}; raise length, or leave it out"
                )
            if len(character) != 1:
                raise ConfigError(f"forced must have one character a position, got {character!r}; give them one by one")
            (found[position, text],) = vocabulary.encode(character, "forced").tolist()
    return found


def device_of(model: nn.Module) -> torch.device:
    """Where a model's numbers are."""
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards each module back in its own."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _chances(seeds: Sequence[int], length: int) -> Tensor:
    """Uniform numbers (T, B), a column for each seed; a longer text only adds to them."""
    return torch.stack([torch.rand(length, generator=torch.Generator().manual_seed(seed)) for seed in seeds], 1)


def _each(name: str, given: Any, batch: int) -> list[Any]:
    """One value for each text; a single number stands for all."""
    values = list(given) if isinstance(given, Sequence) else [given] * batch
    if len(values) != batch:
        raise ConfigError(f"{name} must have one value per text, got {len(values)} for batch {batch}; give {batch}")
    return values


def _check_temperatures(temperatures: Sequence[float]) -> None:
    for value in temperatures:
        if not 0 <= value < float("inf"):
            raise ConfigError(f"temperature must be >= 0, got {value}; use 0 for the likeliest character")


def _check(length: int, top_k: int | None, top_p: float | None, batch: int) -> None:
    if length < 1:
        raise ConfigError(f"length must be >= 1, got {length}; ask for at least one character")
    if batch < 1:
        raise ConfigError(f"batch must be >= 1, got {batch}; ask for at least one text")
    if top_k is not None and top_k < 1:
        raise ConfigError(f"top_k must be >= 1, got {top_k}; use None to choose among all characters")
    if top_p is not None and not 0 < top_p <= 1:
        raise ConfigError(f"top_p must be above 0 and at most 1, got {top_p}; use None to choose among all characters")

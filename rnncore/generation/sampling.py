"""Letting a model write: one character at a time, many texts in one batch.

Shapes: T time, B texts, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rnncore.errors import ConfigError
from rnncore.tasks.text import Vocabulary

if TYPE_CHECKING:
    from torch import nn

_PIECE = 64  # steps whose logits are kept at once: (T, B, V) of a whole text may be large


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
    batch: int = 1,
) -> Generated:
    """Write ``length`` characters after a primer.

    The state is carried over the primer first: after stateful training, sampling from a zero state gives
    gibberish at the same validation loss. Each text and step takes one random number, whatever temperature
    and truncation are, so that the same seed at two temperatures gives texts that can be compared.

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
        batch: texts to write at once.

    Raises:
        CorpusError: the primer has characters that the vocabulary lacks.
        ConfigError: a parameter is out of its range.
    """
    _check(length, top_k, top_p, batch)
    temperatures = [0.0] * batch if greedy else _temperatures(temperature, batch)
    primer = primer or ("\n" if "\n" in vocabulary.characters else vocabulary.characters[0])
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    generator = generator or torch.Generator(device).manual_seed(0)
    step: Any = model.step
    ids = torch.from_numpy(vocabulary.encode(primer)).to(device)
    scale = torch.tensor(temperatures, device=device).clamp(min=1e-6).unsqueeze(1)
    likeliest = torch.tensor([value == 0 for value in temperatures], device=device) if 0 in temperatures else None
    chance = torch.rand(length, batch, 1, generator=generator, device=device)
    written = torch.empty(length, batch, dtype=torch.long, device=device)
    bits = torch.empty(length, batch, device=device)
    with _evaluating(model):
        state = None
        for piece in ids.unsqueeze(1).expand(-1, batch).split(_PIECE):
            logits, state = model(piece.contiguous(), state)
        logits = logits[-1]
        for start in range(0, length, _PIECE):
            stop, seen = min(start + _PIECE, length), []
            for n in range(start, stop):
                if n:
                    logits, state = step(written[n - 1], state)
                written[n] = _choose(logits, scale, likeliest, top_k, top_p, chance[n])
                seen.append(logits)
            chosen = written[start:stop].unsqueeze(-1)
            bits[start:stop] = torch.stack(seen).log_softmax(-1).gather(-1, chosen).squeeze(-1)
    texts = [vocabulary.decode(column) for column in written.T.cpu().numpy()]
    return Generated(primer, texts, (bits.T / -math.log(2)).tolist())


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards each module back in its own."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _choose(
    logits: Tensor, scale: Tensor, likeliest: Tensor | None, top_k: int | None, top_p: float | None, chance: Tensor
) -> Tensor:
    """One character for each text, (B,), from softmax(logits / scale) by its inverse distribution function.

    ``chance`` (B, 1) is uniform in [0, 1): one number a text instead of the V of a Gumbel maximum or of
    ``torch.multinomial``, and five times as fast at B=64, V=100. ``likeliest`` (B,) marks greedy texts.
    """
    scaled = logits / scale
    if top_k is not None and top_k < scaled.shape[-1]:
        least = scaled.topk(top_k).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, float("-inf"))
    probabilities = scaled.softmax(-1)
    if top_p is not None and top_p < 1:
        ordered, index = probabilities.sort(descending=True)
        beyond = ordered.cumsum(-1) - ordered >= top_p  # the first always stays
        probabilities = probabilities.masked_fill(torch.zeros_like(beyond).scatter(1, index, beyond), 0.0)
    summed = probabilities.cumsum(-1)
    # 1 - chance is in (0, 1]: the first sum that reaches a positive number belongs to a possible character
    drawn = torch.searchsorted(summed, (1 - chance) * summed[:, -1:]).squeeze(1)
    drawn = drawn.clamp(max=logits.shape[-1] - 1)  # logits that are not numbers reach no sum
    return drawn if likeliest is None else torch.where(likeliest, logits.argmax(-1), drawn)


def _temperatures(temperature: float | Sequence[float], batch: int) -> list[float]:
    values = list(temperature) if isinstance(temperature, Sequence) else [float(temperature)] * batch
    if len(values) != batch:
        raise ConfigError(
            f"temperature must have one value per text, got {len(values)} for batch {batch}; give {batch}"
        )
    for value in values:
        if not 0 <= value < float("inf"):
            raise ConfigError(f"temperature must be >= 0, got {value}; use 0 for the likeliest character")
    return values


def _check(length: int, top_k: int | None, top_p: float | None, batch: int) -> None:
    if length < 1:
        raise ConfigError(f"length must be >= 1, got {length}; ask for at least one character")
    if batch < 1:
        raise ConfigError(f"batch must be >= 1, got {batch}; ask for at least one text")
    if top_k is not None and top_k < 1:
        raise ConfigError(f"top_k must be >= 1, got {top_k}; use None to choose among all characters")
    if top_p is not None and not 0 < top_p <= 1:
        raise ConfigError(f"top_p must be above 0 and at most 1, got {top_p}; use None to choose among all characters")

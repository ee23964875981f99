"""Letting a model write: one character at a time, many texts in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rnncore.errors import ConfigError
from rnncore.tasks.text import Vocabulary

if TYPE_CHECKING:
    from torch import nn


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
    generator: torch.Generator | None = None,
    batch: int = 1,
) -> Generated:
    """Write ``length`` characters after a primer.

    The state is carried over the primer first: after stateful training, sampling from a zero state gives
    gibberish at the same validation loss.

    Args:
        model: with ``model(ids (T, B), state) -> (logits (T, B, V), state)`` and ``model.step(ids (B,), state)``.
        vocabulary: of the text that the model was trained on.
        primer: text to start from; empty starts from a line break, or the first character there is.
        length: characters to write.
        temperature: of the softmax; 0 takes the likeliest character. One value, or one for each text.
        top_k: choose among the k likeliest characters only; more than V means all.
        top_p: choose among the likeliest characters that together have this probability (nucleus; Holtzman
            et al. 2020, arXiv:1904.09751).
        generator: source of randomness, on the model's device; the global one is never touched.
        batch: texts to write at once.

    Raises:
        CorpusError: the primer has characters that the vocabulary lacks.
        ConfigError: a parameter is out of its range.
    """
    temperatures = _temperatures(temperature, batch)
    _check(length, top_k, top_p)
    device = next(model.parameters()).device
    generator = generator or torch.Generator(device).manual_seed(0)
    primer = primer or ("\n" if "\n" in vocabulary.characters else vocabulary.characters[0])
    ids = torch.from_numpy(vocabulary.encode(primer)).to(device)
    scale = torch.tensor(temperatures, device=device).clamp(min=1e-6).unsqueeze(1)
    greedy = torch.tensor([value == 0 for value in temperatures], device=device)
    was_training = model.training
    model.eval()
    try:
        logits, state = model(ids.unsqueeze(1).expand(-1, batch).contiguous(), None)
        logits = logits[-1]
        written = torch.empty(length, batch, dtype=torch.long, device=device)
        bits = torch.empty(length, batch, device=device)
        for n in range(length):
            choice = _choose(logits, scale, greedy, top_k, top_p, generator)
            written[n] = choice
            bits[n] = -logits.log_softmax(-1).gather(1, choice.unsqueeze(1)).squeeze(1)
            if n + 1 < length:
                logits, state = model.step(choice, state)
    finally:
        model.train(was_training)
    texts = [vocabulary.decode(column) for column in written.T.cpu().numpy()]
    return Generated(primer, texts, (bits.T / 0.6931471805599453).tolist())


def _choose(
    logits: Tensor, scale: Tensor, greedy: Tensor, top_k: int | None, top_p: float | None, generator: Any
) -> Tensor:
    """One character for each text, (B,): the Gumbel maximum, which draws from softmax(logits / scale)."""
    scaled = logits / scale
    if top_k is not None and top_k < scaled.shape[-1]:
        least = scaled.topk(top_k).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, float("-inf"))
    if top_p is not None and top_p < 1:
        ordered, index = scaled.softmax(-1).sort(descending=True)
        beyond = ordered.cumsum(-1) - ordered >= top_p  # the first always stays
        scaled = scaled.masked_fill(torch.zeros_like(beyond).scatter(1, index, beyond), float("-inf"))
    noise = torch.empty_like(scaled).exponential_(generator=generator).log_()
    return torch.where(greedy, logits.argmax(-1), (scaled - noise).argmax(-1))


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


def _check(length: int, top_k: int | None, top_p: float | None) -> None:
    if length < 1:
        raise ConfigError(f"length must be >= 1, got {length}; ask for at least one character")
    if top_k is not None and top_k < 1:
        raise ConfigError(f"top_k must be >= 1, got {top_k}; use None to choose among all characters")
    if top_p is not None and not 0 < top_p <= 1:
        raise ConfigError(f"top_p must be above 0 and at most 1, got {top_p}; use None to choose among all characters")

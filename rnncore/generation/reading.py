"""What a model thinks at each character of a text: its distribution, and what it would draw from.

Shapes: P primer, T time, B texts, V vocabulary, K candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rnncore.errors import ConfigError
from rnncore.generation.sampling import PIECE, Shape, device_of, evaluating, primed
from rnncore.records import Array
from rnncore.tasks.text import Vocabulary

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Reading:
    """Distributions before each character of B texts, the likeliest K characters of each.

    Attributes:
        chosen: the characters that stand there, ids (B, T).
        probability: what the model gave them, (B, T).
        drawn: what temperature and truncation made of that, (B, T).
        entropy: of the model's own distribution, in bits, (B, T): 0 where it is sure, log2 V where it knows nothing.
        candidates: ids of the likeliest characters, the likeliest first, (B, T, K).
        odds: the model's probability of each, (B, T, K).
        drawn_odds: the same after temperature and truncation, (B, T, K).
    """

    chosen: Array
    probability: Array
    drawn: Array
    entropy: Array
    candidates: Array
    odds: Array
    drawn_odds: Array


@torch.no_grad()
def read(
    model: nn.Module,
    vocabulary: Vocabulary,
    *,
    primer: str,
    texts: list[str],
    keep: int = 8,
    shape: Shape | None = None,
) -> Reading:
    """Read texts after a primer, in one pass, and note the distribution before each character.

    Args:
        model: see ``generate``.
        vocabulary: of the text that the model was trained on.
        primer: what stands before the texts; empty as in ``generate``.
        texts: equally long ones.
        keep: K, likeliest characters to note; more than V means all.
        shape: temperatures and truncation that the texts were drawn with; None for the model's own distribution.

    Raises:
        CorpusError: a character is not in the vocabulary.
        ConfigError: the texts are not equally long, or keep < 1.
    """
    if len({len(text) for text in texts}) != 1 or not texts[0]:
        raise ConfigError(f"texts must be equally long, got {sorted(map(len, texts))} characters; read them one by one")
    if keep < 1:
        raise ConfigError(f"keep must be >= 1, got {keep}; note at least one character")
    device = device_of(model)
    shape = shape or Shape([1.0] * len(texts), None, None, device)
    ids = torch.stack([torch.from_numpy(vocabulary.encode(text)) for text in texts], 1).to(device)  # (T, B)
    with evaluating(model):
        _, logits, state = primed(model, vocabulary, primer, len(texts))
        pieces = [_noted(logits.unsqueeze(0), ids[:1], shape, keep)]
        for inputs, wanted in zip(ids[:-1].split(PIECE), ids[1:].split(PIECE), strict=True):
            logits, state = model(inputs, state)
            pieces.append(_noted(logits, wanted, shape, keep))
    return Reading(*(torch.cat(parts).transpose(0, 1).cpu().numpy() for parts in zip(*pieces, strict=True)))


def _noted(logits: Tensor, chosen: Tensor, shape: Shape, keep: int) -> tuple[Tensor, ...]:
    """The fields of ``Reading`` for some steps, time first: logits (T, B, V), chosen (T, B)."""
    own, drawn = logits.softmax(-1), shape.probabilities(logits)
    odds, candidates = own.topk(min(keep, own.shape[-1]), dim=-1)
    at = chosen.unsqueeze(-1)
    return (
        chosen,
        own.gather(-1, at).squeeze(-1),
        drawn.gather(-1, at).squeeze(-1),
        torch.special.entr(own).sum(-1) / math.log(2),
        candidates,
        odds,
        drawn.gather(-1, candidates),
    )

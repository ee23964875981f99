"""Beam search: the likeliest text as a whole, instead of the likeliest character each time.

Source: Lowerre 1976, "The HARPY speech recognition system"; as it is used for recurrent networks in Sutskever,
Vinyals, Le 2014, arXiv:1409.3215. A text's score is the sum of its characters' log probabilities, not normalised by
length: all texts are equally long, since characters know no end, so that a normalisation would change no order.

Shapes: T time, A texts alive, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rnncore.errors import ConfigError
from rnncore.generation.sampling import Forced, device_of, evaluating, forced_ids, primed
from rnncore.models.beginnings import best
from rnncore.models.sequence import rows
from rnncore.tasks.text import Vocabulary

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Hypothesis:
    """A text that follows the primer, and -log2 of the model's probability of all of it, in bits."""

    primer: str
    text: str
    bits: float


@torch.no_grad()
def beam_search(
    model: nn.Module,
    vocabulary: Vocabulary,
    *,
    primer: str,
    length: int,
    width: int,
    forced: Forced | None = None,
) -> list[Hypothesis]:
    """The likeliest texts that a beam finds, at most ``width`` of them, the best first.

    After each character the ``width`` likeliest beginnings stay. Width 1 is the greedy text; a width of V^T loses
    nothing, and the first text is the likeliest there is.

    Args:
        model: see ``generate``; its state is a tensor or a tuple of such, with the texts in the second axis.
        vocabulary: of the text that the model was trained on.
        primer: text to start from; empty as in ``generate``.
        length: characters to write, T.
        width: beginnings that are kept.
        forced: characters that are given at some positions.

    Raises:
        CorpusError: the primer or a forced character is not in the vocabulary.
        ConfigError: a parameter is out of its range.
    """
    _check(length, width)
    given = forced_ids(vocabulary, [forced or {}], length, 1)[:, 0].tolist()
    step: Any = model.step
    parents: list[Tensor] = []  # of each step, (A,): which text before it each one continues
    written: list[Tensor] = []  # of each step, (A,)
    score = torch.zeros(1, dtype=torch.float64, device=device_of(model))
    with evaluating(model):
        primer, logits, state = primed(model, vocabulary, primer, 1)
        for character in given:
            if written:
                logits, state = step(written[-1], state)
            gains = logits.double().log_softmax(-1).nan_to_num(nan=-math.inf, neginf=-math.inf)
            if character >= 0:
                gains = _only(gains, character)
            score, parent, chosen = best(score.unsqueeze(1) + gains, width)
            state = rows(state, parent)
            parents.append(parent)
            written.append(chosen)
    return [
        Hypothesis(primer, vocabulary.decode(ids.numpy()), -bits / math.log(2))
        for ids, bits in zip(_traced(parents, written), score.tolist(), strict=True)
    ]


def _only(gains: Tensor, character: int) -> Tensor:
    """Log probabilities (A, V) of one character alone."""
    others = torch.ones(gains.shape[1], dtype=torch.bool, device=gains.device)
    others[character] = False
    return gains.masked_fill(others, -math.inf)


def _traced(parents: list[Tensor], written: list[Tensor]) -> Tensor:
    """Each surviving text from its end to its beginning: ids (A, T)."""
    row = torch.arange(len(written[-1]), device=written[-1].device)
    found = []
    for parent, chosen in zip(reversed(parents), reversed(written), strict=True):
        found.append(chosen[row])
        row = parent[row]
    return torch.stack(found[::-1], 1).cpu()


def _check(length: int, width: int) -> None:
    if length < 1:
        raise ConfigError(f"length must be >= 1, got {length}; ask for at least one character")
    if width < 1:
        raise ConfigError(f"width must be >= 1, got {width}; use 1 for the greedy text")

"""Words of samples: whether they exist, how much they vary, and how much the samples resemble each other.

A *word* is a run of letters, capitals or not (``don't`` is two, ``self_bleu2`` too). At a sample's first and last
character a word may be cut, so those that touch them don't count. A *token* is a run of letters, digits and
underscores, or any other single character that is no white space: what variety and resemblance are counted on.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
BLEU_ORDER = 4
_NOTHING = 0.1
"""What counts in place of no n-gram in common, so that the geometric mean is not 0 (Chen & Cherry 2014, method 1)."""


def words(text: str) -> list[str]:
    """The words of a whole text, in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


def tokens(text: str) -> list[str]:
    """Words, numbers, names and single marks, as they are written."""
    return _TOKEN.findall(text)


def valid_words(sample: str, known: AbstractSet[str]) -> float:
    """The share of a sample's words that are known; nan where it has no whole word.

    Args:
        sample: a text that may begin and end in the middle of a word.
        known: words in lower case.
    """
    found = [match for match in _WORD.finditer(sample) if match.start() > 0 and match.end() < len(sample)]
    return sum(match[0].lower() in known for match in found) / len(found) if found else math.nan


def distinct(samples: Sequence[str], n: int) -> float:
    """Distinct n-grams of tokens as a share of all those of the samples together; nan where there is none.

    Li et al. 2016, arXiv:1510.03055. It falls with the number of tokens, so only equally long batches compare.
    """
    grams = [gram for sample in samples for gram in _grams(tokens(sample), n)]
    return len(set(grams)) / len(grams) if grams else math.nan


def self_bleu(samples: Sequence[str]) -> list[float]:
    """How much each sample resembles the others: its BLEU-4 on tokens with all others as references.

    BLEU = min(1, e^(1 - r/c)) · (Π_{n=1..4} p_n)^(1/4), p_n the share of the sample's n-grams that another sample
    has as often, c its tokens, r those of the sample whose number is nearest. Zhu et al. 2018, arXiv:1802.01886;
    Papineni et al. 2002. nan where there are no others, or too few tokens for an n-gram of 4.
    """
    if len(samples) < 2:
        return [math.nan] * len(samples)
    split = [tokens(sample) for sample in samples]
    logarithms = [0.0] * len(samples)
    for n in range(1, BLEU_ORDER + 1):
        counts = [Counter(_grams(one, n)) for one in split]
        most = _two_most(counts)
        for index, own in enumerate(counts):
            total = own.total()
            shared = sum(min(count, _of_others(most[gram], index)) for gram, count in own.items())
            logarithms[index] += math.log((shared or _NOTHING) / total) / BLEU_ORDER if total else math.nan
    sizes = [len(one) for one in split]
    return [math.exp(value + _brevity(sizes, index)) for index, value in enumerate(logarithms)]


Gram = tuple[str, ...]
_Most = tuple[int, int, int]  # the highest count, whose it is, and the highest of all others


def _grams(split: list[str], n: int) -> list[Gram]:
    return list(zip(*(split[start:] for start in range(n)), strict=False))


def _two_most(counts: list[Counter[Gram]]) -> dict[Gram, _Most]:
    """For each n-gram who has most of it: so that the most among all others costs no loop over them."""
    most: dict[Gram, _Most] = {}
    for index, own in enumerate(counts):
        for gram, count in own.items():
            first, whose, second = most.get(gram, (0, -1, 0))
            most[gram] = (count, index, first) if count > first else (first, whose, max(second, count))
    return most


def _of_others(most: _Most, index: int) -> int:
    first, whose, second = most
    return second if whose == index else first


def _brevity(sizes: list[int], index: int) -> float:
    """Logarithm of the brevity penalty, 0 for a sample that is no shorter than the nearest other one."""
    own = sizes[index]
    nearest = min(
        (size for other, size in enumerate(sizes) if other != index), key=lambda size: (abs(size - own), size)
    )
    return min(0.0, 1 - nearest / own) if own else 0.0

"""All measures of samples by name: what is computed for a batch of equally long texts.

Each measure gives one number per sample, nan where it is not defined for it, or a single one for all together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from rnncore.generation.quality.balance import brackets, environments, quotes
from rnncore.generation.quality.copying import Ids, novelty
from rnncore.generation.quality.index import TextIndex
from rnncore.generation.quality.parsing import parses
from rnncore.generation.quality.words import distinct, self_bleu, valid_words
from rnncore.tasks.baselines import NGram

NOVELTY_ORDER = 8
"""Characters of the n-grams whose novelty is measured."""


class Batch:
    """Samples of one moment, and the training text that they are held against.

    Args:
        texts: the samples.
        index: of the training text.
    """

    def __init__(self, texts: Sequence[str], index: TextIndex):
        self.texts, self.index = texts, index

    @cached_property
    def ids(self) -> list[Ids]:
        """The samples as ids, (M,) each."""
        return [self.index.vocabulary.encode(text) for text in self.texts]

    @cached_property
    def matches(self) -> list[tuple[Ids, Ids]]:
        """Length and place of the longest match from each character of each sample on, (M,)."""
        return self.index.copies.matches(self.ids)

    @cached_property
    def copied(self) -> list[Ids]:
        """Letters and digits within the longest match from each of them on, (M,) for each sample; 0 from other marks.

        White space and rules of dashes would otherwise be what is copied most.
        """
        found = []
        for text, (lengths, _) in zip(self.texts, self.matches, strict=True):
            telling = np.array([character.isalnum() for character in text], dtype=bool)
            before = np.concatenate([[0], np.cumsum(telling)])
            start = np.arange(len(text))
            found.append(np.where(telling, before[start + lengths] - before[start], 0))
        return found

    @property
    def longest(self) -> tuple[int, int, int]:
        """The span with most letters and digits copied: its sample, where it begins there, and its characters."""
        sample = max(range(len(self.texts)), key=lambda n: self.copied[n].max(initial=0))
        start = int(self.copied[sample].argmax())
        return sample, start, int(self.matches[sample][0][start]) if self.copied[sample][start] else 0


def ngram_bits(sample: Ids, model: NGram) -> float:
    """Mean bits per character under an n-gram model, of those characters that have a whole context before them."""
    scored = model.character_bits(sample)[model.order - 1 :]
    return float(scored.mean()) if len(scored) else math.nan


def _of_each(measure: Callable[[str], float], batch: Batch) -> list[float]:
    return [measure(text) for text in batch.texts]


MEASURES: dict[str, Callable[[Batch], Sequence[float]]] = {
    "valid_words": lambda batch: [valid_words(text, batch.index.words) for text in batch.texts],
    "ngram_bits": lambda batch: [ngram_bits(ids, batch.index.ngram) for ids in batch.ids],
    "novelty": lambda batch: [novelty(lengths, NOVELTY_ORDER) for lengths, _ in batch.matches],
    "copied": lambda batch: [float(sizes.max()) for sizes in batch.copied],
    "distinct_1": lambda batch: [distinct(batch.texts, 1)],
    "distinct_2": lambda batch: [distinct(batch.texts, 2)],
    "distinct_3": lambda batch: [distinct(batch.texts, 3)],
    "self_bleu": lambda batch: self_bleu(batch.texts),
    "brackets": partial(_of_each, brackets),
    "quotes": partial(_of_each, quotes),
    "environments": partial(_of_each, environments),
    "parses": partial(_of_each, parses),
}
"""Name → the measure. ``copied`` counts letters and digits, ``ngram_bits`` bits per character; the rest are shares."""


@dataclass(frozen=True)
class Measured:
    """Measures of one batch, (K,) each; see ``rnncore.records.SampleQuality``."""

    values: NDArray[np.float64]
    spread: NDArray[np.float64]
    defined: NDArray[np.int64]


def measure(batch: Batch, names: Sequence[str]) -> Measured:
    """Some of the measures of a batch.

    Args:
        batch: at least one sample of at least one character.
        names: of ``MEASURES``.
    """
    found = [np.asarray(MEASURES[name](batch), np.float64) for name in names]
    there = [values[~np.isnan(values)] for values in found]
    return Measured(
        values=np.array([values.mean() if len(values) else np.nan for values in there]),
        spread=np.array([values.std() if len(values) > 1 else np.nan for values in there]),
        defined=np.array([len(values) for values in there]),
    )

"""What of a training text is looked up again and again: its words, its n-grams, its suffixes. Built once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncore.generation.quality.copying import Copies, Ids
from rnncore.generation.quality.words import words
from rnncore.tasks.baselines import MOST_CHARACTERS, NGram
from rnncore.tasks.text import Vocabulary

ORDER = 5
"""Of the n-gram model."""
_NGRAM = "ngram."


@dataclass(frozen=True)
class TextIndex:
    """A training text, ready to be compared with.

    Attributes:
        vocabulary: of the whole corpus.
        ids: the training text, or so much of its beginning as is counted, int64 (N,).
        words: its words, in lower case.
        ngram: the Witten-Bell model of order 5, counted on it.
        copies: finds what samples share with it.
    """

    vocabulary: Vocabulary
    ids: Ids
    words: frozenset[str]
    ngram: NGram
    copies: Copies

    @classmethod
    def build(cls, vocabulary: Vocabulary, train: Ids) -> Self:
        """Index a training text, int64 (N,): about a second for a million characters."""
        ids = train[:MOST_CHARACTERS]
        size = len(vocabulary)
        known = frozenset(words(vocabulary.decode(ids)))
        return cls(vocabulary, ids, known, NGram(ids, size, ORDER), Copies(ids, size))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What building it cost time for, as arrays by name."""
        known = np.frombuffer("\n".join(sorted(self.words)).encode("utf-8", "surrogatepass"), np.uint8)
        counts = {f"{_NGRAM}{name}": values for name, values in self.ngram.to_arrays().items()}
        return {"words": known, "suffixes": self.copies.order, **counts}

    @classmethod
    def from_arrays(cls, vocabulary: Vocabulary, train: Ids, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The index whose ``to_arrays`` these are, of the same text."""
        ids, size = train[:MOST_CHARACTERS], len(vocabulary)
        known = arrays["words"].tobytes().decode("utf-8", "surrogatepass").split("\n")
        counts = {name.removeprefix(_NGRAM): values for name, values in arrays.items() if name.startswith(_NGRAM)}
        copies = Copies(ids, size, arrays["suffixes"])
        return cls(vocabulary, ids, frozenset(known), NGram.from_arrays(size, counts), copies)

    def line(self, place: int) -> int:
        """The line that a place of the text is in, counted from 1."""
        newline = self.vocabulary.characters.find("\n")
        return int((self.ids[:place] == newline).sum()) + 1

    def text(self, start: int, end: int) -> str:
        """The characters from one place to another, as far as there are any."""
        return self.vocabulary.decode(self.ids[max(start, 0) : end])

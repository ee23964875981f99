"""What a model that speaks word by word says of a small language: worked out, not sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SentenceShares(Record):
    """How often a freely running model says each of S sentences, and how often nonsense; exact.

    A text ends at its first stop: what is said after it does not count. ``nonsense[n-1]`` is the share of texts whose
    first n words (or all of a shorter text) begin no sentence; ``nonsense[-1]`` is 1 - P(valid).
    """

    kind: ClassVar[str] = "sentence_shares"

    epsilon: float  # probability of the truth while this step was trained
    sentences: tuple[str, ...]  # S
    shares: Array  # (S,)
    nonsense: Array  # (T,)

    @property
    def valid(self) -> float:
        """P(valid): the share of texts that are a sentence."""
        return float(self.shares.sum())

    def frame(self) -> pd.DataFrame:
        """One row per sentence and per length of a beginning."""
        import pandas as pd

        said = [("share of the sentence", sentence) for sentence in self.sentences]
        begun = [("nonsense among beginnings of so many words", str(n + 1)) for n in range(len(self.nonsense))]
        what, of = zip(*said, *begun, strict=True)
        values = np.concatenate([self.shares, self.nonsense]).astype(np.float64)
        return pd.DataFrame({"training_step": self.step, "epsilon": self.epsilon, "what": what, "of": of,
                             "probability": values})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WordTree(Record):
    """The texts that a model says when it runs freely, as a tree: N words, each after its parent's.

    Level by level, the words of one level in the order in which they are drawn. Words whose probability was too small
    are left out, and what follows them: ``missing[t]`` is the probability that level t+1 lacks.
    """

    kind: ClassVar[str] = "word_tree"

    words: tuple[str, ...]  # V names; the stop first
    parent: Array  # (N,) places of this array, -1 at the first level
    level: Array  # (N,) words said so far, from 1
    word: Array  # (N,) ids
    probability: Array  # (N,) of the text so far
    valid: Array  # (N,) bool: it begins a sentence, or is one
    ended: Array  # (N,) bool: the text has come to its first stop
    missing: Array  # (T,)
    wanted: Array  # (T, V) the language's own share of each word at each place

    @property
    def marginals(self) -> Array:
        """The share of each word at each place, (T, V); ``missing`` is what a row lacks to 1."""
        found = np.zeros(self.wanted.shape)
        np.add.at(found, (self.level - 1, self.word), self.probability)
        return found

    def text(self, node: int) -> list[str]:
        """The words up to a node."""
        found = []
        while node >= 0:
            found.append(self.words[self.word[node]])
            node = int(self.parent[node])
        return found[::-1]

    def frame(self) -> pd.DataFrame:
        """One row per word of the tree."""
        import pandas as pd

        return pd.DataFrame(
            {
                "training_step": np.full(len(self.word), self.step),
                "text": [" ".join(self.text(node)) for node in range(len(self.word))],
                "words": self.level,
                "word": [self.words[word] for word in self.word.tolist()],
                "probability": self.probability,
                "valid": self.valid,
                "ended": self.ended,
            }
        )


@dataclass(frozen=True, kw_only=True)
class Intruders(Record):
    """What a model predicts after a word that does not belong: of S sentences, at P places, each of V words.

    ``distributions[s, p, v, t]`` is what it predicts for place t+1 after reading sentence s with word v at place p+1;
    the words after the intruder are the sentence's own. It is nan before the intruder is read (t ≤ p). Where v is the
    sentence's own word there is no intruder.
    """

    kind: ClassVar[str] = "intruders"

    words: tuple[str, ...]  # V names
    texts: Array  # (S, T) ids
    distributions: Array  # (S, P, V, T, V), half precision: an error of at most .0005

    def at(self, sentence: int, place: int, word: int) -> Array:
        """The distributions after word ``word`` at place ``place`` (0, 1, ...) of a sentence, (T, V)."""
        return self.distributions[sentence, place, word].astype(np.float64)

    def entropy(self, sentence: int, place: int, word: int) -> Array:
        """Bits of each of those distributions, (T,); nan before the intruder is read."""
        odds = self.at(sentence, place, word)
        return -np.where(odds > 0, odds * np.log2(np.where(odds > 0, odds, 1)), odds * 0).sum(-1)

    def frame(self) -> pd.DataFrame:
        """One row per sentence, place, word and place that is predicted."""
        import pandas as pd

        sentences, places, words, steps, _ = self.distributions.shape
        s, p, v, t = (axis.ravel() for axis in np.indices((sentences, places, words, steps)))
        bits = np.array([self.entropy(*one) for one in np.ndindex(sentences, places, words)]).ravel()
        likeliest = np.nan_to_num(self.distributions.astype(np.float32)).argmax(-1).ravel()
        names = np.array(self.words, dtype=object)
        table = pd.DataFrame(
            {
                "training_step": np.full(len(s), self.step),
                "sentence": s + 1,
                "intruder_at": p + 1,
                "intruder": names[v],
                "own_word": names[self.texts[s, p]],
                "predicted_place": t + 1,
                "entropy_bits": bits,
                "likeliest": names[likeliest],
            }
        )
        return table.dropna(ignore_index=True)

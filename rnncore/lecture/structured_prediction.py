"""The lecture's three sentences, exactly: independent outputs, outputs that feed back, and scheduled sampling between.

A language is a few sentences with their probabilities. A *reader* predicts the next word from the words read so far;
everything here is worked out from its predictions by enumeration, in float64: how often it says a sentence when it runs
freely (its own words fed back), how often nonsense, and the tree of all that it says. A text ends at its first stop.

Scheduled sampling (Bengio et al. 2015, arXiv:1506.03099) feeds the true word with probability ε, else the model's own.
Its Bayes optimum (after Huszár 2015, arXiv:1511.05101) is P(s | fed) ∝ P(s)·Π_k [ε·1{f_k = s_k} + (1-ε)·q(f_k | f_<k)],
with q the model's own prediction. ε = 1 is the language itself, ε = 0 the product of its marginals.

Shapes: S sentences, T places (the longest sentence and its stop), V words, N texts at once. Units: nats unless said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnncore.records import WordTree

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

STOP = "·"
"""Ends a sentence, fills it up to the common length, and stands before its first word."""
FOREIGN = "drive"
"""A word that a network may be fed, and never meets in training."""
SENTENCES = ("I think therefore I am", "I like machine learning", "I am not just a neural network")
PROBABILITIES = (0.3, 0.3, 0.4)


@dataclass(frozen=True)
class Language:
    """Sentences with their probabilities.

    Attributes:
        words: V names, the stop first.
        texts: (S, T) ids; each sentence, then stops.
        probabilities: (S,), summing to 1.
    """

    words: tuple[str, ...]
    texts: Ids
    probabilities: Floats

    @classmethod
    def of(cls, sentences: Sequence[str], probabilities: Sequence[float], foreign: Sequence[str] = ()) -> Language:
        """A language of sentences whose words are parted by blanks; ``foreign`` words are known and never said."""
        if len(sentences) != len(probabilities) or not np.isclose(sum(probabilities), 1) or min(probabilities) < 0:
            raise ValueError(
                f"probabilities must be one per sentence and sum to 1, got {probabilities} for {len(sentences)} "
                "sentences; divide them by their sum"
            )
        said = [sentence.split() for sentence in sentences]
        words = tuple(dict.fromkeys([STOP, *(word for one in said for word in one), *foreign]))
        length = max(map(len, said)) + 1
        texts = [[words.index(word) for word in one] + [0] * (length - len(one)) for one in said]
        return cls(words, np.array(texts), np.array(probabilities, dtype=np.float64))

    @cached_property
    def one_hot(self) -> Floats:
        """(T, S, V): which word each sentence has at each place."""
        return np.eye(len(self.words))[self.texts.T]

    @cached_property
    def marginals(self) -> Floats:
        """The share of each word at each place, (T, V)."""
        return np.einsum("s,tsv->tv", self.probabilities, self.one_hot)

    @cached_property
    def ends(self) -> Ids:
        """The place of each sentence's first stop, counted from 0, (S,)."""
        return (self.texts == 0).argmax(1)

    @cached_property
    def order(self) -> Ids:
        """Words in the order in which a tree shows them at each place, (T, V): as the sentences have them."""
        rows = []
        for place in self.texts.T.tolist():
            rows.append(list(dict.fromkeys([*place, *range(1, len(self.words)), 0])))
        return np.array(rows)

    def says(self, texts: Ids) -> NDArray[np.bool_]:
        """Which texts (N, T) are a sentence up to their first stop: (N,)."""
        agree = texts[:, None, :] == self.texts[None]  # (N, S, T)
        after = np.arange(self.texts.shape[1]) > self.ends[:, None]
        return np.asarray((agree | after).all(-1).any(-1))

    def sentence(self, text: Ids) -> str:
        """A text (T,) in words, up to its first stop."""
        ids = text.tolist()
        return " ".join(self.words[word] for word in ids[: ids.index(0) if 0 in ids else len(ids)])


LECTURE = Language.of(SENTENCES, PROBABILITIES, (FOREIGN,))


class Reader(Protocol):
    """Predicts the next word."""

    def __call__(self, state: Any, texts: Ids, words: Ids) -> tuple[Floats, Any]:
        """Read one word more.

        Args:
            state: what the last call returned; None before the first word, when the stop is read.
            texts: (N,) which of the texts so far go on.
            words: (N,) the word that each is read with.

        Returns:
            The predictions (N, V), and the state.
        """


class Independent:
    """Outputs that know nothing of each other: the language's marginals at each place, whatever was said before."""

    def __init__(self, language: Language):
        self.language = language

    def __call__(self, state: int | None, texts: Ids, words: Ids) -> tuple[Floats, int]:
        """See ``Reader``; the state is the number of words read."""
        place = 0 if state is None else state
        return np.repeat(self.language.marginals[place : place + 1], len(texts), 0), place + 1


class Optimum:
    """The Bayes optimum of scheduled sampling with a constant ε; ε = 1 is the language itself.

    After words that have probability 0 under it the prediction is nan: training never shows them.
    """

    def __init__(self, language: Language, epsilon: float):
        if not 0 <= epsilon <= 1:
            raise ValueError(f"epsilon must be between 0 and 1, got {epsilon:g}; it is a probability")
        self.language, self.epsilon = language, epsilon

    def __call__(self, state: _Belief | None, texts: Ids, words: Ids) -> tuple[Floats, _Belief]:
        """See ``Reader``."""
        language, place = self.language, 0
        posterior = np.repeat(language.probabilities[None], len(texts), 0)
        if state is not None:
            place = state.place + 1
            weight = state.posterior[texts] * self.likelihood(state.place, words, state.predicted[texts, words])
            with np.errstate(invalid="ignore"):
                posterior = weight / weight.sum(1, keepdims=True)
        predicted = posterior @ language.one_hot[place]
        return predicted, _Belief(place, posterior, predicted)

    def likelihood(self, place: int, words: Ids, own: Floats) -> Floats:
        """P(f_k | s, f_<k) of the words fed, (N, S), where the model's own prediction gives them ``own`` (N,)."""
        true = self.language.one_hot[place][:, words].T
        return np.asarray(self.epsilon * true + (1 - self.epsilon) * own[:, None])


@dataclass(frozen=True)
class _Belief:
    """After reading N texts: the place that is predicted, P(s | fed) (N, S), and the prediction (N, V)."""

    place: int
    posterior: Floats
    predicted: Floats


def chances(reader: Reader, language: Language) -> Floats:
    """The probability of each sentence's next word while the sentence is read, (T, S)."""
    every = np.arange(len(language.texts))
    state, words, found = None, np.zeros_like(every), []
    for column in language.texts.T:
        predicted, state = reader(state, every, words)
        found.append(predicted[every, column])
        words = column
    return np.array(found)


def shares(chances: Floats, language: Language) -> Floats:
    """How often each sentence is said, (S,): the product over its words and its first stop. Their sum is P(valid)."""
    return _begun(chances, language)[-1]


def nonsense(chances: Floats, language: Language) -> Floats:
    """The share of texts whose first n words begin no sentence, (T,) for n = 1 ... T."""
    begun = _begun(chances, language)
    wanted = []
    for n in range(1, len(begun) + 1):  # beginnings that sentences share count once
        _, first = np.unique(language.texts[:, :n], axis=0, return_index=True)
        wanted.append(1 - begun[n - 1, first].sum())
    return np.array(wanted)


def _begun(chances: Floats, language: Language) -> Floats:
    """How often the first n words are those of each sentence, (T, S); what is said after a stop does not count."""
    after = np.arange(len(chances))[:, None] > language.ends
    return np.asarray(np.where(after, 1.0, chances).cumprod(0))


def valid_share(reader: Reader, language: Language) -> float:
    """P(valid): how often a text is a sentence when the reader runs freely."""
    return float(shares(chances(reader, language), language).sum())


def optimal_valid_share(epsilon: float, language: Language = LECTURE) -> float:
    """P(valid) of scheduled sampling's optimum at a constant ε: 1 at ε = 1, the product of marginals at ε = 0."""
    return valid_share(Optimum(language, epsilon), language)


def optimal_loss(epsilon: float, language: Language = LECTURE) -> float:
    """The loss of the optimum in training, in nats per word: no network that is trained with this ε gets below it."""
    reader = Optimum(language, epsilon)
    predicted, state = reader(None, np.zeros(1, np.int64), np.zeros(1, np.int64))
    joint, total = language.probabilities[None], 0.0  # P(s, fed so far), (N, S)
    for place, column in enumerate(language.texts.T):
        total += _cross_entropy(joint, predicted[:, column])
        if place + 1 < language.texts.shape[1]:
            texts, words = np.nonzero(predicted > 0)
            joint = joint[texts] * reader.likelihood(place, words, predicted[texts, words])
            predicted, state = reader(state, texts, words)
    return total / language.texts.shape[1]


def _cross_entropy(weights: Floats, odds: Floats) -> float:
    there = weights > 0
    return float(-(weights[there] * np.log(odds[there])).sum())


def entropy(distribution: Floats) -> Floats:
    """Bits, of distributions over the last axis; nan where they are."""
    sure = np.where(distribution == 0, 1.0, distribution)
    return np.asarray(-(distribution * np.log2(sure)).sum(-1))


def likeliest(reader: Reader, language: Language) -> Ids:
    """The text (T,) of the likeliest word at each place, each fed back."""
    state, word, found = None, np.zeros(1, np.int64), []
    for _ in range(language.texts.shape[1]):
        predicted, state = reader(state, np.zeros(1, np.int64), word)
        word = predicted.argmax(1)
        found.append(word[0])
    return np.array(found)


def draw(reader: Reader, language: Language, count: int, generator: np.random.Generator) -> Ids:
    """Texts that the reader says when it runs freely, (count, T)."""
    every = np.arange(count)
    state, words, found = None, np.zeros(count, np.int64), []
    for _ in range(language.texts.shape[1]):
        predicted, state = reader(state, every, words)
        summed = predicted.cumsum(1)
        words = (summed < (1 - generator.random(count))[:, None] * summed[:, -1:]).sum(1)
        found.append(words)
    return np.array(found).T


def grow(reader: Reader, language: Language, *, least: float = 0.0, most: int | None = None, step: int = 0) -> WordTree:
    """The tree of all that a reader says when it runs freely, level by level.

    Args:
        least: words are left out whose text so far is not likelier than this.
        most: words that a level may have; the likeliest stay.
        step: the training step that the record belongs to.
    """
    length = language.texts.shape[1]
    levels, missing = [_Level.root(language)], []
    state, texts = None, np.zeros(1, np.int64)
    for place in range(length):
        above = levels[-1]
        predicted, state = reader(state, texts, above.word)
        odds = above.probability[:, None] * predicted[:, language.order[place]]  # (N, V) in the order shown
        keep = _likeliest(odds, least, most)
        missing.append(max(0.0, 1 - float(odds[keep].sum())))
        texts, rank = np.nonzero(keep)
        levels.append(above.followed(texts, language.order[place][rank], odds[keep], language.texts[:, place]))
    return _as_tree(levels, missing, language, step)


def _likeliest(odds: Floats, least: float, most: int | None) -> NDArray[np.bool_]:
    """Which of the words go on, (N, V)."""
    if most is not None and odds.size > most:
        least = max(least, float(np.partition(odds, -most - 1, axis=None)[-most - 1]))
    return np.asarray(odds > least)


@dataclass(frozen=True)
class _Level:
    """The words of one level: parents, ids, probabilities, the sentences that they agree with, and what came of it."""

    parent: Ids
    word: Ids
    probability: Floats
    agrees: NDArray[np.bool_]  # (N, S)
    ended: NDArray[np.bool_]

    @classmethod
    def root(cls, language: Language) -> _Level:
        """Before the first word."""
        none = np.zeros(1, np.int64)
        return cls(none, none, np.ones(1), np.ones((1, len(language.texts)), bool), np.zeros(1, bool))

    def followed(self, texts: Ids, words: Ids, probability: Floats, wanted: Ids) -> _Level:
        """The next level; after a stop nothing more is decided."""
        ended = self.ended[texts]
        agrees = self.agrees[texts] & ((words[:, None] == wanted) | ended[:, None])
        return _Level(texts, words, probability, agrees, ended | (words == 0))


def _as_tree(levels: list[_Level], missing: list[float], language: Language, step: int) -> WordTree:
    sizes = [len(level.word) for level in levels[1:]]
    starts = np.cumsum([0, *sizes])  # of each level in the arrays
    parents = [np.full(sizes[0], -1), *(starts[n] + level.parent for n, level in enumerate(levels[2:]))]
    return WordTree(
        step=step,
        words=language.words,
        parent=np.concatenate(parents).astype(np.int32),
        level=np.repeat(np.arange(1, len(sizes) + 1), sizes).astype(np.int32),
        word=np.concatenate([level.word for level in levels[1:]]).astype(np.int32),
        probability=np.concatenate([level.probability for level in levels[1:]]),
        valid=np.concatenate([level.agrees.any(1) for level in levels[1:]]),
        ended=np.concatenate([level.ended for level in levels[1:]]),
        missing=np.array(missing),
        wanted=language.marginals,
    )

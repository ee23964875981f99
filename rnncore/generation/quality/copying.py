"""What a text takes over from another one: the longest match at each of its characters, by a suffix array.

All novelty follows from one number per character: how long the longest match is that begins there. An n-gram is
new exactly where that is less than n (novelty as in McCoy et al. 2021, arXiv:2111.09509), and a copied span is a match.

The suffix array (Manber & Myers 1993) is built by prefix doubling: once suffixes are sorted by their first k
characters, ranks sort them by their first 2k, and only those that are still tied take part. Characters are packed
several to a 64-bit word, so that the first sort sees eight of them at once.

Shapes: N characters of the text that may be copied from, M of a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Places = NDArray[np.int32]
Words = NDArray[np.uint64]

DEPTH = 8192
"""Characters by which suffixes are sorted: more than the longest sample has, so that repetitions without end do not
keep the sort going."""


class Packing:
    """Several characters in a 64-bit word, the first one in the highest bits, so that words sort as texts do.

    Args:
        vocab_size: V. Up to 255 distinct characters go eight to a word, more of them four.
    """

    def __init__(self, vocab_size: int):
        self.bits = 8 if vocab_size < 256 else 16
        self.width = 64 // self.bits
        self._shifts = [np.uint64(self.bits * place) for place in reversed(range(self.width))]

    def words(self, ids: Ids) -> Words:
        """The ``width`` characters from each on, (N,); what lies behind the end is zero, and sorts first."""
        codes = np.zeros(len(ids) + self.width, np.uint64)
        codes[: len(ids)] = ids + 1
        found = np.zeros(len(ids), np.uint64)
        for place, shift in enumerate(self._shifts):
            found |= codes[place : place + len(ids)] << shift
        return found

    def common(self, one: Words, other: Words) -> Ids:
        """How many leading characters two words share; zeros behind an end are no characters."""
        count = np.zeros(one.shape, np.int64)
        same = np.ones(one.shape, bool)
        character = np.uint64(2**self.bits - 1)
        for shift in self._shifts:
            same &= ((one ^ other) >> shift == 0) & ((one >> shift) & character > 0)
            count += same
        return count


def suffix_array(ids: Ids, vocab_size: int, depth: int = DEPTH) -> Places:
    """Where a text's suffixes begin, in sorted order, int32 (N,).

    Those that share their first ``depth`` characters stand in any order.
    """
    packing, size = Packing(vocab_size), len(ids)
    words, reach = packing.words(ids), packing.width
    order = np.argsort(words).astype(np.int32)
    rank, keys = np.empty(size, np.int32), words[order]
    tied = np.arange(size, dtype=np.int32)  # places in ``order`` whose suffixes equal a neighbour's so far
    while True:
        rank[order[tied]], tied = _groups(keys, tied)
        if reach >= depth or not len(tied):
            return order
        beginning = order[tied]
        beyond = beginning.astype(np.int64) + reach
        then = np.where(beyond < size, rank[np.minimum(beyond, size - 1)] + 1, 0)
        pairs = rank[beginning].astype(np.uint64) * np.uint64(size + 1) + then.astype(np.uint64)
        within = np.argsort(pairs)
        order[tied], keys = beginning[within], pairs[within]
        reach *= 2


def _groups(keys: Words, places: Places) -> tuple[Places, Places]:
    """Of sorted keys: the rank of each, which is the place of the first that equals it, and the places still tied."""
    if not len(keys):
        return places, places
    differs = np.concatenate([[True], keys[1:] != keys[:-1], [True]])
    first = np.flatnonzero(differs[:-1])
    rank = places[first][np.cumsum(differs[:-1]) - 1]
    return rank, places[~(differs[:-1] & differs[1:])]


class Copies:
    """Finds what samples have in common with a text.

    Args:
        ids: the text that may be copied from, int64 (N,).
        vocab_size: V.
        order: its suffix array, where it is known.
    """

    def __init__(self, ids: Ids, vocab_size: int, order: Places | None = None):
        self.order = suffix_array(ids, vocab_size) if order is None else order
        self._fence = np.array([vocab_size])  # between samples: a character that the text does not have
        self._packing = Packing(vocab_size + 1)
        self._words = self._packing.words(ids)

    def matches(self, samples: Sequence[Ids]) -> list[tuple[Ids, Ids]]:
        """For each sample the longest match from each of its characters on: its length, and where it stands, (M,).

        Where several places match equally well it is one of them; where none does the length is 0.
        """
        if not samples:
            return []
        length, place = self._longest(np.concatenate([part for one in samples for part in (one, self._fence)]))
        ends = np.cumsum([len(one) + 1 for one in samples])
        return [
            (length[end - len(one) - 1 : end - 1], place[end - len(one) - 1 : end - 1])
            for one, end in zip(samples, ends, strict=True)
        ]

    def _longest(self, sample: Ids) -> tuple[Ids, Ids]:
        """Length and place of the longest match from each character of one sample on.

        A binary search for each character narrows the sorted suffixes down to those that begin like the sample,
        a word of characters at a time. The longest match stands next to where the search ends.
        """
        size, width = len(self.order), self._packing.width
        wanted = self._packing.words(sample)
        length, place = np.zeros(len(sample), np.int64), np.zeros(len(sample), np.int64)
        active = np.arange(len(sample) if size else 0)
        low, high = np.zeros(len(active), np.int64), np.full(len(active), size)
        depth = 0
        while len(active):
            key = _from(wanted, active + depth)
            begin = self._first(key, depth, low, high, after=False)
            neighbours = np.stack([np.maximum(begin - 1, low), np.minimum(begin, high - 1)])
            shared = self._packing.common(self._at(neighbours, depth), key)
            best = shared.argmax(axis=0)[None]
            length[active] = depth + np.take_along_axis(shared, best, 0)[0]
            place[active] = self.order[np.take_along_axis(neighbours, best, 0)[0]]
            on = shared[1] == width  # the whole word matches: what follows decides among those that begin with it
            active, low = active[on], begin[on]
            high = self._first(key[on], depth, low, high[on], after=True)
            depth += width
        return length, place

    def _at(self, suffixes: Ids, depth: int) -> Words:
        """The word ``depth`` characters into some of the sorted suffixes, given by their places in the order."""
        return _from(self._words, self.order[suffixes].astype(np.int64) + depth)

    def _first(self, key: Words, depth: int, low: Ids, high: Ids, *, after: bool) -> Ids:
        """By bisection, the first suffix in [low, high) whose word is not below its key, or above it (``after``)."""
        low, high = low.copy(), high.copy()
        while (open_ := low < high).any():
            middle = np.where(open_, (low + high) // 2, 0)
            word = self._at(middle, depth)
            right = open_ & ((word <= key) if after else (word < key))
            low = np.where(right, middle + 1, low)
            high = np.where(open_ & ~right, middle, high)
        return low


def _from(words: Words, places: Ids) -> Words:
    """The words at some places, zero behind the end."""
    there = places < len(words)
    return np.where(there, words[np.where(there, places, 0)], np.uint64(0))


def novelty(lengths: Ids, n: int) -> float:
    """The share of a sample's n-grams that the text does not have; nan where it has none.

    Args:
        lengths: longest match from each of its characters on, (M,).
        n: characters, ≥ 1.
    """
    starts = lengths[: len(lengths) - n + 1] if len(lengths) >= n else lengths[:0]
    return float((starts < n).mean()) if len(starts) else float("nan")

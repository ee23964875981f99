"""What knowing little is worth: uniform guessing, and Witten-Bell n-grams of the training text.

P_n(c|h) = (count(h c) + T(h) · P_{n-1}(c|h')) / (count(h) + T(h)), with T(h) the number of distinct characters
seen after h, h' the context without its oldest character, and P_0 = 1/V. A context that the training text
lacks leaves the decision to the shorter one. Sources: Witten & Bell 1991 (method C); Chen & Goodman 1998,
the interpolated form. NumPy only; no loop over characters.

Shapes: N characters, V vocabulary. Units: bits per character.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncore.errors import CorpusError
from rnncore.records import Baselines
from rnncore.tasks.disk import cache_file, digest_of, write
from rnncore.tasks.text import Ids, Vocabulary, split, validation_streams

ORDERS = (1, 2, 3, 4, 5, 6)
MOST_CHARACTERS = 5_000_000
"""Characters that are counted: of a longer training text only the first ones, to bound memory and time."""
_VERSION = 2  # of what is cached: raise it when the numbers change

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Table:
    """One order n: what followed which context of n-1 characters. A context's code is its rank among all."""

    keys: Ids  # distinct n-grams, sorted: (code of the context)·V + last character
    counts: NDArray[np.int32]  # count(h c), by rank in keys
    totals: NDArray[np.int32]  # count(h), by the code of h
    types: NDArray[np.int32]  # T(h), by the code of h


class NGram:
    """Witten-Bell models of all orders 1 ... ``order``, counted on ``ids``.

    Args:
        ids: training text, int64 (N,).
        vocab_size: V.
        order: characters in the longest n-gram; its context has one less.
    """

    def __init__(self, ids: Ids, vocab_size: int, order: int):
        self.vocab_size = vocab_size
        self.tables: list[_Table] = []
        codes = np.zeros(len(ids), dtype=np.int64)  # of the context before each character that has one
        contexts = 1
        for n in range(order):
            keys, inverse, counts = np.unique(codes * vocab_size + ids[n:], return_inverse=True, return_counts=True)
            owner = keys // vocab_size
            totals = np.bincount(owner, counts, contexts).astype(np.int32)
            types = np.bincount(owner, minlength=contexts).astype(np.int32)
            self.tables.append(_Table(keys, counts.astype(np.int32), totals, types))
            # an n-gram's rank is the code of the next order's context; none follows the last character
            codes, contexts = inverse[:-1].astype(np.int64), len(keys)

    @classmethod
    def from_arrays(cls, vocab_size: int, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model whose ``to_arrays`` these are."""
        model = cls(np.empty(0, np.int64), vocab_size, order=0)
        columns = [field.name for field in fields(_Table)]
        for n in range(len(arrays) // len(columns)):
            model.tables.append(_Table(*(arrays[f"{column}{n}"] for column in columns)))
        return model

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All that was counted, as arrays by name."""
        return {f"{column}{n}": values for n, table in enumerate(self.tables) for column, values in vars(table).items()}

    @property
    def order(self) -> int:
        """Characters in the longest n-gram."""
        return len(self.tables)

    def probabilities(self, ids: Ids) -> Floats:
        """P_n of each character after those before it, for n = 1 ... order: (order, N).

        The first characters have shorter contexts, and get what the orders that fit say.
        """
        size = len(ids)
        found = np.empty((self.order, size))
        lower = np.full(size, 1 / self.vocab_size)
        context = np.zeros(size, dtype=np.int64)  # code of the context before each character, -1 if never seen
        for index, table in enumerate(self.tables):
            seen = context >= 0
            if len(table.keys) and seen.any():
                safe = np.where(seen, context, 0)
                keys = safe * self.vocab_size + ids
                place = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
                hit = seen & (table.keys[place] == keys)
                count = np.where(hit, table.counts[place], 0)
                types = np.where(seen, table.types[safe], 0)
                total = np.where(seen, table.totals[safe], 0) + types
                lower = np.where(total > 0, (count + types * lower) / np.maximum(total, 1), lower)
                code = np.where(hit, place, -1)
                context = np.concatenate([[-1], code[:-1]])
            found[index] = lower
        return found

    def character_bits(self, ids: Ids) -> Floats:
        """-log2 P_order of each character after those before it, (N,)."""
        return -np.log2(self.probabilities(ids)[-1])

    def bits(self, ids: Ids) -> Floats:
        """Mean bits per character of a text under each order 1 ... order, (order,)."""
        return -np.log2(self.probabilities(ids)).mean(axis=1)

    def write(self, length: int, batch: int, generator: np.random.Generator) -> Ids:
        """Texts drawn from P_order, (batch, length).

        A draw goes down the orders: with probability count(h) / (count(h) + T(h)) it takes one of the characters
        that followed h, each as likely as it was frequent, else it asks the next shorter context; below all of
        them each character is as likely as any other. These mixed together are the interpolated P_order.
        """
        written = np.empty((batch, length), np.int64)
        firsts = [np.cumsum(table.types) - table.types for table in self.tables]  # of each context's keys
        sums = [np.concatenate([[0], np.cumsum(table.counts, dtype=np.int64)]) for table in self.tables]
        contexts = np.full((self.order, batch), -1)  # code of the last n characters, -1 if never seen
        contexts[:1] = 0
        for t in range(length):
            chosen = generator.integers(0, self.vocab_size, batch)
            undecided = np.ones(batch, bool)
            for n in reversed(range(self.order)):
                table = self.tables[n]
                texts = np.flatnonzero(undecided & (contexts[n] >= 0))
                codes = contexts[n, texts]
                totals = table.totals[codes]
                place = generator.random(len(texts)) * (totals + table.types[codes])
                took = (place < totals) & (totals > 0)
                texts, first = texts[took], firsts[n][codes[took]]
                keys = np.searchsorted(sums[n], sums[n][first] + place[took].astype(np.int64), side="right") - 1
                chosen[texts] = table.keys[keys] % self.vocab_size
                undecided[texts] = False
            written[:, t] = chosen
            contexts = self._after(contexts, chosen)
        return written

    def _after(self, contexts: Ids, chosen: Ids) -> Ids:
        """The contexts (order, batch) after one more character each, (batch,)."""
        following = np.full_like(contexts, -1)
        following[:1] = 0
        for n, table in enumerate(self.tables[:-1]):
            if not len(table.keys):
                break
            keys = np.maximum(contexts[n], 0) * self.vocab_size + chosen
            place = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
            seen = (contexts[n] >= 0) & (table.keys[place] == keys)
            following[n + 1] = np.where(seen, place, -1)
        return following


def baselines(train: Ids, validation: Ids, vocab_size: int, orders: tuple[int, ...] = ORDERS) -> Baselines:
    """The floors in bits per character, counted on the training text alone.

    They are measured on the characters that a model's validation loss is measured on, with the same text
    before them (``validation_streams``). At most ``MOST_CHARACTERS`` of the training text are counted.

    Args:
        train: int64 (N,).
        validation: int64, at least 2 characters.
        vocab_size: V.
        orders: increasing, from 1 on.
    """
    model = NGram(train[:MOST_CHARACTERS], vocab_size, max(orders))
    streams = validation_streams(validation)  # (S, L+1)
    scored = np.concatenate([model.probabilities(stream)[:, 1:] for stream in streams], axis=1)
    means = -np.log2(scored).mean(axis=1)
    return Baselines(
        step=0,
        vocab_size=vocab_size,
        uniform=math.log2(vocab_size),
        orders=tuple(orders),
        bits=tuple(round(float(means[order - 1]), 6) for order in orders),
    )


def cached_baselines(text: str, validation_fraction: float) -> Baselines:
    """The floors of a text from the disk cache; where missing or damaged they are computed and kept.

    Args:
        text: the corpus, split as ``TextTask`` splits it.
        validation_fraction: the last part of the text, not counted.

    Raises:
        CorpusError: the text is too short to be split.
    """
    digest = digest_of(text)
    found = find_baselines(digest, validation_fraction)
    if found is not None:
        return found
    vocabulary = Vocabulary(text)
    train, validation = split_for_counting(vocabulary.encode(text), validation_fraction)
    record = baselines(train, validation, len(vocabulary))
    _write(_cache_file(digest, validation_fraction), record)
    return record


def find_baselines(digest: str, validation_fraction: float) -> Baselines | None:
    """The floors of the text of a digest (see ``disk.digest_of``), where the disk cache has them."""
    return _read(_cache_file(digest, validation_fraction))


def split_for_counting(ids: Ids, validation_fraction: float) -> tuple[Ids, Ids]:
    """Training and validation part, if there is something to count and something to predict.

    Raises:
        CorpusError: one of them is too short.
    """
    train, validation = split(ids, validation_fraction)
    if len(train) < 1 or len(validation) < 2:
        raise CorpusError(
            f"the text must have characters to count and at least 2 for validation, got {len(train):,} and "
            f"{len(validation):,}; use a longer text"
        )
    return train, validation


def _cache_file(digest: str, validation_fraction: float) -> Path:
    return cache_file("baselines", ".json", digest, validation_fraction, ORDERS, MOST_CHARACTERS, _VERSION)


def _read(path: Path) -> Baselines | None:
    """What ``_write`` wrote; None for anything else."""
    try:
        found = json.loads(path.read_text())
        record = Baselines(
            step=0,
            vocab_size=int(found["vocab_size"]),
            uniform=float(found["uniform"]),
            orders=tuple(int(order) for order in found["orders"]),
            bits=tuple(float(bits) for bits in found["bits"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = record.orders == ORDERS and len(record.bits) == len(ORDERS)
    return record if whole and all(map(math.isfinite, (record.uniform, *record.bits))) else None


def _write(path: Path, record: Baselines) -> None:
    values = {
        "vocab_size": record.vocab_size,
        "uniform": record.uniform,
        "orders": record.orders,
        "bits": record.bits,
    }
    write(path, json.dumps(values).encode())

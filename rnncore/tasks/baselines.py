"""What knowing little is worth: uniform guessing, and Witten-Bell n-grams of the training text.

P_n(c|h) = (count(h c) + T(h) · P_{n-1}(c|h')) / (count(h) + T(h)), with T(h) the number of distinct characters
seen after h, h' the context without its oldest character, and P_0 = 1/V. Sources: Witten & Bell 1991
(method C); Chen & Goodman 1998, the interpolated form. NumPy only; no loop over characters.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncore.records import Baselines
from rnncore.tasks.corpora import cache_folder
from rnncore.tasks.text import Ids, Vocabulary, split

ORDERS = (1, 2, 3, 4, 5, 6)
MOST_CHARACTERS = 5_000_000
"""Training text beyond this is left out of the counts."""
_VERSION = 1  # of what is cached: raise it when the numbers change

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Table:
    """One order: the distinct m-grams as (code of the (m-1)-gram)·V + last character, and their counts."""

    keys: Ids
    counts: Floats
    context_counts: Floats  # count(h), by the code of h
    context_types: Floats  # T(h)


class NGram:
    """A Witten-Bell model of all orders up to ``order``, counted on ``ids``.

    Args:
        ids: training text, int64 (N,).
        vocab_size: V.
        order: the longest n-gram.
    """

    def __init__(self, ids: Ids, vocab_size: int, order: int):
        self.vocab_size, self.order = vocab_size, order
        self.tables: list[_Table] = []
        codes = np.zeros(len(ids) + 1, dtype=np.int64)  # the empty context, before each character and at the end
        contexts = 1
        for _ in range(order):
            keys = codes[:-1] * vocab_size + ids[len(ids) - len(codes) + 1 :]
            unique, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
            owner = unique // vocab_size
            self.tables.append(
                _Table(
                    unique,
                    counts.astype(float),
                    np.bincount(owner, counts, contexts),
                    np.bincount(owner, minlength=contexts).astype(float),
                )
            )
            codes, contexts = inverse.astype(np.int64), len(unique)

    def probabilities(self, ids: Ids) -> Floats:
        """P_n of each character after those before it, for n = 1 ... order: (order, N).

        The first characters have shorter contexts, and use the orders that those allow.
        """
        size = len(ids)
        found = np.empty((self.order, size))
        lower = np.full(size, 1 / self.vocab_size)
        context = np.zeros(size, dtype=np.int64)  # code of the context before each character, -1 if never seen
        for index, table in enumerate(self.tables):
            seen = context >= 0
            safe = np.where(seen, context, 0)
            keys = safe * self.vocab_size + ids
            place = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
            hit = seen & (table.keys[place] == keys)
            count = np.where(hit, table.counts[place], 0.0)
            types = np.where(seen, table.context_types[safe], 0.0)
            total = np.where(seen, table.context_counts[safe], 0.0) + types
            lower = np.where(total > 0, (count + types * lower) / np.where(total > 0, total, 1.0), lower)
            found[index] = lower
            code = np.where(hit, place, -1)
            context = np.concatenate([[-1], code[:-1]])[:size]
        return found

    def bits(self, ids: Ids) -> Floats:
        """Mean bits per character under each order 1 ... order, (order,)."""
        return -np.log2(self.probabilities(ids)).mean(axis=1)


def baselines(train: Ids, validation: Ids, vocab_size: int) -> Baselines:
    """The floors on a validation text, counted on the training text alone."""
    model = NGram(train[:MOST_CHARACTERS], vocab_size, max(ORDERS))
    bits = tuple(round(float(value), 6) for value in model.bits(validation))
    return Baselines(step=0, vocab_size=vocab_size, uniform=float(np.log2(vocab_size)), orders=ORDERS, bits=bits)


def cached_baselines(text: str, validation_fraction: float, *, compute: bool = True) -> Baselines | None:
    """The floors of a text from the disk cache; computed where missing, or None if ``compute`` is False."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    digest.update(f"|{validation_fraction}|{ORDERS}|{MOST_CHARACTERS}|{_VERSION}".encode())
    path = cache_folder() / "baselines" / f"{digest.hexdigest()[:32]}.json"
    try:
        found = json.loads(path.read_text())
        return Baselines(
            step=0,
            vocab_size=int(found["vocab_size"]),
            uniform=float(found["uniform"]),
            orders=tuple(found["orders"]),
            bits=tuple(found["bits"]),
        )
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not what we wrote: compute it
        if not compute:
            return None
    vocabulary = Vocabulary(text)
    record = baselines(*split(vocabulary.encode(text), validation_fraction), len(vocabulary))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    values = {
        "vocab_size": record.vocab_size,
        "uniform": record.uniform,
        "orders": record.orders,
        "bits": record.bits,
    }
    part.write_text(json.dumps(values))
    part.replace(path)
    return record


def main() -> None:
    """Compute into the cache, at low priority: a JSON job with ``text`` and ``validation_fraction`` on stdin."""
    os.nice(10)
    job = json.load(sys.stdin)
    cached_baselines(job["text"], job["validation_fraction"])


if __name__ == "__main__":
    main()

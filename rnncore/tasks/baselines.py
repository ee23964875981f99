"""What knowing little is worth: uniform guessing, and Witten-Bell n-grams of the training text.

P_n(c|h) = (count(h c) + T(h) · P_{n-1}(c|h')) / (count(h) + T(h)), with T(h) the number of distinct characters
seen after h, h' the context without its oldest character, and P_0 = 1/V. A context that the training text
lacks leaves the decision to the shorter one. Sources: Witten & Bell 1991 (method C); Chen & Goodman 1998,
the interpolated form. NumPy only; no loop over characters.

Shapes: N characters, V vocabulary. Units: bits per character.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnncore.errors import CorpusError
from rnncore.records import Baselines
from rnncore.tasks.corpora import cache_folder
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
        self.vocab_size, self.order = vocab_size, order
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


def cached_baselines(text: str, validation_fraction: float, *, compute: bool = True) -> Baselines | None:
    """The floors of a text from the disk cache; where missing or damaged they are computed and kept.

    Args:
        text: the corpus, split as ``TextTask`` splits it.
        validation_fraction: the last part of the text, not counted.
        compute: False returns None where the cache has nothing.
    """
    path = _cache_file(text, validation_fraction)
    found = _read(path)
    if found is not None or not compute:
        return found
    vocabulary = Vocabulary(text)
    train, validation = split(vocabulary.encode(text), validation_fraction)
    if len(train) < 1 or len(validation) < 2:
        raise CorpusError(
            f"the text must have characters to count and at least 2 for validation, got {len(train):,} and "
            f"{len(validation):,}; use a longer text"
        )
    record = baselines(train, validation, len(vocabulary))
    _write(path, record)
    return record


def _cache_file(text: str, validation_fraction: float) -> Path:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    digest.update(f"|{validation_fraction}|{ORDERS}|{MOST_CHARACTERS}|{_VERSION}".encode())
    return cache_folder() / "baselines" / f"{digest.hexdigest()[:32]}.json"


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
    """At once or not at all; a full or read-only disk only costs the time to compute it again."""
    values = {
        "vocab_size": record.vocab_size,
        "uniform": record.uniform,
        "orders": record.orders,
        "bits": record.bits,
    }
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(values))
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()


def main() -> int:
    """Compute into the cache, at low priority, so that training is not held up.

    ``python -m rnncore.tasks.baselines`` reads a JSON job on standard input: ``text`` (or ``text_path``, a
    UTF-8 file) and ``validation_fraction``. Returns 0, or 2 with a sentence on standard error.
    """
    if hasattr(os, "nice"):
        os.nice(10)
    try:
        job = json.load(sys.stdin)
        text = job["text"] if "text" in job else Path(job["text_path"]).read_text("utf-8")
        cached_baselines(text, float(job["validation_fraction"]))
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"the job must be JSON with text (or text_path) and validation_fraction, got "
            f"{type(error).__name__}: {error}; see rnncore.tasks.baselines",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

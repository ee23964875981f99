"""Predicting the next character: vocabulary, split, batches, loss and floor.

Where a batch lies is a function of the step's number and the seed alone, so that a resumed run needs no
stored position and two runs with the same seed read the same text in the same order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnncore.errors import CorpusError

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.int64]

VALIDATION_CHARACTERS = 16_384


class Vocabulary:
    """The distinct characters of a corpus, sorted; an id is a character's place.

    All of the corpus counts, the validation part too: a model must be able to say every character. What is
    learned or counted (weights, n-grams) comes from the training part alone.
    """

    def __init__(self, text: str):
        self.characters = "".join(sorted(set(text)))
        self._codes = np.array([ord(character) for character in self.characters], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Ids:
        """Characters → ids, (N,).

        Raises:
            CorpusError: a character that the corpus does not have.
        """
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
        ids = np.searchsorted(self._codes, codes)
        known = self._codes[np.minimum(ids, len(self) - 1)] == codes
        if not known.all():
            unknown = "".join(sorted({chr(code) for code in codes[~known]}))
            raise CorpusError(f"the text has characters that the corpus lacks: {unknown[:40]!r}; leave them out")
        return ids

    def decode(self, ids: Ids) -> str:
        """Ids → characters."""
        return "".join(self.characters[index] for index in ids)


def split(ids: Ids, validation_fraction: float) -> tuple[Ids, Ids]:
    """Training part and validation part: the last ``validation_fraction`` of the text, never read in training."""
    cut = round(len(ids) * (1 - validation_fraction))
    return ids[:cut], ids[cut:]


class TextTask:
    """Character-level language modelling on one text.

    Args:
        text: the corpus.
        sequence_length: T, characters per window.
        batch_size: B, windows per batch.
        stateful: the training text is cut into B streams that are read window after window, so that hidden
            state can be carried over; otherwise each batch is B random windows.
        validation_fraction: the last part of the text, for validation.
        seed: of the random windows.

    Raises:
        CorpusError: the text is too short for one window.
    """

    def __init__(
        self,
        text: str,
        *,
        sequence_length: int,
        batch_size: int,
        stateful: bool = True,
        validation_fraction: float = 0.1,
        seed: int = 1,
    ):
        self.vocabulary = Vocabulary(text)
        self.sequence_length, self.batch_size = sequence_length, batch_size
        self.stateful, self.seed = stateful, seed
        self.train_ids, self.validation_ids = split(self.vocabulary.encode(text), validation_fraction)
        self.digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self._check_length()
        self.windows = (len(self.train_ids) // batch_size - 1) // sequence_length if stateful else 0

    def _check_length(self) -> None:
        need = self.sequence_length + 1
        per_stream = len(self.train_ids) // self.batch_size if self.stateful else len(self.train_ids)
        if per_stream < need:
            fits = max(per_stream - 1, 1)
            raise CorpusError(
                f"the text is too short for sequence_length {self.sequence_length} with batch_size "
                f"{self.batch_size}: got {len(self.train_ids):,} training characters; use sequence_length {fits} or "
                "less, a smaller batch_size, or a longer text"
            )
        if len(self.validation_ids) < 2:
            raise CorpusError(
                f"the text leaves {len(self.validation_ids)} characters for validation; raise "
                "validation_fraction, or use a longer text"
            )

    @property
    def vocab_size(self) -> int:
        """V, the number of distinct characters."""
        return len(self.vocabulary)

    @property
    def floor_bits(self) -> float:
        """Bits per character of knowing nothing: log2 V."""
        return math.log2(self.vocab_size)

    def batch(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """The batch of a step (0, 1, ...): inputs and targets, int64 (T, B), and whether state starts anew.

        The state starts anew at the beginning of each pass over the text, and always when not stateful.
        """
        import torch

        length = self.sequence_length
        if self.stateful:
            window = step % self.windows
            stream = len(self.train_ids) // self.batch_size
            starts = np.arange(self.batch_size) * stream + window * length
            reset = window == 0
        else:
            generator = np.random.Generator(np.random.Philox(key=[self.seed, step]))
            starts = generator.integers(0, len(self.train_ids) - length, self.batch_size)
            reset = True
        index = np.arange(length + 1)[:, None] + starts[None, :]  # (T+1, B)
        ids = torch.from_numpy(self.train_ids[index])
        return ids[:-1], ids[1:], reset

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets, int64 (T, B), of the same validation text each time, in streams to carry state."""
        import torch

        ids, length = self.validation_ids, self.sequence_length
        length = min(length, len(ids) - 1)
        streams = max(1, min(self.batch_size, (len(ids) - 1) // length))
        size = len(ids) // streams
        windows = max(1, min((size - 1) // length, -(-VALIDATION_CHARACTERS // (streams * length))))
        starts = np.arange(streams) * size
        for window in range(windows):
            index = np.arange(length + 1)[:, None] + starts[None, :] + window * length
            chunk = torch.from_numpy(ids[np.minimum(index, len(ids) - 1)])
            yield chunk[:-1], chunk[1:]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats per character; logits (T, B, V), targets (T, B)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits.flatten(0, 1), targets.flatten())

    def primer(self, length: int) -> str:
        """Text to start a sample from: the first line break of the validation text and what follows it."""
        text = self.vocabulary.decode(self.validation_ids[: 4000 + length])
        start = text.find("\n") + 1
        return text[start : start + length] or text[:length]

"""Predicting the next character: vocabulary, split, batches, loss and floor.

Where a batch lies is a function of the step's number and the seed alone, so that a resumed run needs no
stored position and two runs with the same seed read the same text in the same order.

Shapes: N characters, T steps, B sequences, V vocabulary, S validation streams.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnncore.errors import CorpusError
from rnncore.tasks.base import own_choice

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.int64]

VALIDATION_STREAMS = 32
VALIDATION_LENGTH = 512
"""Characters predicted in each validation stream. The same whatever T and B are, so that runs compare."""
_SHOWN = 40


class Vocabulary:
    """The distinct characters of a corpus, sorted; an id is a character's place.

    All of the corpus counts, the validation part too: a model must be able to say every character. What is
    learned or counted (weights, n-grams) comes from the training part alone.
    """

    def __init__(self, text: str):
        self._codes = np.unique(_code_points(text)).astype(np.int64)
        self.characters = _text(self._codes)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str, name: str = "the text") -> Ids:
        """Characters → ids, (N,).

        Args:
            text: the characters.
            name: what the text is called in a refusal.

        Raises:
            CorpusError: a character that the corpus does not have.
        """
        codes = _code_points(text).astype(np.int64)
        known = np.isin(codes, self._codes, kind="table") if len(codes) else np.zeros(0, bool)
        if not known.all():
            unknown = _text(np.unique(codes[~known]))
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            raise CorpusError(
                f"{name} must have only characters that the corpus has, got {unknown[:_SHOWN]!r}{more}; leave them out"
            )
        return np.searchsorted(self._codes, codes).astype(np.int64)

    def decode(self, ids: Ids) -> str:
        """Ids (N,) → characters."""
        return _text(self._codes[ids])


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _text(codes: Ids) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def split(ids: Ids, validation_fraction: float) -> tuple[Ids, Ids]:
    """Training part and validation part: the last ``validation_fraction`` of the text, never read in training."""
    cut = round(len(ids) * (1 - validation_fraction))
    return ids[:cut], ids[cut:]


def validation_streams(ids: Ids) -> Ids:
    """Pieces of the validation text, evenly spread over it: (S, L+1), each to be read from a fresh state.

    In each, characters 1 ... L are predicted. The model and the n-gram baselines are scored on these very
    characters: over a text the difficulty varies more than a model improves in a minute.
    """
    length = min(VALIDATION_LENGTH, len(ids) - 1)
    streams = min(VALIDATION_STREAMS, len(ids) // (length + 1))
    starts = np.arange(streams) * (len(ids) // streams)
    return ids[starts[:, None] + np.arange(length + 1)]


class TextTask:
    """Character-level language modelling on one text.

    Args:
        text: the corpus.
        sequence_length: T, characters per window.
        batch_size: B, windows per batch.
        stateful: the training text is cut into B streams that are read window after window, so that hidden
            state can be carried over (what is left of a stream after its last whole window is not read);
            otherwise each batch is B random windows.
        validation_fraction: the last part of the text, for validation.
        seed: of the random windows; streams are the same for every seed.

    Raises:
        CorpusError: the text is too short for one window.
    """

    input_size: int | None = None

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
        self.output_size = len(self.vocabulary)
        self.train_ids, self.validation_ids = split(self.vocabulary.encode(text), validation_fraction)
        self.digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self._check_length(validation_fraction)
        self.floor = math.log(self.output_size)
        stream = len(self.train_ids) // batch_size
        self.windows = (stream - 1) // sequence_length if stateful else 0
        streams = self.train_ids[: batch_size * stream].reshape(batch_size, stream)
        self._streams = np.ascontiguousarray(streams.T) if stateful else streams  # (N/B, B): a batch is a view

    def _check_length(self, validation_fraction: float) -> None:
        size, length, batch = len(self.train_ids), self.sequence_length, self.batch_size
        if len(self.validation_ids) < 2:
            raise CorpusError(
                f"validation_fraction must leave at least 2 characters for validation, got "
                f"{validation_fraction:g} of {size + len(self.validation_ids):,} characters; raise it, or use a "
                "longer text"
            )
        streams = batch if self.stateful else 1
        if size // streams < length + 1:
            longest, widest = size // streams - 1, size // (length + 1)
            remedies = [f"use sequence_length {longest:,} or less"] * (longest >= 1)
            remedies += [f"use batch_size {widest:,} or less"] * (self.stateful and widest >= 1)
            remedies += [f"use a text of at least {self._least(validation_fraction):,} characters"]
            raise CorpusError(
                f"the text must hold one window of sequence_length {length} for each of batch_size {batch} "
                f"sequences, got {size:,} training characters; {', or '.join(remedies)}"
            )

    def _least(self, validation_fraction: float) -> int:
        """Characters of a text that surely holds one window for each stream, and 2 for validation."""
        streams = self.batch_size if self.stateful else 1
        train = streams * (self.sequence_length + 1)
        return math.ceil(max(train / (1 - validation_fraction), 2 / validation_fraction))

    @property
    def vocab_size(self) -> int:
        """V, the number of distinct characters."""
        return self.output_size

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
            chosen = self._streams[window * length : (window + 1) * length + 1]  # (T+1, B)
            reset = window == 0
        else:
            # counter-based: the step is part of the key, so that no position needs to be stored
            generator = np.random.Generator(np.random.Philox(key=[self.seed, step]))
            starts = generator.integers(0, len(self.train_ids) - length, self.batch_size)
            chosen = self.train_ids[np.arange(length + 1)[:, None] + starts[None, :]]
            reset = True
        ids = torch.from_numpy(chosen)
        return ids[:-1], ids[1:], reset

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets, int64 (≤T, S), of the same validation text each time; carry the state along.

        The first batch starts from a fresh state. The mean over all characters does not depend on T.
        """
        import torch

        ids = torch.from_numpy(np.ascontiguousarray(validation_streams(self.validation_ids).T))  # (L+1, S)
        inputs, targets = ids[:-1], ids[1:]
        yield from zip(inputs.split(self.sequence_length), targets.split(self.sequence_length), strict=True)

    def stretch(self, steps: int) -> Tensor:
        """The beginning of the validation text, ids (≤steps,)."""
        import torch

        return torch.from_numpy(self.validation_ids[:steps])

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats per character; logits (T, B, V), targets (T, B)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits.flatten(0, 1), targets.flatten())

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """The character that the logits (..., V) would feed back: ids (...)."""
        return own_choice(outputs, chance, temperature)

    def labels(self, inputs: Tensor) -> list[str]:
        """Ids (T,) as characters."""
        return list(self.vocabulary.decode(inputs.cpu().numpy()))

    def primer(self, length: int) -> str:
        """Text to start a sample from: the first line break of the validation text and what follows it."""
        text = self.vocabulary.decode(self.validation_ids[: 4000 + length])
        start = text.find("\n") + 1
        return text[start : start + length] or text[:length]

"""The lecture's three sentences, word by word: a language small enough that what is learned can be worked out.

Shapes: T places (the longest sentence and its stop), B sentences, V words, the stop and a word that never occurs
included.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnncore.lecture.structured_prediction import LECTURE, Ids
from rnncore.tasks.base import own_choice

if TYPE_CHECKING:
    from torch import Tensor

VALIDATION_SENTENCES = 1000


class SentencesTask:
    """Say one of three sentences with their probabilities: stops and words (T, B) in, the next words out.

    Sentences are drawn anew at each step. Validation is a thousand sentences in the language's own proportions, so
    that it has no error of sampling.

    Args:
        batch_size: B.
        seed: of which sentences are in a batch.
    """

    input_size: int | None = None
    stateful = False
    language = LECTURE

    def __init__(self, *, batch_size: int, seed: int = 1):
        self.batch_size, self.seed = batch_size, seed
        self.sequence_length, self.output_size = self.language.texts.shape[1], len(self.language.words)
        self.floor = math.log(self.output_size)
        held = repr((self.language.words, self.language.texts.tolist(), self.language.probabilities.tolist()))
        self.digest = hashlib.sha256(held.encode()).hexdigest()

    def batch(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """Inputs and targets of a step, int64 (T, B): the targets are sentences, an input is the word before."""
        # counter-based: the step is part of the key, so that no position needs to be stored
        generator = np.random.Generator(np.random.Philox(key=[self.seed, step]))
        chosen = generator.choice(len(self.language.texts), self.batch_size, p=self.language.probabilities)
        return *self._tensors(chosen), True

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """A thousand sentences, each as often as it should be said."""
        counts = np.round(self.language.probabilities * VALIDATION_SENTENCES).astype(int)
        yield self._tensors(np.repeat(np.arange(len(counts)), counts))

    def stretch(self, steps: int) -> Tensor:
        """The sentences one after the other, each after a stop, over and over, words (steps,)."""
        import torch

        lines = [[0, *text[:end].tolist()] for text, end in zip(self.language.texts, self.language.ends, strict=True)]
        ids = [word for line in lines for word in line]
        return torch.tensor((ids * (steps // len(ids) + 1))[:steps])

    def _tensors(self, chosen: Ids) -> tuple[Tensor, Tensor]:
        """Sentences (B,) → inputs and targets, (T, B)."""
        import torch

        targets = torch.from_numpy(np.ascontiguousarray(self.language.texts[chosen].T))
        return torch.cat([torch.zeros_like(targets[:1]), targets[:-1]]), targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats per word; outputs (T, B, V), targets (T, B)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs.flatten(0, 1), targets.flatten())

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """The word that the logits (..., V) would feed back: ids (...)."""
        return own_choice(outputs, chance, temperature)

    def labels(self, inputs: Tensor) -> list[str]:
        """Ids (T,) as words."""
        return [self.language.words[index] for index in inputs.tolist()]

"""What the tasks whose truth is known have in common: examples drawn anew at each step, and their examination.

An answer is asked for at some of the steps only. Elsewhere a target is ``IGNORE`` (choices, PyTorch's ``ignore_index``)
or nan (numbers), and neither the loss nor the score sees it. Sequences of several lengths in one batch are padded with
zeros at their end, where no answer is asked for: a recurrent network is causal, so padding changes nothing before it.
They are in the order of their length, and the first one has the full length.

Shapes: T steps, B sequences, D numbers read, K choices.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config import KnownTask
from rnncore.tasks.base import IGNORE, scored

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]
Choices = NDArray[np.int64]
Drawn = tuple[Floats, NDArray[Any]]
"""Inputs (T, B, D), and targets: choices (T, B) or numbers (T, B, K)."""

VALIDATION, EXAMINED, LENGTHS = 256, 64, 4
"""Sequences of the validation data; sequences of each length of the examination; how many of these are longer."""
_HELD_OUT = 1 << 40  # a key that no seed can be: what is examined is the same for all of them


@dataclass(frozen=True)
class Exam:
    """Sequences that are never trained on.

    Attributes:
        lengths: of each sequence, (B,), in the unit of the setting that says how far there is to remember.
        inputs: float32 (T, B, D).
        targets: int64 (T, B), or float32 (T, B, K).
    """

    lengths: Choices
    inputs: Tensor
    targets: Tensor


class DrawnTask(ABC):
    """Base of the tasks whose truth is known; see ``tasks.base.Task``.

    Args:
        config: the task's settings.
        batch_size: B.
        seed: of the training sequences.
    """

    stateful = False

    def __init__(self, config: KnownTask, *, batch_size: int, seed: int = 1):
        self.config, self.batch_size, self.seed = config, batch_size, seed
        self.sequence_length: int = config.sequence_length  # type: ignore[attr-defined]
        self.input_size: int | None = config.inputs
        self.output_size, self.floor = config.outputs, config.floor
        self.digest = hashlib.sha256(f"{config.model_dump_json()} 1".encode()).hexdigest()

    @abstractmethod
    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """So many sequences: as they are trained on, or all of one length."""

    @abstractmethod
    def symbols(self, inputs: Floats) -> list[str]:
        """What one sequence's inputs (T, D) are called under a chart."""

    @property
    def lengths(self) -> list[int]:
        """Of the examination, those of training first: some of both, evenly spread."""
        return [self.longest, *_between(self.longest, int(getattr(self.config, self.config.test_leaf)))]

    def batch(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """Sequences of a step, float32 (T, B, D), and what to answer; the state always starts anew."""
        # counter-based: the step is part of the key, so that no position needs to be stored
        generator = np.random.Generator(np.random.Philox(key=[self.seed, step]))
        return *tensors(self.draw(generator, self.batch_size)), True

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One batch as those of training, the same for every seed."""
        yield self._validation

    @cached_property
    def _validation(self) -> tuple[Tensor, Tensor]:
        return tensors(self.draw(held_out(0), VALIDATION))

    @cached_property
    def exams(self) -> list[Exam]:
        """The examination, one batch for each length."""
        return [
            Exam(np.full(EXAMINED, length), *tensors(self.draw(held_out(length), EXAMINED, length)))
            for length in self.lengths
        ]

    @property
    def longest(self) -> int:
        """The greatest length in training."""
        return int(getattr(self.config, self.config.length_leaf))

    def stretch(self, steps: int) -> Tensor:
        """Sequences that are never trained on, one after the other, (steps, D)."""
        import torch

        inputs, targets = tensors(self.draw(held_out(1), 8))
        asked = scored(targets)
        ends = [int(column.nonzero().max()) + 1 for column in asked.T]  # padding is nothing to read
        row = torch.cat([inputs[:end, n] for n, end in enumerate(ends)])
        return row.repeat(steps // len(row) + 1, 1)[:steps]

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over the answers, in nats."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=IGNORE)

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of each sequence, (B,): the share of its answers that are right.

        Args:
            inputs: what was read, (T, B, D); which answers count may depend on it.
            outputs: the network's, (T, B, K).
            targets: see ``draw``.
        """
        return share((outputs.argmax(-1) == targets), scored(targets))

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """Never asked for: what is answered is no input (see ``RunConfig``)."""
        raise NotImplementedError

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """What one sequence's targets are called; '' where none is asked for."""
        return ["" if answer == IGNORE else str(answer) for answer in targets.tolist()]

    def labels(self, inputs: Tensor) -> list[str]:
        """Inputs (T, D) or targets (T,) or (T, K) of one sequence, as they are called under a chart."""
        values = inputs.cpu().numpy()
        reads = inputs.is_floating_point() and inputs.dim() == 2 and inputs.shape[1] == self.input_size
        return self.symbols(values) if reads else self.answers(values)


def one_hot(ids: Choices, size: int) -> Floats:
    """Ids (T, B) → float32 (T, B, size); a row of zeros for an id below 0, which is padding."""
    table = np.vstack([np.eye(size, dtype=np.float32), np.zeros((1, size), np.float32)])
    return table[ids]


def share(right: Tensor, counted: Tensor) -> Tensor:
    """Of each sequence the share of what counts that is right: (T, B) and (T, B) → (B,)."""
    return (right & counted).sum(0) / counted.sum(0)


def last_only(answers: Choices, steps: int) -> Choices:
    """Answers (B,) at the last of so many steps, (T, B)."""
    targets = np.full((steps, len(answers)), IGNORE, np.int64)
    targets[-1] = answers
    return targets


def by_length(generator: np.random.Generator, count: int, longest: int, shortest: int = 1) -> Choices:
    """Lengths (count,), evenly drawn, in falling order; the first one is the longest there may be."""
    drawn = generator.integers(shortest, longest + 1, count)
    drawn[0] = longest
    return np.asarray(-np.sort(-drawn))


def shown_numbers(values: Floats) -> list[str]:
    """Numbers (T,) as short labels."""
    return ["" if math.isnan(value) else f"{value:.2g}" for value in values.tolist()]


def _between(trained: int, longest: int) -> list[int]:
    """Lengths beyond the trained one, evenly spread, the longest one last."""
    return sorted({round(trained + (longest - trained) * n / LENGTHS) for n in range(1, LENGTHS + 1)} - {trained})


def held_out(part: int) -> np.random.Generator:
    """Random numbers of a part of what is never trained on: the same for every seed of a run."""
    return np.random.Generator(np.random.Philox(key=[_HELD_OUT, part]))


def is_held_out(generator: np.random.Generator) -> bool:
    """Whether random numbers are those of what is never trained on: their key is no seed's."""
    key = generator.bit_generator.state["state"].get("key")
    return key is not None and int(key[0]) == _HELD_OUT


def tensors(drawn: Drawn) -> tuple[Tensor, Tensor]:
    """Arrays as torch has them."""
    import torch

    inputs, targets = drawn
    return torch.from_numpy(np.ascontiguousarray(inputs)), torch.from_numpy(np.ascontiguousarray(targets))

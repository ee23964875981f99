"""The face that all tasks have.

Where a batch lies is a function of the step's number and the seed alone, so that a resumed run needs no stored
position. Shapes: T steps, B sequences, V choices, D numbers a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Task(Protocol):
    """What is learned.

    Attributes:
        sequence_length: T.
        stateful: whether the hidden state is carried from one batch to the next.
        input_size: D where inputs are numbers (T, B, D); None where they are ids (T, B), one of ``output_size``.
        output_size: V choices, or D numbers, at each step.
        floor: the loss of knowing nothing, in the loss's unit.
        digest: of the data; a checkpoint is resumed only on the same.
    """

    sequence_length: int
    stateful: bool
    input_size: int | None
    output_size: int
    floor: float
    digest: str

    def batch(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """Inputs and targets of a step (0, 1, ...), and whether the hidden state starts anew."""

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets, the same each time and never trained on; the state is carried along them."""

    def stretch(self, steps: int) -> Tensor:
        """Inputs that are never trained on, (≤steps,) or (≤steps, D): the same each time, as long as there are."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over all steps and sequences where an answer is asked for (``scored``); outputs (T, B, V or D)."""

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """What the outputs (..., V or D) would feed back in place of the truth.

        ``chance`` (...) is uniform in [0, 1), one number a choice; ``temperature`` 0 takes the likeliest.
        """

    def labels(self, inputs: Tensor) -> list[str]:
        """What one sequence's inputs or targets, (T,) or (T, D), are called under a chart."""


IGNORE = -100
"""A choice that nobody is asked to make, as in PyTorch's ``cross_entropy``; of numbers, nan."""


def scored(targets: Tensor) -> Tensor:
    """Where an answer is asked for, (T, B); targets are choices (T, B) or numbers (T, B, D)."""
    return ~targets.isnan().any(-1) if targets.is_floating_point() else targets != IGNORE


def own_choice(outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
    """A choice by logits (..., V), for tasks whose outputs are such: ids (...)."""
    from rnncore.tasks.drawing import draw

    if temperature == 0:
        return outputs.argmax(-1)
    return draw((outputs / temperature).softmax(-1), chance)

"""The adding problem: two of many numbers are marked, and their sum is asked for at the end.

Source: Hochreiter & Schmidhuber 1997, "Long short-term memory", experiment 4; here in the form of Le et al. 2015,
arXiv:1504.00941: numbers uniform in [0, 1), one mark in each half, mean squared error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnncore.tasks.base import scored
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, shown_numbers

if TYPE_CHECKING:
    from torch import Tensor


class AddingTask(DrawnTask):
    """A number and its mark at each step, (T, B, 2); at the last one the sum of the two that are marked, (T, B, 1)."""

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """One mark in each half of the sequence."""
        steps = length or self.sequence_length
        numbers = generator.random((steps, count), dtype=np.float32)
        marks = np.zeros((steps, count), np.float32)
        every, half = np.arange(count), steps // 2
        first, second = generator.integers(0, half, count), generator.integers(half, steps, count)
        marks[first, every] = marks[second, every] = 1
        targets = np.full((steps, count, 1), np.nan, np.float32)
        targets[-1, :, 0] = numbers[first, every] + numbers[second, every]
        return np.stack([numbers, marks], -1), targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of the answers."""
        asked = scored(targets)
        return (outputs[asked] - targets[asked]).square().mean()

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Squared errors."""
        return (outputs - targets)[-1, :, 0].square()

    def symbols(self, inputs: Floats) -> list[str]:
        """The numbers, those that count in brackets."""
        marked = inputs[:, 1] > 0
        return [f"[{one}]" if mark else one for one, mark in zip(shown_numbers(inputs[:, 0]), marked, strict=True)]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The sum."""
        return shown_numbers(targets[:, 0])

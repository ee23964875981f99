"""The sign of a sum: do the numbers read add up to more than 0, however many they are?

The lecture's opening question, "what if inputs have variable size", as a task.
"""

from __future__ import annotations

import numpy as np

from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, by_length, shown_numbers


class SignOfSumTask(DrawnTask):
    """1 to T standard normal numbers, (T, B, 1); at the last one of each sequence, whether their sum is above 0."""

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Lengths are evenly drawn."""
        sizes = by_length(generator, count, self.sequence_length) if length is None else np.full(count, length)
        steps = int(sizes.max())
        numbers = generator.standard_normal((steps, count)).astype(np.float32)
        numbers[np.arange(steps)[:, None] >= sizes] = 0
        targets = np.full((steps, count), IGNORE, np.int64)
        targets[sizes - 1, np.arange(count)] = numbers.sum(0) > 0
        return numbers[..., None], targets

    def symbols(self, inputs: Floats) -> list[str]:
        """The numbers."""
        return shown_numbers(inputs[:, 0])

    @property
    def lengths(self) -> list[int]:
        """Some of the trained ones too."""
        trained = self.sequence_length
        return sorted({max(1, round(trained * part)) for part in (0.25, 0.5, 0.75)} | set(super().lengths))

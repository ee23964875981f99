"""Delayed recall: a symbol, then a distractor at each step, and at the last one the question which symbol it was."""

from __future__ import annotations

import numpy as np

from rnncore.config.known_tasks import DelayedRecallTask as Settings
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, last_only, one_hot


class DelayedRecallTask(DrawnTask):
    """The symbol, then T-1 times the same distractor, one-hot (T, B, symbols+1); the answer is asked for at the end."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Symbols are equally frequent."""
        steps = length or self.sequence_length
        first = generator.integers(0, self.config.symbols, count)
        ids = np.full((steps, count), self.config.symbols)
        ids[0] = first
        return one_hot(ids, self.config.inputs), last_only(first, steps)

    def symbols(self, inputs: Floats) -> list[str]:
        """Numbers of the symbols, a dot for the distractor."""
        return [str(one) if one < self.config.symbols else "·" for one in inputs.argmax(-1).tolist()]

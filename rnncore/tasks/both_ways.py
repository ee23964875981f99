"""Both neighbours: y_t = x_{t-1} AND x_{t+1}, for fair bits; beyond the ends there are zeros.

A network that reads the past knows x_{t-1} and may only guess x_{t+1}: its loss cannot fall below ½ ln 2 at an inner
step (ln 2 in the half of the cases in which x_{t-1} = 1). One that reads both ways can know every answer.
"""

from __future__ import annotations

import numpy as np

from rnncore.tasks.drawn import Drawn, DrawnTask, Floats


class BothWaysTask(DrawnTask):
    """Bits as -1 and 1, (T, B, 1); an answer at each step, (T, B)."""

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Bits are equally frequent."""
        bits = generator.integers(0, 2, (length or self.sequence_length, count))
        beside = np.pad(bits, ((1, 1), (0, 0)))
        return (2 * bits - 1).astype(np.float32)[..., None], beside[:-2] & beside[2:]

    @property
    def longest(self) -> int:
        """All sequences have one length."""
        return self.sequence_length

    @property
    def lengths(self) -> list[int]:
        """The same."""
        return [self.sequence_length]

    def symbols(self, inputs: Floats) -> list[str]:
        """The bits."""
        return ["1" if one > 0 else "0" for one in inputs[:, 0].tolist()]

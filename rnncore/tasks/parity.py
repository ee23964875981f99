"""Parity: after each bit, whether the number of ones so far is odd. Two states do; only their flips must be exact."""

from __future__ import annotations

import numpy as np

from rnncore.tasks.drawn import Drawn, DrawnTask, Floats


class ParityTask(DrawnTask):
    """Bits as -1 and 1, (T, B, 1), and an answer at each step: training sees every length up to T at once."""

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Bits are equally frequent."""
        bits = generator.integers(0, 2, (length or self.sequence_length, count))
        return (2 * bits - 1).astype(np.float32)[..., None], bits.cumsum(0) % 2

    def symbols(self, inputs: Floats) -> list[str]:
        """The bits."""
        return ["1" if one > 0 else "0" for one in inputs[:, 0].tolist()]

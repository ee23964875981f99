"""Temporal order: X or Y early, X or Y in the middle, noise elsewhere; which of the four orders was it?

Source: Hochreiter & Schmidhuber 1997, "Long short-term memory", experiment 6a.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, last_only, one_hot

NOISE = "abcd"


class TemporalOrderTask(DrawnTask):
    """Four kinds of noise, X and Y, one-hot (T, B, 6); at the last step one of XX, XY, YX and YY."""

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """The first one between T/10 and 2T/10, the second one between 5T/10 and 6T/10."""
        steps = length or self.sequence_length
        tenth, every = steps / 10, np.arange(count)
        ids = generator.integers(0, len(NOISE), (steps, count))
        first, second = generator.integers(0, 2, (2, count))
        ids[generator.integers(round(tenth), round(2 * tenth), count), every] = len(NOISE) + first
        ids[generator.integers(round(5 * tenth), round(6 * tenth), count), every] = len(NOISE) + second
        return one_hot(ids, self.config.inputs), last_only(2 * first + second, steps)

    def symbols(self, inputs: Floats) -> list[str]:
        """Letters."""
        return [(NOISE + "XY")[one] for one in inputs.argmax(-1).tolist()]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The order, in letters."""
        return ["" if one == IGNORE else ("XX", "XY", "YX", "YY")[one] for one in targets.tolist()]

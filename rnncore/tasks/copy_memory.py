"""Copy memory: ten symbols, a pause, a sign, and then the ten symbols again.

Source: Hochreiter & Schmidhuber 1997; here in the form of Arjovsky et al. 2016, arXiv:1511.06464.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnncore.config.known_tasks import CopyMemoryTask as Settings
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, one_hot, share

if TYPE_CHECKING:
    from torch import Tensor


class CopyMemoryTask(DrawnTask):
    """Ten of eight symbols, ``delay``-1 pauses, the sign, ten pauses, one-hot (T, B, 10); an answer at each step:
    the pause, and at the last ten steps the symbols."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """``length`` is the delay."""
        copied, pause = self.config.copied, self.config.symbols
        steps = (length or self.config.delay) + 2 * copied
        wanted = generator.integers(0, self.config.symbols, (copied, count))
        ids, targets = np.full((2, steps, count), pause)
        ids[:copied], ids[-copied - 1], targets[-copied:] = wanted, pause + 1, wanted
        return one_hot(ids, self.config.inputs), targets

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of the symbols that are copied rightly: the pauses are no merit."""
        return share(outputs.argmax(-1) == targets, targets < self.config.symbols)

    def symbols(self, inputs: Floats) -> list[str]:
        """Numbers of the symbols, a dot for the pause, an arrow for the sign."""
        names = [*map(str, range(self.config.symbols)), "·", "→"]
        return [names[one] for one in inputs.argmax(-1).tolist()]

    def answers(self, targets: Floats) -> list[str]:
        """The same."""
        return [str(one) if one < self.config.symbols else "·" for one in targets.tolist()]

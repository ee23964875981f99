"""Counting: aⁿbⁿ, symbol by symbol.

Source: Gers & Schmidhuber 2001; which cells can count: Weiss, Goldberg, Yahav 2018, arXiv:1805.04908. A string counts
as accepted if each symbol that is determined by those before it is predicted rightly: from the first b on, all of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.known_tasks import AnbnTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Choices, Drawn, DrawnTask, Exam, Floats, by_length, one_hot, tensors

if TYPE_CHECKING:
    from torch import Tensor

A, B, END = range(3)
NAMES = ("a", "b", "■")


class AnbnTask(DrawnTask):
    """The end, n times a, n times b, one-hot (T, B, 3), n evenly drawn; the next symbol at each step, the end last."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """``length`` is n."""
        if length is None:
            return strings(by_length(generator, count, self.config.n_max))
        return strings(np.full(count, length))

    @cached_property
    def exams(self) -> list[Exam]:
        """Each n once: there is only one string of it."""
        every = np.arange(1, self.config.n_test + 1)
        return [Exam(every, *tensors(strings(every)))]

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 for a string that is accepted, 0 for another one."""
        determined = (inputs[..., B] > 0) & (targets != IGNORE)
        return ((outputs.argmax(-1) == targets) | ~determined).all(0).float()

    def symbols(self, inputs: Floats) -> list[str]:
        """a, b, and a square for the end; nothing for padding."""
        return [NAMES[int(row.argmax())] if row.any() else "" for row in inputs]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The same."""
        return ["" if one == IGNORE else NAMES[one] for one in targets.tolist()]


def strings(n: Choices) -> Drawn:
    """Strings of so many a and b, and their next symbols, padded at the end."""
    place = np.arange(2 * n.max() + 2)[:, None]
    symbols = np.where(place == 0, END, np.where(place <= n, A, np.where(place <= 2 * n, B, END)))
    over = place > 2 * n + 1
    return one_hot(np.where(over[1:], -1, symbols[:-1]), 3), np.where(over[1:], IGNORE, symbols[1:])

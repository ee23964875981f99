"""Brackets of several kinds, rightly nested: the language Dyck-n, of bounded depth.

Source: Hewitt et al. 2020, arXiv:2010.07515 (Dyck-(k, m)). Scored where a bracket has to be closed: whether, among the
closing ones, the right kind is likeliest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.known_tasks import DyckTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Choices, Drawn, DrawnTask, Floats, by_length, one_hot, share

if TYPE_CHECKING:
    from torch import Tensor

OPENING, CLOSING = "([{<⟨⟦⌈⌊", ")]}>⟩⟧⌉⌋"


class DyckTask(DrawnTask):
    """The end, a string of brackets, one-hot (T, B, 2k+1); the next symbol at each step, the end last.

    Symbols: k opening brackets, their closing ones, the end.
    """

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """``length`` is the number of steps; strings are of even size, so that one step may be left over."""
        longest = ((length or self.sequence_length) - 1) // 2
        pairs = by_length(generator, count, longest) if length is None else np.full(count, longest)
        symbols = nested(generator, pairs, self.config.pairs, self.config.depth)
        end, place = 2 * self.config.pairs, np.arange(len(symbols) + 1)[:, None]
        fill = np.full((1, count), end)
        after = np.concatenate([symbols, fill])
        targets = np.where(place < 2 * pairs, after, np.where(place == 2 * pairs, end, IGNORE))
        before = np.concatenate([fill, symbols])
        return one_hot(np.where(place <= 2 * pairs, before, -1), self.config.inputs), targets

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of the closing brackets whose kind is right."""
        kinds = self.config.pairs
        closing = (targets >= kinds) & (targets < 2 * kinds)
        return share(outputs[..., kinds : 2 * kinds].argmax(-1) + kinds == targets, closing)

    def symbols(self, inputs: Floats) -> list[str]:
        """Brackets, and a square for the end; nothing for padding."""
        return [self._names[int(row.argmax())] if row.any() else "" for row in inputs]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The same."""
        return ["" if one == IGNORE else self._names[one] for one in targets.tolist()]

    @property
    def _names(self) -> str:
        return OPENING[: self.config.pairs] + CLOSING[: self.config.pairs] + "■"


def nested(generator: np.random.Generator, pairs: Choices, kinds: int, depth: int) -> Choices:
    """Strings of so many pairs (B,), (2·most, B): a coin decides between opening and closing where both may be.

    What lies behind a string's end is 0.
    """
    steps, count = 2 * int(pairs.max()), len(pairs)
    coins, drawn = generator.random((steps, count)) < 0.5, generator.integers(0, kinds, (steps, count))
    found, every = np.zeros((steps, count), np.int64), np.arange(count)
    stack, height = np.zeros((depth + 1, count), np.int64), np.zeros(count, np.int64)
    for t in range(steps):
        inside = t < 2 * pairs
        must_open, must_close = height == 0, (height == depth) | (height >= 2 * pairs - t)
        opens = inside & ~must_close & (must_open | coins[t])
        closes = inside & ~opens
        stack[height, every] = np.where(opens, drawn[t], stack[height, every])
        height = height + opens
        found[t] = np.where(opens, drawn[t], np.where(closes, kinds + stack[height - 1, every], 0))
        height = height - closes
    return found

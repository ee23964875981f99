"""Captions: a picture of one to three handwritten digits is read once, and their names are written letter by letter.

One to many, as in Vinyals et al. 2015, "Show and tell", arXiv:1411.4555, with the images of ``digits.py`` side by side,
in order, each at a random place of an 8×24 canvas. At the first step the picture is read and no letter; at every later
one no picture, only the letter before. Nothing is asked for after the stop, and nothing is read there.

Images that are examined never occur in training: generators of ``held_out`` draw from the first ``HELD_OUT`` images,
all others from the rest.

Shapes: T = 6 · most digits, D = 192 pixels + 17 letters, K = 17.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.shapes.captions import CaptionsTask as Settings
from rnncore.tasks.base import IGNORE, own_choice, scored
from rnncore.tasks.digits import HELD_OUT, images_and_digits
from rnncore.tasks.drawn import Choices, Drawn, DrawnTask, Floats, is_held_out, one_hot

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 8
"""Rows and columns of a digit."""


class CaptionsTask(DrawnTask):
    """The picture, then the letter before, (T, B, 192 + 17); the next letter, (T, B), up to the stop."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """1 to ``most`` digits, evenly drawn, the longest caption first; ``length`` is the only one there is."""
        most, (rows, columns) = self.config.most, self.config.picture
        images, digits = images_and_digits()
        low, high = (0, HELD_OUT) if is_held_out(generator) else (HELD_OUT, len(digits))
        sizes = generator.integers(1, most + 1, count)
        chosen = generator.integers(low, high, (count, most))
        sizes[0], chosen[0] = most, self._long(generator, digits[low:high]) + low
        used = np.arange(most) < sizes[:, None]

        # sorted gaps in what is left of the canvas; digits that are not used lie beyond it, and are cut off
        gaps = generator.integers(0, columns - SIDE * sizes[:, None] + 1, (count, most))
        left = np.sort(np.where(used, gaps, columns), 1) + SIDE * np.arange(most)
        canvas = np.zeros((count, rows, columns + SIDE * most), np.float32)
        side = np.arange(SIDE)
        places = (np.arange(count)[:, None, None, None], side[:, None], left[:, :, None, None] + side)
        canvas[places] = images[chosen].reshape(count, most, SIDE, SIDE)

        targets = _captions(most)[_numbers(digits[chosen], used)].T
        order = np.argsort(-(targets != IGNORE).sum(0), kind="stable")
        canvas, targets = canvas[order, :, :columns], targets[:, order]
        inputs = np.zeros((len(targets), count, self.config.inputs), np.float32)
        inputs[0, :, : rows * columns] = canvas.reshape(count, -1)
        before = np.where(targets[1:] == IGNORE, -1, targets[:-1])
        inputs[1:, :, rows * columns :] = one_hot(before, self.config.outputs)
        return inputs, targets

    def _long(self, generator: np.random.Generator, digits: Choices) -> Choices:
        """Where digits with the longest names are: a batch's first caption has the full length."""
        sizes = np.array([len(name) for name in self.config.names])[digits]
        (places,) = np.nonzero(sizes == sizes.max())
        return np.asarray(places[generator.integers(0, len(places), self.config.most)])

    @property
    def longest(self) -> int:
        """All pictures have one size."""
        return self.sequence_length

    @property
    def lengths(self) -> list[int]:
        """The same."""
        return [self.sequence_length]

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of each caption, (B,): 1 where all of its letters and the stop are right, else 0."""
        return ((outputs.argmax(-1) == targets) | ~scored(targets)).all(0).float()

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """The letter that the logits (..., 17) would feed back, with no picture before it: (..., 192 + 17)."""
        from torch.nn.functional import one_hot, pad

        letters = one_hot(own_choice(outputs, chance, temperature), self.config.outputs)
        return pad(letters.to(outputs.dtype), (self.config.inputs - self.config.outputs, 0))

    def symbols(self, inputs: Floats) -> list[str]:
        """'picture', then the letters before; '' after the stop."""
        letters = inputs[:, -self.config.outputs :]
        return [
            self._shown(int(row.argmax())) if row.any() else "" if t else "picture" for t, row in enumerate(letters)
        ]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The letters."""
        return ["" if one == IGNORE else self._shown(one) for one in targets.tolist()]

    def _shown(self, letter: int) -> str:
        return self.config.alphabet[letter].replace(self.config.space, "␣")

    def caption(self, targets: NDArray[Any] | Tensor) -> str:
        """Letters (T,), asked for or answered, as words: up to the stop, without it."""
        letters = [self.config.alphabet[one] for one in targets.tolist() if one != IGNORE]
        return "".join(itertools.takewhile(lambda letter: letter != self.config.stop, letters))


def _numbers(digits: Choices, used: NDArray[np.bool_]) -> Choices:
    """Rows of ``_captions`` for digits (B, most), of which the first few of each row are used."""
    number, sizes = np.zeros(len(digits), np.int64), used.sum(1)
    for column, counts in zip(digits.T, used.T, strict=True):
        number = np.where(counts, 10 * number + column, number)
    return np.asarray((10**sizes - 10) // 9 + number)


@cache
def _captions(most: int) -> Choices:
    """Every caption there is, (10 + 100 + ..., T): those of one digit first, in the order of their digits."""
    settings = Settings(most=most)
    rows = [row for size in range(1, most + 1) for row in itertools.product(settings.names, repeat=size)]
    table = np.full((len(rows), settings.sequence_length), IGNORE, np.int64)
    for n, row in enumerate(rows):
        text = settings.space.join(row) + settings.stop
        table[n, : len(text)] = [settings.alphabet.index(letter) for letter in text]
    return table

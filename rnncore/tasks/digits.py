"""Handwritten digits in pieces: scikit-learn's 8×8 images, row by row or pixel by pixel.

Data: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository 1998; 1,797
images, as they come with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from rnncore.tasks.drawn import Choices, Drawn, DrawnTask, Exam, Floats, last_only, tensors

if TYPE_CHECKING:
    from torch import Tensor

HELD_OUT = 360
"""Images that are never trained on, a fifth; the same ones for every seed."""


class DigitsTask(DrawnTask):
    """Brightness from 0 to 1, (8, B, 8) or (64, B, 1); the digit is asked for at the last step."""

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Any of the images that are trained on."""
        images, digits = images_and_digits()
        chosen = generator.integers(HELD_OUT, len(digits), count)
        return self._read(images[chosen], digits[chosen])

    def _read(self, images: Floats, digits: Choices) -> Drawn:
        pieces = images.reshape(len(images), self.sequence_length, -1)
        return pieces.swapaxes(0, 1), last_only(digits, self.sequence_length)

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """All that are held out."""
        (exam,) = self.exams
        yield exam.inputs, exam.targets

    @cached_property
    def exams(self) -> list[Exam]:
        """The same: images have one size."""
        images, digits = images_and_digits()
        size = np.full(HELD_OUT, self.sequence_length)
        return [Exam(size, *tensors(self._read(images[:HELD_OUT], digits[:HELD_OUT])))]

    @property
    def longest(self) -> int:
        """All images have one size."""
        return self.sequence_length

    def stretch(self, steps: int) -> Tensor:
        """Images that are held out, one after the other."""
        (exam,) = self.exams
        row = exam.inputs.transpose(0, 1).flatten(0, 1)
        return row.repeat(steps // len(row) + 1, 1)[:steps]

    def symbols(self, inputs: Floats) -> list[str]:
        """Numbers of the rows or pixels."""
        return [str(t + 1) for t in range(len(inputs))]


@cache
def images_and_digits() -> tuple[Floats, Choices]:
    """Images (1797, 64) and digits (1797,), in an order of their own, the same each time."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    order = np.random.Generator(np.random.Philox(key=1)).permutation(len(digits))
    return (images[order] / 16).astype(np.float32), digits[order].astype(np.int64)

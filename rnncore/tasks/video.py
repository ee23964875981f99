"""The next frame of a film, and as many more as one likes.

Two scenes. ``square``: two by two bright pixels on a torus of 12×12, that go on by a pixel in one of eight directions.
``digits``: two of the handwritten digits of ``digits.py`` in a box of 16×16, that bounce off its walls, after
Srivastava et al. 2015, "Unsupervised learning of video representations using LSTMs", arXiv:1502.04681; where they
overlap, the brighter pixel counts. The first frame tells no velocity: the answer to it is not asked for.

What is examined never occurs in training: generators of ``held_out`` (see ``drawn.is_held_out``) draw squares that
begin in a corner of the torus which no film of training enters at any of its frames, or the first ``HELD_OUT`` images;
all others draw from the rest.

Shapes: T frames, B films, N pixels (144 or 256); inputs and targets are (T, B, N), of brightness 0 to 1.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from rnncore.config.shapes.video import VideoTask as Settings
from rnncore.tasks.base import scored
from rnncore.tasks.digits import HELD_OUT, images_and_digits
from rnncore.tasks.drawn import Choices, Drawn, DrawnTask, Floats, is_held_out

if TYPE_CHECKING:
    from torch import Tensor

VELOCITIES = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x])
"""Rows and columns a frame."""
SIDE, DIGIT = 12, 8
"""Pixels round the torus; pixels of a digit."""
CORNER = 5
"""Rows and columns of the corner that no film of training ever enters: 25 places of 144."""


class VideoTask(DrawnTask):
    """Frames (T, B, N) and the ones that follow, (T, B, N); nan for the one that follows the first."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Films of one frame more than are read."""
        frames = self.clip(generator, count, (length or self.sequence_length) + 1)
        targets = frames[1:].copy()
        targets[0] = np.nan
        return frames[:-1], targets

    def clip(self, generator: np.random.Generator, count: int, length: int) -> Floats:
        """Films, (length, B, N). The same random numbers give the same ones at any length: longer ones go on."""
        held = is_held_out(generator)
        return _squares(generator, count, length, held) if self._wraps else _digits(generator, count, length, held)

    @property
    def _wraps(self) -> bool:
        return self.config.scene == "square"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean binary cross-entropy over the pixels of the frames that are asked for, in nats; outputs are logits."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        asked = scored(targets)
        return binary_cross_entropy_with_logits(outputs[asked], targets[asked])

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of each film, (B,): intersection over union of what is and what should be brighter than half, mean of T."""
        return mean_overlap(outputs.sigmoid(), targets)

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """The frame that is predicted: there is nothing to draw."""
        return outputs.sigmoid()

    def symbols(self, inputs: Floats) -> list[str]:
        """Numbers of the frames, also of those that are answered; '' where none is."""
        return ["" if np.isnan(frame).any() else str(t + 1) for t, frame in enumerate(inputs)]


def overlap(found: Tensor, wanted: Tensor) -> Tensor:
    """Intersection over union of what is brighter than half, (..., N) → (...); two empty frames are the same."""
    found, wanted = found > 0.5, wanted > 0.5
    union = (found | wanted).sum(-1)
    return ((found & wanted).sum(-1) / union.clamp(min=1)).where(union > 0, 1.0)


def mean_overlap(found: Tensor, targets: Tensor) -> Tensor:
    """Of frames (T, B, N), the mean over those that are asked for, (B,)."""
    asked = scored(targets)
    return (overlap(found, targets) * asked).sum(0) / asked.sum(0)


def _squares(generator: np.random.Generator, count: int, length: int, held: bool) -> Floats:
    """Films of the square: those that begin in the corner that is held out, or those that never come there."""
    films = _films(length, held)
    starts, velocities = films[generator.integers(0, len(films), count)].T
    rows, columns = _moved(np.stack(np.divmod(starts, SIDE)), VELOCITIES[velocities].T, length) % SIDE
    return np.asarray(_torus()[rows * SIDE + columns])


@cache
def _films(length: int, held: bool) -> Choices:
    """Starting place and velocity of each film, (F, 2)."""
    places = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE))  # (2, 144)
    every = places[:, None, :, None] + np.arange(length)[:, None, None] * VELOCITIES.T[:, None, None, :]
    there = ((every % SIDE) < CORNER).all(0)  # (length, 144, 8)
    chosen = there[0] if held else ~there.any(0)
    return np.argwhere(chosen)


@cache
def _torus() -> Floats:
    """What the square looks like at each of the places, (144, 144)."""
    corner = np.zeros((SIDE, SIDE), np.float32)
    corner[:2, :2] = 1
    return np.stack([np.roll(corner, place, (0, 1)).flatten() for place in np.ndindex(SIDE, SIDE)])


def _digits(generator: np.random.Generator, count: int, length: int, held: bool) -> Floats:
    """Films of two digits, of images of one part or the other."""
    windows = _windows()
    low, high = (0, HELD_OUT) if held else (HELD_OUT, len(windows))
    images = generator.integers(low, high, (2, count))
    room = windows.shape[1] - 1  # places from wall to wall, less one
    # to the other wall and back is once round a circle; evenly drawn on it, it is so at each frame
    starts = generator.integers(0, 2 * room, (2, 2, count))
    velocities = VELOCITIES[generator.integers(0, len(VELOCITIES), (2, count))]
    round_ = _moved(starts, np.moveaxis(velocities, -1, 0), length) % (2 * room)
    rows, columns = room - np.abs(room - round_)
    both = windows[images, room - rows, room - columns]  # (length, 2, B, 16, 16)
    return np.asarray(np.maximum(both[:, 0], both[:, 1]).reshape(length, count, -1))


@cache
def _windows() -> Floats:
    """Views (1797, 9, 9, 16, 16) of each digit in an empty frame, furthest from the upper left corner first."""
    images, _ = images_and_digits()
    room = DIGIT  # a frame is twice as wide as a digit
    padded = np.pad(images.reshape(-1, DIGIT, DIGIT), ((0, 0), (room, room), (room, room)))
    return np.lib.stride_tricks.sliding_window_view(padded, (2 * DIGIT, 2 * DIGIT), (1, 2))


def _moved(starts: Choices, velocities: Choices, length: int) -> Choices:
    """Places (2, length, ...) from starts and velocities (2, ...)."""
    t = np.arange(length).reshape(-1, *[1] * (starts.ndim - 1))
    return np.asarray(starts[:, None] + t * velocities[:, None])

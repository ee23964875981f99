"""Kinds of motion: a clip of a small shape on a torus, and at its end the question how the shape moved.

Many to one, as in the classification of videos (Karpathy 2015, "The unreasonable effectiveness of recurrent neural
networks", the third of its drawings). A shape has a place, a size and an angle, each evenly drawn from a circle: places
wrap round, the largest size is followed by the smallest, and angles are angles. A motion is so much on one of these
circles at each step, forwards or backwards. Wherever a clip begins, each of its frames is drawn from the same
distribution whatever the motion, so that one frame alone tells nothing.

Places, sizes and angles are real numbers: there is no end of clips, and none of the examination occurs in training.

Shapes: T = 12 frames, D = 144 pixels, K = 8 motions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.shapes.motion import MotionTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, last_only

SIDE = Settings.picture[0]
"""Pixels round the torus, either way."""
SMALL, LARGE = 2.0, 3.8
"""Half the side of a shape, in pixels; its corners come no further than half round the torus."""
GROWTH, TURN = 1 / 6, np.pi / 8
"""Share of the way from small to large and back, and angle, at each step: a quarter turn of a square takes four."""
SQUARE, CROSS, BAR = range(3)
_X, _Y, _SIZE, _ANGLE = range(4)
_MOVES = [
    (_X, -1.0), (_X, 1.0), (_Y, -1.0), (_Y, 1.0), (_SIZE, GROWTH), (_SIZE, -GROWTH), (_ANGLE, TURN), (_ANGLE, -TURN),
]  # fmt: skip
"""Of each motion: what changes, and by how much; rows count downwards, and left turns are positive angles."""
_ROUND = np.array([SIDE, SIDE, 1, 2 * np.pi])
"""Once round each of the circles."""


class MotionTask(DrawnTask):
    """Frames of brightness 0 to 1, (12, B, 144); the motion is asked for at the last step."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Motions, shapes, places, sizes and angles are evenly drawn."""
        steps = length or self.sequence_length
        motions = generator.integers(0, len(_MOVES), count)
        shapes = generator.integers(0, len(self.config.shapes), count)
        starts = generator.random((4, count)) * _ROUND[:, None]
        moves = np.zeros((4, count))
        for motion, (part, size) in enumerate(_MOVES):
            moves[part, motions == motion] = size
        x, y, size, angle = np.moveaxis(starts + np.arange(steps)[:, None, None] * moves, 1, 0)
        frames = rendered(shapes, x, y, SMALL + (LARGE - SMALL) * (size % 1), angle)
        return noisy(frames, generator, self.config.noise), last_only(motions, steps)

    @property
    def longest(self) -> int:
        """All clips have one length."""
        return self.sequence_length

    @property
    def lengths(self) -> list[int]:
        """The same."""
        return [self.sequence_length]

    def symbols(self, inputs: Floats) -> list[str]:
        """Numbers of the frames."""
        return [str(t + 1) for t in range(len(inputs))]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The motion."""
        return ["" if one == IGNORE else self.config.motions[one] for one in targets.tolist()]


def rendered(shapes: NDArray[Any], x: NDArray[Any], y: NDArray[Any], size: NDArray[Any], angle: NDArray[Any]) -> Floats:
    """Frames (T, B, 144) of a shape each, with soft edges, on a torus.

    Args:
        shapes: ``SQUARE``, ``CROSS`` or ``BAR``, (B,).
        x, y: columns and rows of the centres, (T, B); they wrap round.
        size: half the side, in pixels, (T, B).
        angle: by which it is turned to the left, in radians, (T, B).
    """
    pixels = np.arange(SIDE, dtype=np.float32)
    right, up = _nearest(pixels - _spread(x, 1)), -_nearest(pixels - _spread(y, 1))
    right, up = right[..., None, :], up[..., None]
    along, across, size = np.abs(right), np.abs(up), _spread(size, 2)
    if angle.any():
        cosine, sine = _spread(np.cos(angle), 2), _spread(np.sin(angle), 2)
        along, across = np.abs(cosine * right + sine * up), np.abs(cosine * up - sine * right)
    narrow = np.where(_spread(shapes, 2) == SQUARE, size, size / 3)
    outside = np.maximum(along - size, across - narrow)  # pixels to the nearest edge, negative within
    crossed = shapes == CROSS
    if crossed.any():  # a second bar across the first
        second = np.maximum(along[:, crossed] - narrow[:, crossed], across[:, crossed] - size[:, crossed])
        outside[:, crossed] = np.minimum(outside[:, crossed], second)
    return np.asarray(np.clip(0.5 - outside, 0, 1).reshape(*x.shape, SIDE * SIDE))


def noisy(frames: Floats, generator: np.random.Generator, noise: float) -> Floats:
    """Frames with normal noise of such a standard deviation on each pixel, kept between 0 and 1."""
    if noise:
        frames = frames + np.float32(noise) * generator.standard_normal(frames.shape, np.float32)
    return np.clip(frames, 0, 1)


def _nearest(offsets: Floats) -> Floats:
    """The shorter way round the torus, -6 to 6."""
    return (offsets + SIDE / 2) % SIDE - SIDE / 2


def _spread(values: NDArray[Any], axes: int) -> Floats:
    """Values, with so many axes of one element behind them."""
    return values.astype(np.float32).reshape(*values.shape, *[1] * axes)

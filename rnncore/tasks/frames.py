"""Labels of frames: a clip of a shape that does something else every few frames; at each one, what and what it does.

Many to many, in step, as in the labelling of every frame of a video (Karpathy 2015, "The unreasonable effectiveness of
recurrent neural networks", the last of its drawings). A square or a cross stands, or moves by a pixel a frame, on a
torus. The label of a frame says how it came from the one before; the first one came from nowhere, and stands. The shape
can be told from one frame, the motion from two.

Places and sizes are real numbers: there is no end of clips, and none of the examination occurs in training.

Shapes: T = 20 frames, D = 144 pixels, K = 10 labels, 5 of the square and 5 of the cross.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.shapes.frames import FramesTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats
from rnncore.tasks.motion import LARGE, SIDE, SMALL, noisy, rendered

SHORTEST, LONGEST = 2, 5
"""Frames that a shape does the same for."""
_MOVES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
"""Columns and rows a frame, of each motion; rows count downwards."""


class FramesTask(DrawnTask):
    """Frames of brightness 0 to 1, (20, B, 144), and a label at each, (20, B)."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Shapes, places and sizes are evenly drawn, and so are motions, but for never the same one twice running."""
        steps, kinds = length or self.sequence_length, len(_MOVES)
        most = steps // SHORTEST + 1
        shapes = generator.integers(0, len(self.config.shapes), count)
        size = generator.uniform(SMALL, LARGE, count)
        starts = generator.uniform(0, SIDE, (2, count))
        others = generator.integers(1, kinds, (most, count))  # from one motion to the next
        others[0] = generator.integers(0, kinds, count)
        ends = generator.integers(SHORTEST, LONGEST + 1, (most, count)).cumsum(0)

        part = (np.arange(steps - 1)[:, None, None] >= ends).sum(1)  # of each frame but the first
        motions = np.zeros((steps, count), np.int64)
        motions[1:] = np.take_along_axis(others.cumsum(0) % kinds, part, 0)
        x, y = starts[:, None] + np.moveaxis(_MOVES[motions], -1, 0).cumsum(1)
        frames = rendered(shapes, x, y, np.broadcast_to(size, x.shape), np.zeros_like(x))
        return noisy(frames, generator, self.config.noise), kinds * shapes + motions

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
        """Shape and motion."""
        return ["" if one == IGNORE else self.config.names[one] for one in targets.tolist()]

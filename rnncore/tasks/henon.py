"""Predicting the next point of the Hénon map (see ``rnncore.lecture.henon``).

A batch is windows of trajectories on the attractor, at places that are a function of the step's number and the seed
alone. Validation trajectories are the same for every seed. Training starts left of the y axis and validation right of
it, and the map is one to one: no two of their points ever coincide at the same time.

Shapes: T steps, B sequences, D = 2 coordinates. Units: standard deviations of each coordinate on the attractor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnncore.lecture import henon

if TYPE_CHECKING:
    from torch import Tensor

TRAJECTORIES, LENGTH = 64, 2000
"""Training data: so many trajectories of so many points. Windows of them take a tenth of the time of new ones."""
HELD_OUT = 512
"""Trajectories of the validation data."""
VALIDATION = 64
"""Of these, the ones that the validation loss is measured on."""


class HenonTask:
    """Predict one step ahead: points (T, B, 2) in, the next points out.

    Args:
        sequence_length: T.
        batch_size: B.
        seed: of where the windows lie.
    """

    stateful, output_size = False, 2
    input_size: int | None = 2
    floor = 1.0  # the variance, in standardised coordinates: what predicting the mean costs

    def __init__(self, *, sequence_length: int, batch_size: int, seed: int = 1):
        self.sequence_length, self.batch_size, self.seed = sequence_length, batch_size, seed
        length = LENGTH + sequence_length  # a window may begin at any of LENGTH points
        self._points = _standardised(_starts(TRAJECTORIES, -1), length)
        self._held_out = _starts(HELD_OUT, 1)
        data = (henon.A, henon.B, henon.MEAN.tolist(), henon.SCALE.tolist(), TRAJECTORIES, LENGTH)
        self.digest = hashlib.sha256(repr(data).encode()).hexdigest()

    def batch(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """Random windows, float32 (T, B, 2); the state always starts anew."""
        # counter-based: the step is part of the key, so that no position needs to be stored
        generator = np.random.Generator(np.random.Philox(key=[self.seed, step]))
        starts = generator.integers(0, LENGTH, self.batch_size)
        chosen = generator.integers(0, TRAJECTORIES, self.batch_size)
        window = np.arange(self.sequence_length + 1)[:, None]
        return *_shifted(self._points[starts + window, chosen]), True

    def validation_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One batch of ``VALIDATION`` trajectories."""
        yield _shifted(self.held_out(self.sequence_length + 1, VALIDATION))

    def held_out(self, length: int, count: int = HELD_OUT) -> NDArray[np.float32]:
        """The beginnings of the first trajectories that are never trained on, (length, count, 2)."""
        return _standardised(self._held_out[:count], length)

    def stretch(self, steps: int) -> Tensor:
        """The beginning of one trajectory that is never trained on, (steps, 2)."""
        import torch

        return torch.from_numpy(self.held_out(steps, 1)[:, 0])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over steps, trajectories and coordinates."""
        from torch.nn.functional import mse_loss

        return mse_loss(outputs, targets)

    def own(self, outputs: Tensor, chance: Tensor, temperature: float) -> Tensor:
        """The prediction itself: there is nothing to draw."""
        return outputs

    def labels(self, inputs: Tensor) -> list[str]:
        """Numbers of the steps."""
        return [str(t) for t in range(len(inputs))]


def _starts(count: int, side: int) -> henon.Points:
    """Points on the attractor, (count, 2), that came from one side of the y axis, -1 or 1; the same each time."""
    near = np.random.Generator(np.random.Philox(key=1 + side)).uniform(0, henon.NEAR, (count, 2))
    return henon.on_attractor(near * (side, 1))


def _standardised(starts: henon.Points, length: int) -> NDArray[np.float32]:
    return henon.standardised(henon.trajectories(starts, length)).astype(np.float32)


def _shifted(points: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """Inputs and targets of windows (T+1, B, 2)."""
    import torch

    tensor = torch.from_numpy(points)
    return tensor[:-1], tensor[1:]

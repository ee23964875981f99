"""What a network answers on a few sequences that it is never trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd

MOST = 8
"""Sequences that are kept."""


def _nothing() -> Array:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True, kw_only=True)
class Examples(Record):
    """N sequences, the same ones each time: what was read, what is right, and what the network makes of it.

    Of tasks whose answers are choices, ``answers`` holds probabilities, (T, N, K), and ``names`` what the choices are
    called. Of tasks whose answers are pictures, it holds pictures, (T, N, h·w); ``names`` is then empty, and ``free``
    holds the pictures of a network that, after ``context`` steps, reads what it predicted itself.
    """

    kind: ClassVar[str] = "examples"

    names: tuple[str, ...]
    picture: tuple[int, ...]  # rows and columns of what was read; () where it is no picture
    read: tuple[tuple[str, ...], ...]  # labels of what was read, one row for each sequence
    pictures: Array  # (T, N, h·w), brightness; (0, N, 0) where there are none
    targets: Array  # (T, N) choices, -100 where none is asked for; or (T, N, h·w), nan likewise
    answers: Array
    scores: Array  # (N,) the task's own measure
    context: int  # steps that are read before the network goes on alone; 0 where it never does
    free: Array  # (F, N, h·w), (0, N, 0) likewise
    truth: Array  # (F, N, h·w), what really followed
    overlap: Array = field(default_factory=_nothing)  # (A, E) of its own pictures with the truth, over E films
    copied: Array = field(default_factory=_nothing)  # (A, E) likewise, of the last picture that was read

    @property
    def choices(self) -> bool:
        """Whether answers are choices."""
        return bool(self.names)

    def frame(self) -> pd.DataFrame:
        """One row per sequence, step and choice; of pictures, per sequence and step, the mean absolute error."""
        import pandas as pd

        steps, count = self.targets.shape[:2]
        t, n = np.repeat(np.arange(steps), count), np.tile(np.arange(count), steps)
        if not self.choices:
            error = np.abs(self.answers - self.targets).mean(-1)
            return pd.DataFrame(
                {"training_step": self.step, "example": n, "t": t, "mean_absolute_error": error.ravel()}
            )
        size = len(self.names)
        names = np.array([*self.names, ""], dtype=object)
        truth = names[np.where(self.targets < 0, size, self.targets)]
        read = [self.read[b][a] if a < len(self.read[b]) else "" for a, b in zip(t, n, strict=True)]
        return pd.DataFrame(
            {
                "training_step": self.step,
                "example": np.repeat(n, size),
                "t": np.repeat(t, size),
                "read": np.repeat(read, size),
                "truth": np.repeat(truth.ravel(), size),
                "choice": np.tile(names[:-1], steps * count),
                "probability": self.answers.ravel(),
            }
        )

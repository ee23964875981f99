"""What a network sings after a moment of a chord that it was never trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd

LISTENED = 4
"""Chords whose sound is kept."""
PIECE = 5
"""Frames over which a correlation is taken."""


@dataclass(frozen=True, kw_only=True)
class Sound(Record):
    """N chords to listen to, and how far the sound of E others is like the truth, along it.

    Attributes:
        names: of the N chords.
        notes: Hz of each of their two notes, (N, 2).
        rate: samples a second.
        before: what was heard, samples (S, N).
        truth, found: how it really goes on, and what the network sings, samples (F, N).
        trained: samples that it goes on for in training.
        like: correlation of each stretch of ``piece`` samples with the truth, (F / piece, E).
        level: power of each stretch as a share of the truth's, (F / piece, E).
        piece: samples.
    """

    kind: ClassVar[str] = "sound"

    names: tuple[str, ...]
    notes: Array
    rate: int
    before: Array
    truth: Array
    found: Array
    trained: int
    like: Array
    level: Array
    piece: int

    @property
    def milliseconds(self) -> Array:
        """The middle of each stretch, after the network was left alone, (F / piece,)."""
        middles: Array = (np.arange(len(self.like)) + 0.5) * self.piece * 1000 / self.rate
        return middles

    @property
    def trained_milliseconds(self) -> float:
        """How long it goes on in training."""
        return 1000 * self.trained / self.rate

    @property
    def kept(self) -> float:
        """Milliseconds for which the mean correlation stays above one half, from the beginning."""
        below = np.nonzero(self.like.mean(1) < 0.5)[0]
        return float((below[0] if len(below) else len(self.like)) * self.piece * 1000 / self.rate)

    def spectrum(self, n: int) -> tuple[Array, Array, Array]:
        """Of the last half of a continuation: Hz (K,), amplitude of the truth and of what is sung (K,).

        A Hann window's amplitude spectrum, on which a sine of amplitude a has a peak of a.
        """
        half = len(self.truth) // 2
        window = np.hanning(half)
        wide = 4 * half  # more points between two of the transform's own
        truth, found = (
            np.abs(np.fft.rfft(np.asarray(one[-half:, n], float) * window, wide)) * 2 / window.sum()
            for one in (self.truth, self.found)
        )
        return np.fft.rfftfreq(wide, 1 / self.rate), truth, found

    def frame(self) -> pd.DataFrame:
        """One row per chord and stretch of time."""
        import pandas as pd

        pieces, count = self.like.shape
        return pd.DataFrame(
            {
                "training_step": self.step,
                "chord": np.tile(np.arange(count), pieces),
                "milliseconds": np.repeat(self.milliseconds, count),
                "correlation": self.like.ravel(),
                "power": self.level.ravel(),
            }
        )

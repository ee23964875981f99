"""The gates and states of a ConvLSTM on one film, as pictures: one for each frame, gate and map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class GateMaps(Record):
    """One layer on one film that is never trained on, T frames of h by w pixels, C maps of units.

    Attributes:
        layer: from 0.
        picture: h and w.
        channels: letters of the gates, then c and h.
        values: of each, (T, channels, C, h·w).
        frames: what is read, (T, h·w), brightness.
    """

    kind: ClassVar[str] = "gate_maps"

    layer: int
    picture: tuple[int, int]
    channels: tuple[str, ...]
    values: Array
    frames: Array

    def frame(self) -> pd.DataFrame:
        """One row per frame, channel and map, with the mean over its pixels."""
        import pandas as pd

        steps, count, maps, _ = self.values.shape
        return pd.DataFrame(
            {
                "training_step": self.step,
                "t": np.repeat(np.arange(steps), count * maps),
                "channel": np.tile(np.repeat(self.channels, maps), steps),
                "map": np.tile(np.arange(maps), steps * count),
                "mean": np.asarray(self.values, float).mean(-1).ravel(),
            }
        )

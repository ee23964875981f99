"""What a network loses when it goes on from its own text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


class Interval(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves zero out, else 0."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, kw_only=True)
class Exposure(Record):
    """Teacher forcing against free running on held-out text, at positions 1 ... K after a primer of true text.

    ``forced`` is -ln p(truth | the truth before), ``free`` is -ln p(truth | own draws since the primer); both are means
    over N streams with their standard errors. That ``free`` grows is no fault by itself: a sample may go on in another
    way than the truth did, and be as good a text. Whether it is one is what the bits tell, under the n-gram model of
    the training text: of the truth, and of what the network wrote freely, at temperature 1. ``drift`` is by how many
    of them the second half of what was written exceeds the first.

    ``band`` is half the width around ``text_mean`` within which the running mean of as many streams of real text stays
    at all K positions 19 times in 20.
    """

    kind: ClassVar[str] = "exposure"

    cell: str
    unit: str  # what a position is: character or word
    warmup: int  # true ones read before
    streams: int  # N
    forced: Array  # (K,) nats
    forced_error: Array  # (K,)
    free: Array  # (K,)
    free_error: Array  # (K,)
    gap_error: Array  # (K,), of free - forced, which vary together
    gap: tuple[float, float, float]  # mean of free - forced over positions, and its 95 % interval over streams
    order: int = 0  # of the n-gram model; 0 where there is none, and the arrays below are empty
    text_mean: Array  # (K,) bits, running means over positions 1 ... k
    written_mean: Array  # (K,)
    band: Array  # (K,)
    drift: tuple[float, float, float] = (math.nan,) * 3  # bits, and the 95 % interval
    note: str = ""  # what could not be measured, and why

    @property
    def positions(self) -> Array:
        """1 ... K."""
        return np.arange(1, len(self.forced) + 1)

    @property
    def gap_interval(self) -> Interval:
        """How much dearer the truth is free-running, in nats."""
        return Interval(*self.gap)

    @property
    def drift_interval(self) -> Interval:
        """By how many bits free-running text gets dearer as it goes on."""
        return Interval(*self.drift)

    @property
    def keeps(self) -> int:
        """For how many positions the mean of what was written stays within the band of real text; K for all."""
        outside = np.flatnonzero(~(np.abs(self.written_mean - self.text_mean) <= self.band))
        return int(outside[0]) if len(outside) else len(self.written_mean)

    def frame(self) -> pd.DataFrame:
        """One row per position."""
        import pandas as pd

        columns = {
            "position": self.positions,
            "nats_teacher_forced": self.forced,
            "teacher_forced_error": self.forced_error,
            "nats_free_running": self.free,
            "free_running_error": self.free_error,
            "gap_error": self.gap_error,
        }
        if self.order:
            columns |= {
                "running_bits_true_text": self.text_mean,
                "running_bits_free_running": self.written_mean,
                "half_band_true_text": self.band,
            }
        return pd.DataFrame({"training_step": self.step, **columns})

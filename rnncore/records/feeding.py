"""What scheduled sampling fed in one training step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd

SEQUENCES, STEPS = 16, 256
"""Of a batch that are kept: its first sequences, and the first steps of its window."""


@dataclass(frozen=True, kw_only=True)
class Feeding(Record):
    """The coins of a batch and what was fed by them: T steps of S sequences, the first ones of the batch.

    ``truth``, ``inputs`` and ``own`` are places in ``names``. ``own`` is what the network predicted, whether it was
    fed or not; -1 where no prediction was made: before the first step of a fresh state, and after the last step at
    which any sequence of the batch was fed its own.
    """

    kind: ClassVar[str] = "coins"

    epsilon: float  # probability of the truth
    count: int  # coins tossed, in the whole batch
    fed: int  # of them, those that fed the truth
    sequences: int  # in the whole batch, B
    length: int  # steps of the whole window
    names: tuple[str, ...]
    truth: Array  # (T, S)
    inputs: Array  # (T, S), what was fed
    own: Array  # (T, S)
    coins: Array  # (T, S) bool, True for the truth
    tossed: Array  # (T, S) bool, False where there was nothing to choose from

    @property
    def fraction(self) -> float:
        """Share of the coins that fed the truth; nan where none was tossed."""
        return self.fed / self.count if self.count else math.nan

    @property
    def replaced(self) -> Array:
        """(T, S) bool: where the network was fed its own prediction."""
        return self.tossed & ~self.coins

    @property
    def right(self) -> float:
        """Share of the predictions fed here that are the truth all the same; nan where none was fed."""
        replaced = self.replaced
        return float((self.inputs == self.truth)[replaced].mean()) if replaced.any() else math.nan

    def name(self, place: int) -> str:
        """What a place of ``names`` is called; '' for -1."""
        return self.names[place] if place >= 0 else ""

    def frame(self) -> pd.DataFrame:
        """One row per sequence and step."""
        import pandas as pd

        length, shown = self.coins.shape
        names = np.array([*self.names, None], dtype=object)  # -1: the last one
        return pd.DataFrame(
            {
                "training_step": np.full(length * shown, self.step),
                "epsilon": self.epsilon,
                "sequence": np.repeat(np.arange(shown), length),
                "t": np.tile(np.arange(length), shown),
                "truth": names[self.truth.T.ravel()],
                "fed": names[self.inputs.T.ravel()],
                "own_prediction": names[self.own.T.ravel()],
                "coin_for_truth": self.coins.T.ravel(),
                "coin_tossed": self.tossed.T.ravel(),
            }
        )

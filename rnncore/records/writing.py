"""Texts that a model wrote when it was asked to, and what it thought at each character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Writing(Record):
    """B texts of T characters after one primer; characters are places in ``characters``, of V.

    ``probability`` and ``entropy`` are of the model's own distribution; ``drawn`` is what temperature and truncation
    made of it, which is what the character was drawn with. Of each distribution the K likeliest characters are kept.
    """

    kind: ClassVar[str] = "writing"

    primer: str
    characters: str  # V
    labels: tuple[str, ...]  # B: how each text was written
    bits: tuple[float, ...]  # B: -log2 of the model's probability of the whole text
    chosen: Array  # (B, T) ids
    picked: Array  # (B, T) bool: given by the reader
    probability: Array  # (B, T)
    drawn: Array  # (B, T)
    entropy: Array  # (B, T) bits
    candidates: Array  # (B, T, K) ids, the likeliest first
    odds: Array  # (B, T, K)
    drawn_odds: Array  # (B, T, K)

    def text(self, index: int) -> str:
        """One text."""
        return "".join(self.characters[place] for place in self.chosen[index].tolist())

    @property
    def surprise(self) -> Array:
        """-log2 of the model's probability of each character, in bits, (B, T)."""
        return -np.log2(np.maximum(self.probability, np.finfo(np.float32).tiny))

    @property
    def parting(self) -> int | None:
        """The first place where the first two texts differ; None where they don't, or where there is only one."""
        if len(self.chosen) < 2:
            return None
        places = np.flatnonzero(self.chosen[0] != self.chosen[1])
        return int(places[0]) if len(places) else None

    def frame(self) -> pd.DataFrame:
        """One row per text and character."""
        import pandas as pd

        count, length = self.chosen.shape
        return pd.DataFrame(
            {
                "training_step": np.full(count * length, self.step),
                "text": np.repeat(np.array(self.labels, dtype=object), length),
                "position": np.tile(np.arange(length), count),
                "character": [self.characters[place] for place in self.chosen.ravel().tolist()],
                "picked": self.picked.ravel(),
                "probability": self.probability.ravel(),
                "drawn_with": self.drawn.ravel(),
                "surprise_bits": self.surprise.ravel(),
                "entropy_bits": self.entropy.ravel(),
            }
        )

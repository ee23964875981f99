"""A task's own measure, by the length of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class LengthScores(Record):
    """Scores on what is never trained on; their unit is the task's (see ``rnncore.config.KnownTask``)."""

    kind: ClassVar[str] = "length_scores"

    score: float  # on sequences as those of training
    trained: int  # the greatest length in training
    lengths: Array  # (L,) rising
    scores: Array  # (L,) mean over the sequences of that length
    error: Array  # (L,) standard error of that mean; nan for a single sequence
    count: Array  # (L,) sequences

    @classmethod
    def of(cls, lengths: Array, scores: Array, *, step: int, score: float, trained: int) -> Self:
        """From the length and the score of each sequence, (N,) and (N,)."""
        each, count = np.unique(lengths, return_counts=True)
        parts = [np.asarray(scores[lengths == length], np.float64) for length in each]
        deviations = [one.std(ddof=1) if len(one) > 1 else np.nan for one in parts]
        return cls(
            step=step, score=score, trained=trained, lengths=each, count=count,
            scores=np.array([one.mean() for one in parts]), error=np.array(deviations) / np.sqrt(count),
        )  # fmt: skip

    @property
    def score_longer(self) -> float:
        """Mean over the lengths that are greater than any in training; nan where there are none."""
        longer = self.scores[self.lengths > self.trained]
        return float(longer.mean()) if len(longer) else float("nan")

    def frame(self) -> pd.DataFrame:
        """A row for each length."""
        import pandas as pd

        return pd.DataFrame(
            {
                "step": self.step,
                "length": self.lengths,
                "score": self.scores,
                "error": self.error,
                "sequences": self.count,
                "longer_than_trained": self.lengths > self.trained,
            }
        )

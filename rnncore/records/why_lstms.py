"""The delayed-recall race: who remembers, with which biases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class WhyLstms(Measured):
    """C contenders with S seeds each, E examinations so far.

    Attributes:
        contenders: C names.
        cells: of each, for its colour.
        seeds: (S,), the same for all.
        steps: of the examinations, the first before training, (E,).
        scores: share of right answers, (C, S, E); nan behind the end of a run.
        solved: the step at which each had solved the task, (C, S); nan where it has not.
        solved_at: the share from which it counts as solved.
        chance: the share of right answers of one who guesses.
        length: steps to be remembered over.
    """

    kind: ClassVar[str] = "why_lstms"

    contenders: tuple[str, ...]
    cells: tuple[str, ...]
    seeds: Array
    steps: Array
    scores: Array
    solved: Array
    solved_at: float
    chance: float
    length: int

    @property
    def wins(self) -> Array:
        """Seeds that solved the task, (C,)."""
        return np.isfinite(self.solved).sum(1)

    @property
    def best(self) -> Array:
        """The best share of right answers that each run ever had, (C, S)."""
        best: Array = np.nanmax(self.scores, axis=2)
        return best

    @property
    def answer(self) -> str:
        """In how many of its starts the LSTM with the biases that torch draws solved the task."""
        if self.share < 1:
            return ""
        wins, total = int(self.wins[self.contenders.index("LSTM")]), len(self.seeds)
        return "all" if wins == total else "none" if wins == 0 else "some"

    @property
    def numbers(self) -> dict[str, str]:
        """Wins of each contender, and how long the winners took."""
        found = {"length": f"{self.length}", "seeds": f"{len(self.seeds)}", "chance": f"{self.chance:.3g}"}
        for name, wins, solved, best in zip(self.contenders, self.wins, self.solved, self.best, strict=True):
            key = name.lower().replace(" ", "_")
            there = solved[np.isfinite(solved)]
            found |= {
                f"{key}_wins": f"{wins}",
                f"{key}_best": f"{100 * best.mean():.0f}%",
                f"{key}_step": f"step {there.mean():,.0f} on average" if len(there) else "never",
            }
        return found

    @property
    def proof(self) -> str:
        """Wins of each."""
        wins = ", ".join(f"{name} {wins}" for name, wins in zip(self.contenders, self.wins, strict=True))
        return f"of {len(self.seeds)} starts solved over {self.length} steps: {wins}"

    def frame(self) -> pd.DataFrame:
        """One row per contender, seed and examination."""
        import pandas as pd

        contenders, seeds, steps = self.scores.shape
        return pd.DataFrame(
            {"contender": np.repeat(self.contenders, seeds * steps),
             "seed": np.tile(np.repeat(self.seeds, steps), contenders),
             "step": np.tile(self.steps, contenders * seeds), "score": self.scores.ravel()}
        )  # fmt: skip

"""Cells and learning rates on the adding problem, and cells on parity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

_ANSWERS = ("none", "few", "few", "most", "most", "all")


@dataclass(frozen=True, kw_only=True)
class InPractice(Measured):
    """C cells with R learning rates each, E turns of training so far.

    Attributes:
        cells: C names.
        rates: learning rates, (R,).
        steps: at the end of each turn, (E,).
        curves: mean squared error in training, mean of each turn, (C, R, E); nan from where a run diverged.
        scores: the newest of these, at the end that on sequences that are never trained on, (C, R).
        solved_at: the error below which a run has solved the problem.
        floor: the error of always answering 1.
        parity_steps, parity_curves: loss on parity in bits per answer, (C, E), by step (E,).
        parity_right: share of right answers on lengths of training and on longer ones, (C, 2); nan before the end.
        length: numbers in a row of the adding problem.
    """

    kind: ClassVar[str] = "in_practice"

    cells: tuple[str, ...]
    rates: Array
    steps: Array
    curves: Array
    scores: Array
    solved_at: float
    floor: float
    parity_steps: Array
    parity_curves: Array
    parity_right: Array
    length: int

    @property
    def solved(self) -> Array:
        """Which runs have solved the adding problem, (C, R); a run that diverged has not."""
        return np.nan_to_num(self.scores, nan=np.inf) < self.solved_at

    @property
    def answer(self) -> str:
        """With how many of the learning rates the LSTM solves it."""
        return _ANSWERS[int(self.solved[self.cells.index("lstm")].sum())] if self.share >= 1 else ""

    @property
    def numbers(self) -> dict[str, str]:
        """How many rates do for each cell, the best of each, and parity."""
        found = {
            "length": f"{self.length}", "rates": f"{len(self.rates)}", "floor": f"{self.floor:.3f}",
            "solved_at": f"{self.solved_at:g}",
        }  # fmt: skip
        for cell, scores, solved, right in zip(self.cells, self.scores, self.solved, self.parity_right, strict=True):
            name = cell.removesuffix("_tanh")
            best = int(np.argmin(np.nan_to_num(scores, nan=np.inf)))
            found |= {
                f"{name}_solved": f"{int(solved.sum())}",
                f"{name}_best": f"{scores[best]:.2g}" if np.isfinite(scores[best]) else "no number at all",
                f"{name}_rate": f"{self.rates[best]:g}",
                f"{name}_parity": f"{100 * right[0]:.0f}%" if np.isfinite(right[0]) else "no answer",
                f"{name}_longer": f"{100 * right[1]:.0f}%" if np.isfinite(right[1]) else "no answer",
            }
        return found

    @property
    def proof(self) -> str:
        """Solved runs of each cell, and the vanilla RNN on parity."""
        found, total = self.numbers, len(self.rates)
        counts = ", ".join(f"{name.upper()} {found[f'{name}_solved']}" for name in ("rnn", "lstm", "gru"))
        return f"of {total} learning rates solve adding: {counts}; the RNN on parity: {found['rnn_longer']} right"

    def frame(self) -> pd.DataFrame:
        """One row per cell and learning rate."""
        import pandas as pd

        return pd.DataFrame(
            {"cell": np.repeat(self.cells, len(self.rates)), "lr": np.tile(self.rates, len(self.cells)),
             "error": self.scores.ravel(), "solved": self.solved.ravel()}
        )  # fmt: skip

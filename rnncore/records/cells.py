"""All cells side by side: what each takes, how fast it is, and how far its gradient reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

CLASSICAL = ("rnn_tanh", "rnn_relu", "lstm", "gru")
"""The cells of torch."""
FAR = 0.95
"""Factors per step from here on reach: of 50 steps, 8 % is left."""


@dataclass(frozen=True, kw_only=True)
class Cells(Measured):
    """One measurement of C cells over T steps.

    Attributes:
        cells: their names in the registry.
        parameters: of one layer, (C,).
        norms: ‖∂L_T/∂s_t‖, lag 0 first, (C, T); nan for cells that were not reached yet.
        factors: the factor per step fitted to them, (C,).
        milliseconds: of a forward and backward pass, (C, turns).
        length, hidden_size, batch: T, H, B.
    """

    kind: ClassVar[str] = "cells"

    cells: tuple[str, ...]
    parameters: Array
    norms: Array
    factors: Array
    milliseconds: Array
    length: int
    hidden_size: int
    batch: int

    @property
    def median(self) -> Array:
        """Milliseconds of each cell, (C,); nan before the first turn."""
        known = np.isfinite(self.milliseconds).all(0)
        if not known.any():
            return np.full(len(self.cells), np.nan)
        found: Array = np.median(self.milliseconds[:, known], 1)
        return found

    def value(self, cell: str, values: Array) -> float:
        """Of one cell."""
        return float(values[self.cells.index(cell)])

    @property
    def answer(self) -> str:
        """Whether those that came after reach further than torch's own."""
        if self.share < 1:
            return ""
        far = {cell for cell, factor in zip(self.cells, self.factors, strict=True) if factor >= FAR}
        if not far:
            return "none"
        return "all" if far >= set(CLASSICAL[2:]) else "lstm" if far & set(CLASSICAL) else "later"

    @property
    def numbers(self) -> dict[str, str]:
        """Factors, and how much slower the stepped cells are than torch's fused LSTM."""
        by_name = dict(zip(self.cells, self.factors, strict=True))
        far = [cell for cell in self.cells if by_name[cell] >= FAR]
        found = {f"{cell}_factor": f"{factor:.3f}" for cell, factor in by_name.items()}
        relative = self.median / self.value("lstm", self.median)
        found |= {f"{cell}_time": f"{ratio:.2g}" for cell, ratio in zip(self.cells, relative, strict=True)}
        return found | {"far": f"{len(far)}", "count": f"{len(self.cells)}", "length": f"{self.length}"}

    @property
    def proof(self) -> str:
        """The widest reach."""
        best = int(np.nanargmax(self.factors))
        return f"{self.cells[best]} {self.factors[best]:.3f} a step, LSTM {self.value('lstm', self.factors):.3f}"

    def frame(self) -> pd.DataFrame:
        """One row per cell."""
        import pandas as pd

        return pd.DataFrame(
            {
                "cell": self.cells,
                "parameters": self.parameters,
                "factor_per_step": self.factors,
                "milliseconds": self.median,
            }
        )

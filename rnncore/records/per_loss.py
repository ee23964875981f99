"""How strongly each single loss depends on each earlier state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class PerLoss(Record):
    """The per-loss matrix ‖∂L_τ/∂h_t‖: Euclidean norms over units, root mean square over sequences.

    Letters: R layers and directions, K losses, N steps looked at. ``hidden[r, k, n]`` is the gradient of the loss at
    step ``losses[k]`` alone, read at step ``reads[n]``; zero where the loss lies before the step (for a reverse
    direction: behind it). ``cells`` is the same for c_t, (R, K, N), or (0, K, N) for a cell without one.

    ``hidden_sum`` is ‖Σ_τ ∂L_τ/∂h_t‖, the norm of the sum over ALL losses of the same pass, which is not the sum of
    the norms; ``hidden_total`` is ‖dL/dh_t‖ of one ordinary backward recurrence. Both are (R, N) and equal to
    rounding: ``sum_error`` is their gradients' largest difference relative to the largest gradient.

    Where a window is long, ``stride`` > 1 says that only every so many losses and steps are kept (the other losses
    are carried as one, so that the sum is whole), ``steps`` of ``window`` that only the last steps were looked at,
    and ``sequences`` of ``batch`` how many sequences.
    """

    kind: ClassVar[str] = "per_loss"

    cell: str
    rows: tuple[str, ...]  # (R,) "layer 1", or "layer 1, reverse"
    window: int
    steps: int
    stride: int
    batch: int
    sequences: int
    losses: Array  # (K,)
    reads: Array  # (N,)
    hidden: Array  # (R, K, N)
    cells: Array  # (R, K, N) or (0, K, N)
    hidden_sum: Array  # (R, N)
    hidden_total: Array  # (R, N)
    cell_sum: Array  # (R, N) or (0, N)
    cell_total: Array  # (R, N) or (0, N)
    sum_error: float = 0.0
    cost_ms: float = 0.0

    @property
    def finite(self) -> bool:
        """Whether no gradient is NaN or infinite."""
        return bool(np.isfinite(self.hidden).all() and np.isfinite(self.hidden_total).all())

    @property
    def left_out(self) -> str:
        """What of the window is not shown, in words; '' where all of it is."""
        parts = []
        if self.stride > 1:
            parts.append(f"one loss in {self.stride}")
        if self.steps < self.window:
            parts.append(f"the last {self.steps} of {self.window} steps")
        if self.sequences < self.batch:
            parts.append(f"{self.sequences} of {self.batch} sequences")
        return ", ".join(parts)

    def frame(self) -> pd.DataFrame:
        """One row per layer, loss and step of the sequence."""
        import pandas as pd

        rows, losses, reads = self.hidden.shape
        columns = {
            "training_step": np.full(self.hidden.size, self.step),
            "layer": np.repeat(np.array(self.rows), losses * reads),
            "tau": np.tile(np.repeat(self.losses, reads), rows),
            "t": np.tile(self.reads, rows * losses),
            "grad_hidden": self.hidden.ravel(),
        }
        if len(self.cells):
            columns["grad_cell"] = self.cells.ravel()
        columns["grad_hidden_all_losses"] = np.repeat(self.hidden_total[:, None], losses, 1).ravel()
        return pd.DataFrame(columns)

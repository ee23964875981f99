"""Gradient magnitude across time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class GradientFlow(Record):
    """Gradient magnitude across time, per layer: Euclidean norms over units, root mean square over sequences.

    ``hidden_total[l, t]`` is ‖dL/dh_t‖ of the loss at every step; ``hidden_last[l, t]`` is that of the last
    step's loss alone, ‖∂L_{T-1}/∂h_t‖, which is what vanishes or explodes with the lag T-1-t.
    ``cell_*`` are the same for c_t, of shape (L, T), or of shape (0, T) for a cell without one.
    ``hidden_direct`` is the loss's direct gradient on the output, what ``retain_grad`` would show.
    ``factor[l]`` is the fitted factor per step of ``hidden_last`` against the lag; ``half_life`` in steps
    (negative for a doubling). Source: Pascanu et al. 2013, arXiv:1211.5063.
    ``input_total[t]`` and ``input_last[t]`` are the same at what the first layer reads, ‖dL/dx_t‖ and ‖∂L_{T-1}/∂x_t‖,
    in float64; empty where that was not measured. ``field`` steps are all that the last output can depend on, so that
    ``input_last`` is exactly 0 before them; 0 for all steps.
    """

    kind: ClassVar[str] = "gradient_flow"

    cell: str
    sequences: int
    hidden_total: Array  # (L, T)
    hidden_last: Array  # (L, T)
    hidden_direct: Array  # (L, T)
    cell_total: Array  # (L, T) or (0, T)
    cell_last: Array  # (L, T) or (0, T)
    factor: Array  # (L,)
    half_life: Array  # (L,)
    replay_error: float = 0.0
    cost_ms: float = 0.0
    input_total: Array = dataclasses.field(default_factory=lambda: np.zeros(0))  # (T,) or (0,)
    input_last: Array = dataclasses.field(default_factory=lambda: np.zeros(0))  # (T,) or (0,)
    field: int = 0

    @property
    def lags(self) -> Array:
        """Steps between the last loss and each t: T-1 … 0, shape (T,)."""
        return np.arange(self.hidden_last.shape[1] - 1, -1, -1)

    def frame(self) -> pd.DataFrame:
        """One row per layer and step of the sequence."""
        import pandas as pd

        layers, steps = self.hidden_last.shape
        columns = {
            "training_step": np.full(layers * steps, self.step),
            "layer": np.repeat(np.arange(layers), steps),
            "t": np.tile(np.arange(steps), layers),
            "lag": np.tile(self.lags, layers),
            "grad_hidden_total": self.hidden_total.ravel(),
            "grad_hidden_last_loss": self.hidden_last.ravel(),
            "grad_output_direct": self.hidden_direct.ravel(),
        }
        if len(self.cell_last):
            columns |= {
                "grad_cell_total": self.cell_total.ravel(),
                "grad_cell_last_loss": self.cell_last.ravel(),
            }
        if len(self.input_last):  # the first layer's alone
            rest = np.full((layers - 1) * steps, np.nan)
            columns |= {
                "grad_input_total": np.concatenate([self.input_total, rest]),
                "grad_input_last_loss": np.concatenate([self.input_last, rest]),
            }
        return pd.DataFrame(columns)

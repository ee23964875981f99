"""Both directions of a layer on one sequence, aligned in time: gradients, and how much of the state is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Directions(Record):
    """L layers on one sequence of T steps, in the order of the text.

    Attributes:
        cell: of all layers.
        text, targets: what is read and what is asked for, a label per step.
        gradient: ‖∂L/∂h_t‖ of the whole loss, (L, 2, T): the direction that reads forwards, then the other.
        kept: the mean over units of the gate that keeps the state, (L, 2, T); nan for a cell without one.
        gate: that gate's name, or ''.
    """

    kind: ClassVar[str] = "directions"

    cell: str
    text: tuple[str, ...]
    targets: tuple[str, ...]
    gradient: Array
    kept: Array
    gate: str

    def frame(self) -> pd.DataFrame:
        """One row per layer, direction and step."""
        import pandas as pd

        layers, _, steps = self.gradient.shape
        return pd.DataFrame(
            {
                "training_step": self.step,
                "layer": np.repeat(np.arange(1, layers + 1), 2 * steps),
                "direction": np.tile(np.repeat(["forward", "reverse"], steps), layers),
                "t": np.tile(np.arange(steps), 2 * layers),
                "read": np.tile(np.array(self.text, object), 2 * layers),
                "gradient": self.gradient.ravel(),
                "kept": self.kept.ravel(),
            }
        )

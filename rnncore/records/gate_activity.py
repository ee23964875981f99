"""Gates and states of one sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class GateActivity(Record):
    """Gate, hidden and cell values of one sequence, beside the characters that were read.

    ``values[l, k, t, u]`` is channel ``channels[k]`` (symbols of the gate table, then h, and c for an LSTM)
    of unit ``units[u]`` of layer l at step t. Gate values are after the non-linearity.
    """

    kind: ClassVar[str] = "gate_activity"

    cell: str
    hidden_size: int
    text: tuple[str, ...]  # T characters read
    targets: tuple[str, ...]  # T characters wanted
    channels: tuple[str, ...]  # K symbols
    units: Array  # (U,)
    values: Array  # (L, K, T, U)

    def channel(self, layer: int, symbol: str) -> Array:
        """Values of one channel of one layer, (T, U)."""
        return self.values[layer, self.channels.index(symbol)]

    def frame(self) -> pd.DataFrame:
        """One row per layer, step and unit; one column per channel."""
        import pandas as pd

        layers, _, steps, units = self.values.shape
        index = np.indices((layers, steps, units)).reshape(3, -1)
        columns: dict[str, Any] = {
            "training_step": np.full(index.shape[1], self.step),
            "layer": index[0],
            "t": index[1],
            "character": np.array(self.text, dtype=object)[index[1]],
            "unit": self.units[index[2]],
        }
        for k, symbol in enumerate(self.channels):
            columns[symbol] = self.values[:, k].ravel()
        return pd.DataFrame(columns)

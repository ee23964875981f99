"""How often gates are shut or fully open."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Saturation(Record):
    """Share of steps that each unit's gate spends near its ends: < .1 (left) and > .9 (right).

    ``left[l, g, h]`` and ``right[l, g, h]`` over all steps and probed sequences. A cell without sigmoid gates
    is counted on |h|: left is |h| < .1, right is |h| > .9 (symbol h). A unit with a value that is not finite has nan.
    ``parts`` is empty where all layers are alike; else it says of each layer what is its own (the rest is nan): cell,
    gates, units; None for one that did not run. See ``of_layer``.
    Source: Karpathy, Johnson, Fei-Fei 2015, arXiv:1506.02078.
    """

    kind: ClassVar[str] = "saturation"

    cell: str
    gates: tuple[str, ...]  # G symbols
    left: Array  # (L, G, H)
    right: Array  # (L, G, H)
    parts: tuple[dict[str, Any] | None, ...] = ()  # (L,) or empty

    def of_layer(self, layer: int) -> Saturation:
        """That layer alone, without what other layers have more of."""
        left, right = self.left[layer : layer + 1], self.right[layer : layer + 1]
        part = self.parts[layer] if self.parts else None
        if part is None:
            return dataclasses.replace(self, left=left, right=right, parts=())
        rows, units = [self.gates.index(symbol) for symbol in part["gates"]], part["units"]
        left, right = left[:, rows, :units], right[:, rows, :units]
        return dataclasses.replace(
            self, cell=part["cell"], gates=tuple(part["gates"]), left=left, right=right, parts=()
        )

    def frame(self) -> pd.DataFrame:
        """One row per layer, gate and unit."""
        import pandas as pd

        layers, gates, units = self.left.shape
        index = np.indices((layers, gates, units)).reshape(3, -1)
        return pd.DataFrame(
            {
                "training_step": np.full(index.shape[1], self.step),
                "layer": index[0],
                "gate": np.array(self.gates, dtype=object)[index[1]],
                "unit": index[2],
                "left": self.left.ravel(),
                "right": self.right.ravel(),
            }
        )

"""How much each step of one sequence asks each other one, in a transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Attention(Record):
    """Attention weights of the batch's first sequence: A steps ask, M steps are asked; the last A of the M are those
    that ask.

    Attributes:
        weights: of L layers and directions, (L, heads, A, M), half precision.
        earlier: what a row gives to steps before the M that are kept, (L, heads, A).
        text: what the M steps read; '' where nothing tells.
        carried: how many of the M steps were read in windows before this one.
        ways: 2 where every second layer reads backwards, else 1.
    """

    kind: ClassVar[str] = "attention"

    weights: Array
    earlier: Array
    text: tuple[str, ...]
    carried: int = 0
    ways: int = 1

    @property
    def heads(self) -> int:
        """Of a layer."""
        return int(self.weights.shape[1])

    @property
    def allowed(self) -> Array:
        """Whom a step may ask, reading forwards: itself and all before it, (A, M)."""
        asking, asked = self.weights.shape[2:]
        return np.tri(asking, asked, asked - asking, dtype=bool)

    def of(self, layer: int, head: int | None = None) -> Array:
        """One head of a layer, or the mean of all, (A, M); nan where nothing may be asked."""
        maps = self.weights[layer].astype(np.float32)
        backwards = layer % self.ways == 1
        allowed = self.allowed[::-1, ::-1] if backwards else self.allowed
        return np.where(allowed, maps.mean(0) if head is None else maps[head], np.nan)

    def frame(self) -> pd.DataFrame:
        """One row per layer, head, asking step and asked step; steps count from 1 at the window's first one."""
        import pandas as pd

        asking, asked = self.weights.shape[2:]
        layer, head, row, column = (one.ravel() for one in np.indices(self.weights.shape))
        first = 1 - self.carried
        return pd.DataFrame(
            {
                "training_step": np.full(len(layer), self.step),
                "layer": layer,
                "head": head,
                "asks": first + asked - asking + row,
                "asked": first + column,
                "character": np.array(self.text, dtype=object)[column],
                "weight": self.weights.ravel().astype(np.float32),
            }
        )

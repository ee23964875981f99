"""What knowing little costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnncore.records.base import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Baselines(Record):
    """Bits per character of knowing little: uniform log2 V, and Witten-Bell n-grams of the training text."""

    kind: ClassVar[str] = "baselines"

    vocab_size: int
    uniform: float
    orders: tuple[int, ...]
    bits: tuple[float, ...]

    def frame(self) -> pd.DataFrame:
        """One row per baseline."""
        import pandas as pd

        names = ["uniform", *(f"{order}-gram" for order in self.orders)]
        return pd.DataFrame({"baseline": names, "bits_per_character": [self.uniform, *self.bits]})

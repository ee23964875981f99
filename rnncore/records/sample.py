"""Text that the model wrote."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnncore.records.base import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Sample(Record):
    """Text that the model wrote: the same primer and the same random seed at each step."""

    kind: ClassVar[str] = "sample"

    primer: str
    text: str
    temperature: float
    seed: int
    validation_bits: float | None = None  # bits per character at that time, where it was measured

    def frame(self) -> pd.DataFrame:
        """One row."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(self)])

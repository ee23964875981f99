"""One small recurrent network, folded and unrolled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Unrolled(Measured):
    """A network with H units that reads T inputs of D numbers and gives O at each.

    Attributes:
        inputs: (T, D).
        hidden: (T, H).
        outputs: (T, O).
        weight, back, bias: of a layer, (H, D), (H, H) and (H,).
        readout: (O, H).
        depth: layers of the unrolled network.
        error, error_double: the largest difference between folded and unrolled, in float32 and in float64.
        parameters, shared, copied: numbers that training can change in the folded network, in the unrolled one, and
            in one whose layers have weights of their own.
        gradient_error: the largest difference between the folded network's gradient and the sum over the copies'.
    """

    kind: ClassVar[str] = "unrolled"

    inputs: Array
    hidden: Array
    outputs: Array
    weight: Array
    back: Array
    bias: Array
    readout: Array
    depth: int
    error: float
    error_double: float
    parameters: int
    shared: int
    copied: int
    gradient_error: float

    @property
    def answer(self) -> str:
        """How many numbers training can change in the unrolled network."""
        if self.depth == 1:
            return ""  # folded and unrolled are the same drawing
        return "once" if self.shared == self.parameters else "times" if self.shared == self.copied else "more"

    @property
    def numbers(self) -> dict[str, str]:
        """Depth, parameters, and how exactly both agree."""
        return {
            "depth": f"{self.depth}",
            "parameters": f"{self.parameters}",
            "shared": f"{self.shared}",
            "copied": f"{self.copied}",
            "error": f"{self.error:.0e}" if self.error else "0, to the last bit",
            "error_double": f"{self.error_double:.0e}" if self.error_double else "0",
            "gradient_error": f"{self.gradient_error:.0e}" if self.gradient_error else "0",
        }

    @property
    def proof(self) -> str:
        """Depth, parameters and agreement."""
        equal = f"equal to within {self.error:.0e}" if self.error else "the same to the last bit"
        return f"{self.depth} layers, {self.shared} weights counted once, outputs {equal}"

    def frame(self) -> pd.DataFrame:
        """One row per step and unit."""
        import pandas as pd

        steps, size = self.hidden.shape
        return pd.DataFrame(
            {"t": np.repeat(np.arange(1, steps + 1), size), "unit": np.tile(np.arange(size), steps),
             "h": self.hidden.ravel()}
        )  # fmt: skip

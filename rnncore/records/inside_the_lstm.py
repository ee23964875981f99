"""An LSTM cut open: its matrix in blocks, and what flows through it at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.gate_activity import GateActivity
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

BLOCKS = ("i", "f", "g", "o")
"""PyTorch's order of the quarters of the matrix."""
_WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True, kw_only=True)
class InsideTheLstm(Measured):
    """One LSTM with H units that reads T inputs of D numbers.

    Attributes:
        letters: what is read, T characters.
        inputs: (T, D).
        weight: (4H, H + D), the quarters of its rows in the order of ``BLOCKS``; columns: h, then x.
        bias: (4H,), the sum of PyTorch's two.
        parts: what h, x and b add to each row at each step, (T, 3, 4, H).
        gates: i, f, g, o after their non-linearities, (T, 4, H).
        c, h: (T, H).
        error: the largest difference of h from ``torch.nn.LSTM``.
        swapped: the same where the quarters are taken for f, i, g, o.
        cells, parameters: kinds of cells, and how many parameters torch counts in each at these sizes.
    """

    kind: ClassVar[str] = "inside_the_lstm"

    letters: tuple[str, ...]
    inputs: Array
    weight: Array
    bias: Array
    parts: Array
    gates: Array
    c: Array
    h: Array
    error: float
    swapped: float
    cells: tuple[str, ...]
    parameters: tuple[int, ...]

    @property
    def activity(self) -> GateActivity:
        """Gates and states as a run's probe has them, for the cell's diagram."""
        values = np.concatenate([self.gates.transpose(1, 0, 2), self.h[None], self.c[None]])[None]
        return GateActivity(
            step=0, cell="lstm", hidden_size=self.h.shape[1], text=self.letters, targets=(),
            channels=(*BLOCKS, "h", "c"), units=np.arange(self.h.shape[1]), values=values,
            initial=np.zeros((1, 2, self.h.shape[1])),
        )  # fmt: skip

    def times(self, cell: str) -> float:
        """How many times as many parameters as the vanilla RNN a kind of cell has."""
        return self.parameters[self.cells.index(cell)] / self.parameters[self.cells.index("rnn_tanh")]

    @property
    def answer(self) -> str:
        """How many times as many parameters the LSTM has."""
        times = self.times("lstm")
        return _WORDS.get(int(times), "") if times == int(times) else ""

    @property
    def numbers(self) -> dict[str, str]:
        """Sizes, parameters, and how exactly the parts make the whole."""
        rows, columns = self.weight.shape
        size = len(self.bias) // 4
        return {
            "hidden": f"{size}",
            "inputs": f"{columns - size}",
            "rows": f"{rows}",
            "columns": f"{columns}",
            "rnn": f"{self.parameters[0]:,}",
            "gru": f"{self.parameters[1]:,}",
            "lstm": f"{self.parameters[2]:,}",
            "times": f"{self.times('lstm'):g}",
            "gru_times": f"{self.times('gru'):g}",
            "error": f"{self.error:.0e}" if self.error else "0",
            "swapped": f"{self.swapped:.2g}",
        }

    @property
    def proof(self) -> str:
        """Parameters beside the vanilla RNN's."""
        return f"{self.parameters[2]:,} parameters, {self.times('lstm'):g} times the RNN's {self.parameters[0]:,}"

    def frame(self) -> pd.DataFrame:
        """One row per step and unit."""
        import pandas as pd

        steps, size = self.h.shape
        columns = {name: self.gates[:, at].ravel() for at, name in enumerate(BLOCKS)}
        return pd.DataFrame(
            {"t": np.repeat(np.arange(steps), size), "letter": np.repeat(self.letters, size),
             "unit": np.tile(np.arange(size), steps), **columns, "c": self.c.ravel(), "h": self.h.ravel()}
        )  # fmt: skip

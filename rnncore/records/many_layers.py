"""Stacks of one to four layers with equal parameter counts: how well they learn, and the gradient in time and depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ManyLayers(Measured):
    """N stacks, E turns of training so far, gradients of up to L layers over T steps.

    Attributes:
        cell: of all layers.
        layers, residual, sizes, parameters: of each stack: layers, whether inputs are added to outputs, units of each
            layer, and weights in all, (N,).
        steps, curves: training steps at the end of each turn, (E,), and its mean squared error, (N, E).
        scores: on rows never trained on, (N,); nan before the end.
        floor, solved_at: the error of always answering 1, and the one below which the problem is solved.
        first, now: ‖∂L_T/∂h_t‖ before training and now, (N, L, T), the bottom layer first; nan where there is none.
        milliseconds: of a training step, (N,); nan before the first turn.
        length: T.
    """

    kind: ClassVar[str] = "many_layers"

    cell: str
    layers: Array
    residual: Array
    sizes: Array
    parameters: Array
    steps: Array
    curves: Array
    scores: Array
    floor: float
    solved_at: float
    first: Array
    now: Array
    milliseconds: Array
    length: int

    @property
    def names(self) -> list[str]:
        """What each stack is called."""
        return [
            f"{layers} layer{'s' * (layers > 1)}{', residual' * bool(residual)}"
            for layers, residual in zip(self.layers.tolist(), self.residual.tolist(), strict=True)
        ]

    @property
    def solved(self) -> Array:
        """Which stacks have solved the problem, (N,)."""
        return np.nan_to_num(self.scores, nan=np.inf) < self.solved_at

    @property
    def best(self) -> int:
        """The place of the stack with the smallest error; of the first one where none is known."""
        return int(np.argmin(np.nan_to_num(self.scores, nan=np.inf)))

    @property
    def answer(self) -> str:
        """Which is best of one layer, four as they are, and four with residual connections."""
        if self.share < 1 or not np.isfinite(self.scores).any():
            return ""
        places = {"one": 0, "plain": self._place(4, residual=False), "residual": self._place(4, residual=True)}
        return min(places, key=lambda name: np.nan_to_num(self.scores[places[name]], nan=np.inf))

    @property
    def numbers(self) -> dict[str, str]:
        """Errors, and what depth does to gradient and clock."""
        plain, shortcut = self._place(4, residual=False), self._place(4, residual=True)
        found = {f"error_{n}": _error(self.scores[self._place(n, residual=False)]) for n in (1, 2, 3, 4)}
        found |= {f"residual_{n}": _error(self.scores[self._place(n, residual=True)]) for n in (2, 3, 4)}
        best = self.best
        return found | {
            "parameters": f"{round(float(self.parameters.mean()), -2):,.0f}",
            "best": self.names[best],
            "best_error": _error(self.scores[best]),
            "down": f"{self._down(plain):.2g}",
            "down_residual": f"{self._down(shortcut):.2g}",
            "time": f"{self.milliseconds[plain] / self.milliseconds[0]:.2g}",
            "length": f"{self.length}",
        }

    def _place(self, layers: int, *, residual: bool) -> int:
        (places,) = np.nonzero((self.layers == layers) & (self.residual == residual))
        return int(places[0])

    def _down(self, place: int) -> float:
        """The last step's gradient at the bottom layer, relative to that at the top one, before training."""
        rows = self.first[place, : self.layers[place], -1]
        return float(rows[0] / rows[-1])

    @property
    def proof(self) -> str:
        """The best stack, and the single layer."""
        return (
            f"best: {self.names[self.best]}, error {_error(self.scores[self.best])}; 1 layer {_error(self.scores[0])}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per stack."""
        import pandas as pd

        return pd.DataFrame(
            {"num_layers": self.layers, "residual": self.residual, "hidden_size": self.sizes,
             "parameters": self.parameters, "error": self.scores, "milliseconds": self.milliseconds}
        )  # fmt: skip


def _error(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else "no number at all"

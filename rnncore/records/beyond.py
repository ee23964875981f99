"""Recurrent networks, a TCN and a transformer on two tasks: curves, scores, and how far each looks back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

RECURRENT = ("rnn_tanh", "lstm", "gru")
SOLVED = 0.95
"""Share of right answers from which a task counts as solved."""
RECALL, PARITY = 0, 1
SAME, LONGER = 0, 1


@dataclass(frozen=True, kw_only=True)
class Beyond(Measured):
    """N networks on two tasks, E turns of training so far.

    Attributes:
        networks: their cells' names.
        sizes, layers, parameters: units, layers and numbers of each on recall, (N,).
        steps, curves: recall: training steps at the end of each turn, (E,), mean loss of the turn in bits, (N, E).
        parity_steps, parity_curves: the same of parity.
        scores: share of right answers, (N, 2, 2): recall and parity; at lengths of training, and at longer ones; nan
            before the end.
        first, reach: ‖∂L_T/∂x_t‖ on recall, lag 0 first, before training and now, (N, T).
        milliseconds: of a training step on recall, (N,); nan before the first turn.
        attention: of the transformer on one sequence of recall, (L, heads, T, T): a row asks, a column is asked.
        text: what that sequence's steps read.
        length: T.
        field: steps that the TCN on recall sees.
    """

    kind: ClassVar[str] = "beyond"

    networks: tuple[str, ...]
    sizes: Array
    layers: Array
    parameters: Array
    steps: Array
    curves: Array
    parity_steps: Array
    parity_curves: Array
    scores: Array
    first: Array
    reach: Array
    milliseconds: Array
    attention: Array
    text: tuple[str, ...]
    length: int
    field: int

    def solves(self, task: int, at: int) -> frozenset[str]:
        """The networks that do."""
        scores = np.nan_to_num(self.scores[:, task, at])
        return frozenset(name for name, score in zip(self.networks, scores, strict=True) if score >= SOLVED)

    @property
    def answer(self) -> str:
        """Which kind of network solves which task: recall at lengths of training, parity at longer ones."""
        if self.share < 1:
            return ""
        recall, parity = self.solves(RECALL, SAME), self.solves(PARITY, LONGER)
        old = {task for task, who in enumerate((recall, parity)) if who & set(RECURRENT)}
        new = {task for task, who in enumerate((recall, parity)) if who - set(RECURRENT)}
        if old == new:
            return "alike"
        return "recurrent" if old > new else "beyond" if new > old else "each"

    @property
    def numbers(self) -> dict[str, str]:
        """Scores of each network, in per cent, and what the TCN can see."""
        found = {"length": f"{self.length}", "twice": f"{2 * self.length}", "field": f"{self.field}",
                 "parameters": f"{round(float(np.mean(self.parameters)), -2):,.0f}"}  # fmt: skip
        lstm = self.milliseconds[self.networks.index("lstm")]
        for row, name in enumerate(self.networks):
            short = name.removesuffix("_tanh")
            for task, called in enumerate(("recall", "parity")):
                for at, where in enumerate(("", "_longer")):
                    score = self.scores[row, task, at]
                    found[f"{short}_{called}{where}"] = f"{100 * score:.0f} %" if np.isfinite(score) else "no answer"
            found[f"{short}_time"] = f"{self.milliseconds[row] / lstm:.2g}"
        beyond_field = self.reach[self.networks.index("tcn")][self.field :]
        found["outside"] = f"{np.abs(beyond_field).max():g}" if len(beyond_field) else "0"
        return found

    @property
    def proof(self) -> str:
        """Who solves what."""
        n = self.numbers
        return (
            f"recall: LSTM {n['lstm_recall']}, TCN {n['tcn_recall']}, transformer {n['transformer_recall']}; parity on "
            f"longer ones: {n['lstm_parity_longer']}, {n['tcn_parity_longer']}, {n['transformer_parity_longer']}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per network."""
        import pandas as pd

        return pd.DataFrame(
            {"network": self.networks, "hidden_size": self.sizes, "num_layers": self.layers,
             "parameters": self.parameters, "milliseconds": self.milliseconds, "recall": self.scores[:, 0, 0],
             "recall_longer": self.scores[:, 0, 1], "parity": self.scores[:, 1, 0],
             "parity_longer": self.scores[:, 1, 1]}
        )  # fmt: skip

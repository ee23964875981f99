"""Gates and states of one sequence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
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
    ``initial[l, s, u]`` is the state before the first step, h and then c; empty in records that know none.
    ``parts`` is empty where all layers are alike; else it says of each layer what of the arrays is its own (the rest
    is nan): cell, hidden_size, steps, channels, numbers of the units; None for one that did not run. See ``of_layer``.
    """

    kind: ClassVar[str] = "gate_activity"

    cell: str
    hidden_size: int
    text: tuple[str, ...]  # T characters read
    targets: tuple[str, ...]  # T characters wanted
    channels: tuple[str, ...]  # K symbols
    units: Array  # (U,)
    values: Array  # (L, K, T, U)
    initial: Array = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))  # (L, S, U) or (0, 0, 0)
    parts: tuple[dict[str, Any] | None, ...] = ()  # (L,) or empty

    @property
    def states(self) -> tuple[str, ...]:
        """h, and c where there is one."""
        return tuple(symbol for symbol in ("h", "c") if symbol in self.channels)

    def channel(self, layer: int, symbol: str) -> Array:
        """Values of one channel of one layer, (T, U)."""
        return self.values[layer, self.channels.index(symbol)]

    def of_layer(self, layer: int) -> GateActivity:
        """That layer alone, without what other layers have more of."""
        one = slice(layer, layer + 1)
        alone = dataclasses.replace(self, values=self.values[one], initial=self.initial[one], parts=())
        part = self.parts[layer] if self.parts else None
        if part is None:
            return alone
        channels, steps, units = tuple(part["channels"]), part["steps"], len(part["numbers"])
        rows = [self.channels.index(symbol) for symbol in channels]
        states = [self.states.index(symbol) for symbol in self.states if symbol in channels]
        return dataclasses.replace(
            alone,
            cell=part["cell"],
            hidden_size=part["hidden_size"],
            text=self.text[:steps],
            targets=self.targets[:steps],
            channels=channels,
            units=np.array(part["numbers"]),
            values=alone.values[:, rows, :steps, :units],
            initial=alone.initial[:, states, :units],
        )

    def ran(self, layer: int) -> bool:
        """Whether the layer was called in that step."""
        return not self.parts or self.parts[layer] is not None

    def before(self, layer: int, symbol: str) -> Array:
        """A state as each step found it, (T, U): nan at the first one where the initial state is not known."""
        after = self.channel(layer, symbol)
        first = np.full_like(after[:1], np.nan)
        if len(self.initial):
            first[0] = self.initial[layer, self.states.index(symbol)]
        return np.concatenate([first, after[:-1]])

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

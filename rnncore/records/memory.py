"""How long each unit remembers, and what its gates do on average."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class MemoryTimescale(Record):
    """Memory timescale 1/(1 - gate) of each unit, in steps, from the gate that keeps the state (LSTM f, GRU z).

    ``leak[l, h]`` is 1 - gate, the mean over all steps and probed sequences: what a unit lets go at each step.
    It is kept in place of the gate's mean, because near 1 float32 has no digits left for the difference.
    It is nan for a unit with a value that is not finite. A cell without such a gate has ``gate`` '' and a leak of
    shape (L, 0). Source: Tallec & Ollivier 2018, arXiv:1804.11188.

    ``levels[l, k, u]`` sums up channel ``channels[k]`` of unit ``units[u]``: the mean of a sigmoid gate, the mean
    magnitude of a tanh gate or a state.

    ``parts`` is empty where all layers are alike; else it says of each layer what is its own (the rest is nan): cell,
    gate, leaks (how many), channels, numbers of the units; None for one that did not run. See ``of_layer``.
    """

    kind: ClassVar[str] = "memory"

    cell: str
    gate: str
    window: int  # T, steps that the gradient travels
    sequences: int  # probed, of the batch
    leak: Array  # (L, H) or (L, 0)
    channels: tuple[str, ...]  # K symbols
    units: Array  # (U,)
    levels: Array  # (L, K, U)
    parts: tuple[dict[str, Any] | None, ...] = ()  # (L,) or empty

    def of_layer(self, layer: int) -> MemoryTimescale:
        """That layer alone, without what other layers have more of."""
        one = slice(layer, layer + 1)
        alone = dataclasses.replace(self, leak=self.leak[one], levels=self.levels[one], parts=())
        part = self.parts[layer] if self.parts else None
        if part is None:
            return alone
        rows = [self.channels.index(symbol) for symbol in part["channels"]]
        return dataclasses.replace(
            alone,
            cell=part["cell"],
            gate=part["gate"],
            leak=alone.leak[:, : part["leaks"]],
            channels=tuple(part["channels"]),
            units=np.array(part["numbers"]),
            levels=alone.levels[:, rows, : len(part["numbers"])],
        )

    @property
    def timescale(self) -> Array:
        """Steps, (L, H) or (L, 0): infinite for a unit whose gate is 1 to the last digit."""
        with np.errstate(divide="ignore"):
            return 1 / self.leak.astype(np.float64)

    def of_units(self, layer: int) -> Array:
        """The time scale of each unit in steps; without a gate that keeps the state, its mean |h|. Ascending,
        nan left out."""
        values = self.timescale[layer] if self.gate else self.levels[layer, self.channels.index("h")]
        return np.sort(values[~np.isnan(values)]).astype(np.float64)

    def frame(self) -> pd.DataFrame:
        """One row per layer and unit; the levels are those of the units kept."""
        import pandas as pd

        layers, channels, _ = self.levels.shape
        size = max(self.leak.shape[1], int(self.units.max(initial=-1)) + 1)
        columns = {
            "training_step": np.full(layers * size, self.step),
            "layer": np.repeat(np.arange(layers), size),
            "unit": np.tile(np.arange(size), layers),
        }
        if self.gate:
            columns["timescale"] = self.timescale.ravel()
        for k in range(channels):
            level = np.full((layers, size), np.nan)
            level[:, self.units] = self.levels[:, k]
            columns[f"mean_{self.channels[k]}"] = level.ravel()
        table = pd.DataFrame(columns)
        return table if self.gate else table.dropna()

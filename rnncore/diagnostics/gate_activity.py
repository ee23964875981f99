"""Gate, hidden and cell values of one sequence, beside the characters that were read."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncore.cells import CELLS
from rnncore.records import GateActivity

MOST_UNITS = 128
"""Units kept per layer: more rows than a screen shows, few enough that a trace stays small."""


def gate_activity(
    layers: list[Any], *, cell: str, step: int, text: list[str], targets: list[str], sequence: int = 0
) -> GateActivity:
    """The record of one probed sequence.

    Args:
        layers: one trace per layer (see ``rnncore.probe``), arrays (T, B, H).
        cell: the cell's name in the registry.
        step: completed training steps.
        text: the T characters read.
        targets: the T characters wanted.
        sequence: which of the B sequences.
    """
    symbols = [gate.symbol for gate in CELLS[cell].gates]
    channels = [*symbols, "h", *(["c"] if layers[0].cell is not None else [])]
    size = layers[0].hidden.shape[-1]
    units = np.unique(np.linspace(0, size - 1, min(size, MOST_UNITS)).round().astype(np.int64))
    values = np.stack(
        [
            np.stack([_channel(trace, symbol)[:, sequence].detach().cpu().numpy() for symbol in channels])
            for trace in layers
        ]
    )
    return GateActivity(
        step=step,
        cell=cell,
        hidden_size=size,
        text=tuple(text),
        targets=tuple(targets),
        channels=tuple(channels),
        units=units,
        values=values[..., units].astype(np.float32),
    )


def _channel(trace: Any, symbol: str) -> Any:
    if symbol == "h":
        return trace.hidden
    return trace.cell if symbol == "c" else trace.gates[symbol]

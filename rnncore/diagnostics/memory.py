"""How long each unit remembers: 1/(1 - gate), from the gate that keeps its state.

Of the cell state c_{t-1}, an LSTM keeps the share f_t, and a GRU keeps the share z_t of h_{t-1}. A state that is
multiplied with the same f at each step has decayed to 1/e after about 1/(1 - f) steps: f = .5 → 2, f = .99 → 100.
Source: Tallec & Ollivier 2018, arXiv:1804.11188, section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncore.cells import CELLS
from rnncore.diagnostics.gate_activity import channel, channels_of, keeping_gate, units_kept
from rnncore.records import Array, MemoryTimescale


def memory_timescale(layers: list[Any], *, cell: str, step: int) -> MemoryTimescale:
    """The record of one probe: means over all steps and probed sequences.

    Args:
        layers: one trace per layer (see ``rnncore.probe``), arrays (T, B, H).
        cell: the cell's name in the registry.
        step: completed training steps.
    """
    gate, channels = keeping_gate(cell), channels_of(cell)
    steps, sequences, size = layers[0].hidden.shape
    units = units_kept(size)
    leak = np.array([_mean(1 - channel(trace, gate)) for trace in layers]) if gate else np.zeros((len(layers), 0))
    levels = [[_level(trace, cell, symbol)[units] for symbol in channels] for trace in layers]
    return MemoryTimescale(
        step=step,
        cell=cell,
        gate=gate,
        window=steps,
        sequences=sequences,
        leak=np.where(np.isfinite(leak), leak, np.nan).astype(np.float32),
        channels=channels,
        units=units,
        levels=np.array(levels, np.float32),
    )


def _level(trace: Any, cell: str, symbol: str) -> Array:
    """The mean of a sigmoid gate, else the mean magnitude, (H,)."""
    values = channel(trace, symbol)
    sigmoid = any(gate.sigmoid for gate in CELLS[cell].gates if gate.symbol == symbol)
    return _mean(values if sigmoid else values.abs())


def _mean(values: Any) -> Array:
    """Over steps and sequences: (T, B, H) → (H,)."""
    mean: Array = values.detach().mean((0, 1)).cpu().numpy()
    return mean

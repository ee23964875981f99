"""How often each unit's gates are shut or fully open."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncore.cells import CELLS
from rnncore.records import Array, Saturation

SHUT, OPEN = 0.1, 0.9
"""Karpathy, Johnson, Fei-Fei 2015, arXiv:1506.02078, section 4.2."""

H_ENDS_AT_1 = frozenset({"rnn_tanh", "orthogonal"})
"""Of the cells without a sigmoid gate those whose h is a tanh; that of the others has no end to saturate at."""


def saturation(layers: list[Any], *, cell: str, step: int) -> Saturation:
    """Share of (step, sequence) pairs in which a gate is < .1 (left) or > .9 (right), for each unit.

    It is nan for a unit with a value that is not finite.

    Args:
        layers: one trace per layer (see ``rnncore.probe``), arrays (T, B, H).
        cell: the cell's name in the registry; one without sigmoid gates is counted on |h|.
        step: completed training steps.
    """
    gates = [gate.symbol for gate in CELLS[cell].gates if gate.sigmoid]
    left, right = [], []
    for trace in layers:
        values = [trace.gates[symbol] for symbol in gates] if gates else [trace.hidden.abs()]
        left.append([_share(value < SHUT, value) for value in values])
        right.append([_share(value > OPEN, value) for value in values])
    return Saturation(step=step, cell=cell, gates=tuple(gates or ["h"]), left=np.array(left), right=np.array(right))


def _share(counted: Any, values: Any) -> Array:
    """Of (T, B, H), the share of (t, b) that counts, (H,); nan for a unit with a value that is not finite."""
    share: Array = (counted.float().mean((0, 1)) + 0 * values.sum((0, 1))).cpu().numpy()
    return share

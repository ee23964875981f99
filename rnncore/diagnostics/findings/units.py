"""What the units say: dead, saturated, or with a memory shorter than the task needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnncore.cells import CELLS
from rnncore.diagnostics.findings.finding import GATES, SATURATION, TIMESCALE, Finding
from rnncore.diagnostics.gate_activity import still
from rnncore.diagnostics.saturation import H_ENDS_AT_1
from rnncore.records import GateActivity, MemoryTimescale, Saturation

DEAD_SHARE = 0.1
"""Share of a layer's units that never move. A healthy layer has none; a tenth is lost capacity that one would notice.
Units that a ReLU has cut off for good: Lu et al. 2019, arXiv:1903.06733."""
AT_ENDS = 0.95
"""Share of steps that a gate spends below .1 or above .9 (the bounds of Karpathy et al. 2015, arXiv:1506.02078) to
count as saturated: its slope is then at most .09, of .25 in the middle. A tanh above .9 keeps less than .19 of it
(Glorot & Bengio 2010)."""
SATURATED_SHARE = 0.25
"""Share of a layer's units all of whose gates are saturated. Single gates may well be: an open forget gate is memory,
and chrono initialisation shuts input gates; the output gate is free then."""
SLOWEST = 90
"""Percentile of the time scales that is held against the lag: some units must remember that long, not all."""
LEFT_OVER = 0.05
"""A unit whose time scale is a third of the lag keeps exp(-3) = 5 % of what it stored. Time scales should reach the
longest dependency: Tallec & Ollivier 2018, arXiv:1804.11188."""


def dead_units(gates: GateActivity | None, names: Sequence[str] = ()) -> Finding | None:
    """Units whose h stays the same all along the sequence, in the layer that has most of them."""
    if gates is None:
        return None
    layers = [gates.of_layer(layer) for layer in range(len(gates.values))]
    dead = [still(one, 0) for one in layers]
    shares = np.array([float(row.mean()) if len(row) else 0.0 for row in dead])
    layer = int(shares.argmax())
    if shares[layer] < DEAD_SHARE:
        return None
    count, size = int(dead[layer].sum()), len(dead[layer])
    instead = "use tanh in place of ReLU" if layers[layer].cell == "rnn_relu" else "start anew with smaller weights"
    return Finding(
        "dead_units",
        "warning",
        f"{count} of {size} units of {_name(names, layer)} never move while a sequence is read",
        {"share": float(shares[layer]), "units": float(count), "layer": float(layer), "step": float(gates.step)},
        f"lower the learning rate, or {instead}",
        GATES,
    )


def saturated_units(saturation: Saturation | None, names: Sequence[str] = ()) -> Finding | None:
    """Units all of whose gates (in a tanh RNN: whose h) are nearly always at their ends: little gradient passes."""
    if saturation is None:
        return None
    shares = np.array([_saturated(saturation.of_layer(layer)) for layer in range(len(saturation.left))])
    layer = int(shares.argmax())
    if shares[layer] < SATURATED_SHARE:
        return None
    gated = any(gate.sigmoid for gate in CELLS[saturation.of_layer(layer).cell].gates)
    what = "all gates shut or fully open" if gated else "|h| above .9"
    return Finding(
        "saturated_units",
        "warning",
        f"Saturated: {shares[layer]:.0%} of the units of {_name(names, layer)} have {what} in nearly every step",
        {"share": float(shares[layer]), "layer": float(layer), "step": float(saturation.step)},
        "lower the learning rate or the recurrent gain; smaller inputs and weight decay help, too",
        SATURATION,
    )


def _saturated(one: Saturation) -> float:
    """The share of a layer's units that are; where h has no end, none."""
    if one.gates == ("h",) and one.cell not in H_ENDS_AT_1:
        return 0.0
    ends = one.right[0] if one.gates == ("h",) else one.left[0] + one.right[0]  # (G, H)
    return float(np.mean((ends >= AT_ENDS).all(0))) if ends.size else 0.0


def memory(record: MemoryTimescale | None, lag: float | None, names: Sequence[str] = ()) -> Finding | None:
    """Whether even the slowest units forget before the task's lag is over.

    None without a lag, or for a cell without a gate that keeps its state.

    Args:
        record: time scales of all units.
        lag: steps that the task must be remembered for.
        names: of the layers.
    """
    if record is None or lag is None or not record.leak.size:
        return None
    scales = np.where(np.isfinite(record.timescale), record.timescale, np.nan)
    scales = np.where(record.leak == 0, np.inf, scales)
    usable = [row[~np.isnan(row)] for row in scales]
    slowest = np.array([_percentile(row) for row in usable])
    if not len(slowest) or np.isnan(slowest).all():
        return None
    layer = int(np.nanargmax(slowest))
    reach = float(slowest[layer])
    kept = math.exp(-lag / reach) if reach > 0 else 0.0
    if kept >= LEFT_OVER:
        return None
    return Finding(
        "short_memory",
        "warning",
        f"Memory is shorter than the task's lag of {lag:g} steps: nine units of ten of {_name(names, layer)} forget "
        f"within {reach:.3g} steps",
        {"timescale": reach, "lag": float(lag), "kept": kept, "layer": float(layer), "step": float(record.step)},
        f"use chrono initialisation with t_max {lag:g}, or a {'forget' if record.gate == 'f' else 'update'}-gate bias "
        f"of {math.log(max(lag - 1, 1)):.1f}",
        TIMESCALE,
    )


def _percentile(scales: np.ndarray) -> float:
    return float(np.percentile(scales, SLOWEST, method="lower")) if len(scales) else math.nan


def _name(names: Sequence[str], layer: int) -> str:
    return names[layer] if layer < len(names) else f"layer {layer + 1}"

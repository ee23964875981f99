"""Gate, hidden and cell values of one sequence, beside the characters that were read."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from rnncore.cells import CELLS
from rnncore.diagnostics.saturation import OPEN, SHUT
from rnncore.records import Array, GateActivity

Ranking = Literal["timescale", "saturation", "variance"]

MOST_UNITS = 128
"""Units kept per layer: more rows than a screen shows, few enough that a trace stays small."""
HIGHEST_UNIT = 1000
"""Units of a larger layer are taken from its first thousand: a page's parameters have three digits, and units have no
order, so that the first ones tell as much as any."""
STILL = 1e-3
"""A unit whose h stays within such a span never moves: 64 rows of colour cannot show it, nor a readout use it."""


def units_kept(hidden_size: int) -> Array:
    """The numbers of the units that are kept of each layer, ascending, (U,)."""
    size = min(hidden_size, HIGHEST_UNIT)
    return np.unique(np.linspace(0, size - 1, min(size, MOST_UNITS)).round().astype(np.int64))


def channels_of(cell: str) -> tuple[str, ...]:
    """The letters of all that a cell shows: its gates, h, and c where it has one."""
    kind = CELLS[cell]
    return (*(gate.symbol for gate in kind.gates), "h", *(["c"] if kind.has_cell_state else []))


def keeping_gate(cell: str) -> str:
    """The letter of the gate that keeps the state, '' for a cell without one: that whose bias makes it remember.

    ``(1−f)`` where the state is kept as far as f is shut.
    """
    gates = CELLS[cell].bias_gates
    return next((symbol if sign > 0 else f"(1−{symbol})" for symbol, sign in gates if sign > 0 or len(gates) == 1), "")


def channel(trace: Any, symbol: str) -> Any:
    """One of them, (T, B, H)."""
    if symbol == "h":
        return trace.hidden
    if symbol.startswith("(1−"):
        return 1 - trace.gates[symbol[3:-1]]
    return trace.cell if symbol == "c" else trace.gates[symbol]


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
    channels, size = channels_of(cell), layers[0].hidden.shape[-1]
    units = units_kept(size)
    values = [[_kept(channel(trace, symbol)[:, sequence], units) for symbol in channels] for trace in layers]
    initial = [[_kept(state[sequence], units) for state in trace.initial] for trace in layers]
    return GateActivity(
        step=step,
        cell=cell,
        hidden_size=size,
        text=tuple(text),
        targets=tuple(targets),
        channels=channels,
        units=units,
        values=np.array(values),
        initial=np.array(initial),
    )


def ranking(record: GateActivity, layer: int, by: Ranking) -> Array:
    """What units are sorted by, (U,); nan where one of its values is not finite, or a plain RNN has no such gate.

    ``timescale``: the mean of the gate that keeps the state, with which 1/(1 - gate) grows;
    ``saturation``: the share of steps that its sigmoid gates spend at their ends (a plain RNN: |h| near 1);
    ``variance``: of h over the steps.
    """
    hidden = _or_nan(record.channel(layer, "h"))
    if by == "variance":
        return np.asarray(hidden.var(axis=0))
    if by == "timescale":
        gate = keeping_gate(record.cell)
        values = _or_nan(record.channel(layer, gate)) if gate else np.full_like(hidden, np.nan)
        return np.asarray(values.mean(axis=0))
    gates = [gate.symbol for gate in CELLS[record.cell].gates if gate.sigmoid]
    ended = [_at_ends(_or_nan(record.channel(layer, gate)), SHUT) for gate in gates]
    ended = ended or [_at_ends(np.abs(hidden), -np.inf)]
    return np.asarray(np.mean(ended, axis=(0, 1)))


def still(record: GateActivity, layer: int) -> Array:
    """Which units never move while the sequence is read, (U,) of bool; none where there is one step only."""
    hidden = _or_nan(record.channel(layer, "h"))
    if len(hidden) < 2:
        return np.zeros(hidden.shape[1], bool)
    return np.asarray(np.ptp(hidden, axis=0) < STILL)


def _kept(values: Any, units: Array) -> Array:
    """(..., H) tensor → (..., U) array."""
    kept: Array = values.detach().cpu().numpy()[..., units].astype(np.float32)
    return kept


def _at_ends(values: Array, shut: float) -> Array:
    """1 where a value is at one of its ends, 0 where it is not, nan where it is nan."""
    return np.where(np.isnan(values), np.nan, (values < shut) | (values > OPEN))


def _or_nan(values: Array) -> Array:
    """Float64, nan for what is not finite."""
    return np.where(np.isfinite(values), values, np.nan).astype(np.float64)

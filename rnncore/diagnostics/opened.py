"""Records of any opened model: several modules, layers and directions, of different cells and sizes.

The records of one layer and direction each are laid one behind the other along L. Where sizes differ, the smaller
one is filled up: with nan, or in a gradient flow with 0, the norm of a gradient that does not exist.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.diagnostics.gate_activity import gate_activity
from rnncore.diagnostics.gradient_flow import fit_decay
from rnncore.diagnostics.memory import memory_timescale
from rnncore.diagnostics.saturation import saturation
from rnncore.errors import ProbeError
from rnncore.probe.layers import ModuleTrace
from rnncore.probe.probe import Probe
from rnncore.probe.trace import Trace
from rnncore.records import Array, GateActivity, GradientFlow, MemoryTimescale, Record, Saturation

MOST_STEPS = 512
"""Steps of the gates that are kept, the last ones: as many as a wide screen has columns for."""
LABEL_EVERY = 10
"""Where no tokens are given, so many steps have one number above them."""


@dataclass(frozen=True)
class Direction:
    """One layer and direction of one recurrent module, in the order of the records' axis L."""

    module: str
    layer: int
    reverse: bool
    name: str


def directions(modules: Mapping[str, nn.RNNBase]) -> list[Direction]:
    """All of them, e.g. ``encoder`` or ``decoder 2 ←`` (its second layer's reverse direction).

    What there is only one of is not numbered; a model that is itself the module has ``layer 1``.
    """
    found = []
    for path, module in modules.items():
        for layer in range(module.num_layers):
            for reverse in (False, True)[: 2 if module.bidirectional else 1]:
                words = [path or "layer"]
                words += [str(layer + 1)] if module.num_layers > 1 or not path else []
                words += ["←"] if reverse else []
                found.append(Direction(path, layer, reverse, " ".join(words)))
    return found


def records_of(probe: Probe, *, step: int = 0, tokens: Sequence[str] = ()) -> list[Record]:
    """What a probe saw of any model, as records: gradient flow, gate activity, saturation, memory.

    >>> with rnncore.probe(model) as probe:
    ...     criterion(model(x), y).backward()
    >>> flow, gates, saturation, memory = rnncore.records_of(probe)

    Their axis L holds all layers and directions of all recurrent modules, in the order in which the model has them.
    Without a backward pass inside the with-block there is no gradient flow.

    Args:
        probe: its with-block has ended.
        step: the training step that the records are of.
        tokens: what the batch's first sequence read, one text per step; step numbers stand in for it.

    Raises:
        ProbeError: a layer cannot be replayed, or none ran.
    """
    return opened_records(probe, directions(probe.modules), step=step, tokens=tokens)


def opened_records(
    probe: Mapping[str, ModuleTrace],
    where: Sequence[Direction],
    *,
    step: int = 0,
    tokens: Sequence[str] = (),
    cost_ms: float = 0.0,
) -> list[Record]:
    """Gradient flow (where a backward pass ran), gate activity, saturation and memory of one probed step.

    The gates are those of the batch's first sequence, its last ``MOST_STEPS`` steps.

    Args:
        probe: a probe whose with-block has ended.
        where: what stands along L; a module that did not run leaves blanks there.
        step: completed training steps.
        tokens: what the first sequence's steps read; step numbers stand in for those that are not given.
        cost_ms: what the probe cost, milliseconds.

    Raises:
        ProbeError: a layer cannot be replayed, or none ran.
    """
    stacks = {path: _stack(probe[path]) for path in dict.fromkeys(one.module for one in where) if _ran(probe, path)}
    if not stacks:
        raise ProbeError("no recurrent layer ran; call the model inside the with-block")
    traces = [stacks[one.module][one.layer][int(one.reverse)] if one.module in stacks else None for one in where]
    there = [trace for trace in traces if trace is not None]
    records: list[Record] = [
        _gates([None if t is None else _gates_of(t, step, tokens) for t in traces]),
        _saturation([None if t is None else _saturation_of(t, step) for t in traces]),
        _memory([None if t is None else _memory_of(t, step) for t in traces]),
    ]
    if all(not trace._missing for trace in there):
        last = {path: _last_losses(stack) for path, stack in stacks.items()}
        flows = [last[one.module][one.layer][int(one.reverse)] if one.module in last else None for one in where]
        records.insert(0, _flow(traces, flows, step, cost_ms))
    return records


def _ran(probe: Mapping[str, ModuleTrace], path: str) -> bool:
    return path in set(iter(probe))


def _stack(module: ModuleTrace) -> list[tuple[Trace, ...]]:
    """Per layer its directions: of the only call, of all calls as one sequence, or of the first of several."""
    if len(module.calls) == 1 or not module.chained:
        return [layer.directions for layer in module.calls[0].layers]
    return [(trace,) for trace in module.sequence]


@dataclass(frozen=True)
class _Flow:
    """Gradient norms of one direction by lag: root mean square over sequences, (T,), the lag T-1 first."""

    hidden_total: Array
    hidden_last: Array
    hidden_direct: Array
    cell_total: Array | None
    cell_last: Array | None


@torch.no_grad()
def _last_losses(stack: list[tuple[Trace, ...]]) -> list[tuple[_Flow, ...]]:
    """What arrives at the last step that a direction reads, carried back, for each layer of a module.

    Where something arrives at a direction's last step, it can only come from the losses there. In a one-way stack it
    also travels through the layers above, and joins from there.
    """
    found: list[tuple[_Flow, ...]] = []
    above: Tensor | None = None
    for layer in reversed(stack):
        parts = [_last_loss(trace, above) for trace in layer]
        above = parts[0][1] if len(layer) == 1 else None
        found.append(tuple(flow for flow, _ in parts))
    return found[::-1]


def _last_loss(trace: Trace, above: Tensor | None) -> tuple[_Flow, Tensor]:
    """One direction's norms, and dL/dx_t of the last loss for the layer below."""
    order = trace.order
    hidden = order.direction(trace.grad_hidden)  # as it reads, (T, B, H)
    cell = None if trace.grad_cell is None else order.direction(trace.grad_cell)
    final = _final(hidden, cell)
    arriving = torch.zeros_like(hidden) if above is None else above.clone()
    batch = torch.arange(hidden.shape[1], device=hidden.device)
    arriving[final, batch] = hidden[final, batch]
    back = trace.backward(order.natural(arriving), grad_c_n=_arriving_cell(trace, hidden, cell))
    carried = order.direction(back.grad_hidden)
    carried_cell = None if back.grad_cell is None else order.direction(back.grad_cell)
    rows = [hidden, carried, order.direction(trace.grad_output), cell, carried_cell]
    return _Flow(*[None if row is None else _by_lag(row, final) for row in rows]), back.grad_input  # type: ignore[arg-type]


def _final(hidden: Tensor, cell: Tensor | None) -> Tensor:
    """The last step at which each sequence's gradient is not zero, (B,); 0 where all of it is."""
    there = (hidden != 0).any(-1)  # nan is not 0 either
    if cell is not None:
        there = there | (cell != 0).any(-1)
    steps = torch.arange(1, len(hidden) + 1, device=hidden.device)[:, None]
    return ((there * steps).amax(0) - 1).clamp(min=0)


def _arriving_cell(trace: Trace, hidden: Tensor, cell: Tensor | None) -> Tensor | None:
    """What reaches c_n of an LSTM from outside, (B, H): what h_n does not account for. None for nothing."""
    if cell is None or trace.cell_type.name != "lstm":  # own cells: what is carried beside h ends with the sequence
        return None
    order = trace.order
    if trace.lengths is None:
        last = torch.full((hidden.shape[1],), len(hidden) - 1, device=hidden.device)
    else:
        last = trace.lengths.to(hidden.device) - 1
    batch = torch.arange(hidden.shape[1], device=hidden.device)
    own, gate = order.direction(trace.cell)[last, batch], order.direction(trace.gates["output"])[last, batch]  # type: ignore[arg-type]
    total = cell[last, batch]
    rest = total - hidden[last, batch] * gate * (1 - own.tanh().square())
    return rest if bool((rest.abs() > 1e-5 * total.abs()).any()) else None


def _by_lag(gradients: Tensor, final: Tensor) -> Array:
    """Norms over units, root mean square over the sequences that are long enough: (T, B, H) → (T,), lag T-1 first."""
    norms = torch.linalg.vector_norm(gradients, dim=-1, dtype=torch.float64)  # (T, B)
    lags = torch.arange(len(norms) - 1, -1, -1, device=norms.device)[:, None]
    at = final[None, :] - lags
    squares = norms.square().gather(0, at.clamp(min=0))
    there = at >= 0
    mean = torch.where(there, squares, 0.0).sum(1) / there.sum(1).clamp(min=1)
    found: Array = mean.sqrt().cpu().numpy()
    return found


def _flow(traces: list[Trace | None], flows: list[_Flow | None], step: int, cost_ms: float) -> GradientFlow:
    there = [trace for trace in traces if trace is not None]
    length = max(len(flow.hidden_last) for flow in flows if flow is not None)

    def rows(name: str) -> Array:
        found = np.zeros((len(flows), length), np.float32)
        for row, flow in zip(found, flows, strict=True):
            values = None if flow is None else getattr(flow, name)
            if values is not None:
                row[length - len(values) :] = values
        return found

    last = rows("hidden_last")
    fits = [fit_decay(row, np.arange(length - 1, -1, -1)) for row in last]
    cells = any(trace.cell is not None for trace in there)
    none = np.zeros((0, length), np.float32)
    return GradientFlow(
        step=step,
        cell=there[0].cell_type.name,
        sequences=int(there[0].hidden.shape[1]),
        hidden_total=rows("hidden_total"),
        hidden_last=last,
        hidden_direct=rows("hidden_direct"),
        cell_total=rows("cell_total") if cells else none,
        cell_last=rows("cell_last") if cells else none,
        factor=np.array([factor for factor, _ in fits]),
        half_life=np.array([half_life for _, half_life in fits]),
        replay_error=max(trace.replay_error for trace in there),
        cost_ms=cost_ms,
    )


def _gates_of(trace: Trace, step: int, tokens: Sequence[str]) -> GateActivity:
    length = len(trace.hidden) if trace.lengths is None else int(trace.lengths[0])
    text = [*tokens[:length], *(_number(t) for t in range(len(tokens), length))]
    record = gate_activity([trace], cell=trace.cell_type.name, step=step, text=text, targets=[""] * length)
    start = max(0, length - MOST_STEPS)
    initial = record.initial
    if start:
        before = [record.channel(0, symbol)[start - 1] for symbol in record.states]
        initial = np.array([before])
    return dataclasses.replace(
        record,
        text=record.text[start:],
        targets=record.targets[start:],
        values=record.values[:, :, start:length],
        initial=initial,
    )


def _number(t: int) -> str:
    return str(t) if t % LABEL_EVERY == 0 else ""


def _gates(records: list[GateActivity | None]) -> GateActivity:
    there = [record for record in records if record is not None]
    channels = _union(record.channels for record in there)
    longest, widest = max(there, key=lambda one: len(one.text)), max(there, key=lambda one: len(one.units))
    values = [None if one is None else _in_rows(one.values[0], one.channels, channels) for one in records]
    states = [symbol for symbol in ("h", "c") if symbol in channels]
    initial = [None if one is None else _in_rows(one.initial[0], one.states, states) for one in records]
    parts = [
        None
        if one is None
        else {
            "cell": one.cell,
            "hidden_size": one.hidden_size,
            "steps": len(one.text),
            "numbers": one.units.tolist(),
            "channels": list(one.channels),
        }
        for one in records
    ]
    return dataclasses.replace(
        there[0],
        parts=() if _alike(parts) else tuple(parts),
        hidden_size=widest.hidden_size,
        units=widest.units,
        text=longest.text,
        targets=longest.targets,
        channels=channels,
        values=_filled(values),
        initial=_filled(initial),
    )


def _saturation_of(trace: Trace, step: int) -> Saturation:
    return saturation([_valid(trace)], cell=trace.cell_type.name, step=step)


def _saturation(records: list[Saturation | None]) -> Saturation:
    there = [record for record in records if record is not None]
    gates = _union(record.gates for record in there)
    sides = [
        _filled([None if one is None else _in_rows(getattr(one, side)[0], one.gates, gates) for one in records])
        for side in ("left", "right")
    ]
    parts = [
        None if one is None else {"cell": one.cell, "gates": list(one.gates), "units": one.left.shape[-1]}
        for one in records
    ]
    alike = () if _alike(parts) else tuple(parts)
    return dataclasses.replace(there[0], gates=gates, left=sides[0], right=sides[1], parts=alike)


def _memory_of(trace: Trace, step: int) -> MemoryTimescale:
    record = memory_timescale([_valid(trace)], cell=trace.cell_type.name, step=step)
    steps, sequences = trace.hidden.shape[:2]
    return dataclasses.replace(record, window=steps, sequences=sequences)


def _memory(records: list[MemoryTimescale | None]) -> MemoryTimescale:
    there = [record for record in records if record is not None]
    channels = _union(record.channels for record in there)
    widest = max(there, key=lambda one: len(one.units))
    parts = [
        None
        if one is None
        else {
            "cell": one.cell,
            "gate": one.gate,
            "leaks": one.leak.shape[1],
            "channels": list(one.channels),
            "numbers": one.units.tolist(),
        }
        for one in records
    ]
    return dataclasses.replace(
        there[0],
        parts=() if _alike(parts) else tuple(parts),
        gate=next((one.gate for one in there if one.gate), ""),
        window=max(one.window for one in there),
        leak=_filled([None if one is None else one.leak[0] for one in records]),
        channels=channels,
        units=widest.units,
        levels=_filled([None if one is None else _in_rows(one.levels[0], one.channels, channels) for one in records]),
    )


def _valid(trace: Trace) -> Any:
    """The trace's states and gates without what lies beyond a sequence's length, (T·B of them, 1, H)."""
    if trace.lengths is None:
        return trace
    steps = torch.arange(len(trace.hidden), device=trace.hidden.device)[:, None]
    keep = steps < trace.lengths.to(trace.hidden.device)[None, :]
    gates = {gate.symbol: trace.gates[gate.symbol][keep].unsqueeze(1) for gate in trace.cell_type.gates}
    cell = None if trace.cell is None else trace.cell[keep].unsqueeze(1)
    return SimpleNamespace(hidden=trace.hidden[keep].unsqueeze(1), cell=cell, gates=gates)


def _alike(parts: Sequence[dict[str, Any] | None]) -> bool:
    return all(part == parts[0] for part in parts)


def _union(names: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The first's, then what only others have."""
    return tuple(dict.fromkeys(name for some in names for name in some))


def _in_rows(values: Array, names: Sequence[str], wanted: Sequence[str]) -> Array:
    """Rows by their names, in another order; nan for those that are not there."""
    found = np.full((len(wanted), *values.shape[1:]), np.nan, values.dtype)
    found[[list(wanted).index(name) for name in names]] = values
    return found


def _filled(arrays: Sequence[Array | None]) -> Array:
    """Stacked along a new first axis; what is missing or smaller is filled up with nan."""
    there = [array for array in arrays if array is not None]
    shape = tuple(int(size) for size in np.max([array.shape for array in there], axis=0))
    found = np.full((len(arrays), *shape), np.nan, np.float32)
    for row, array in zip(found, arrays, strict=True):
        if array is not None:
            row[tuple(slice(size) for size in array.shape)] = array
    return found

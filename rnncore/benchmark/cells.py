"""Every cell's layer against torch's fused LSTM of the same size, and what opening it costs.

A step is a forward and a backward pass of one layer over (T, B, H) with as many inputs as units; all cells take turns
within one run, on one CPU thread. The probe opens 8 sequences of such a step, eagerly, and all gradients are read; its
cost is the difference to the same step without it, as a share of that step. Hand-made replays cost a fraction; the
generic one (``cells.stepwise``) evaluates each step by itself.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import Tensor

from rnncore.benchmark.sides import one_thread
from rnncore.cells import CELLS
from rnncore.probe import probe

SIZES = ((64, 32, 128), (500, 8, 64))
"""T, B and H of the cases."""
OPENED = 8
NAMES = tuple(name for name in CELLS if name != "conv_lstm")
COLUMNS = ("cell", "T", "B", "H", "step_ms", "per_fused_lstm", "probe_share", "replay", "rounds")


def measure(seconds_per_case: float = 20.0) -> list[dict[str, Any]]:
    """One row for each cell and size."""
    with one_thread():
        return [row for size in SIZES for row in measure_case(size, seconds_per_case)]


def measure_case(size: tuple[int, int, int], seconds: float) -> list[dict[str, Any]]:
    """All cells at one size: medians over rounds in which each takes a step without a probe and one with it."""
    steps, batch, hidden = size
    torch.manual_seed(0)
    x = torch.randn(steps, batch, hidden)
    layers = {name: CELLS[name].layer(hidden, hidden) for name in NAMES}
    bare: dict[str, list[float]] = {name: [] for name in NAMES}
    probed: dict[str, list[float]] = {name: [] for name in NAMES}
    for layer in layers.values():
        _step(layer, x, opened=False)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(bare["lstm"]) < 3:
        for name, layer in layers.items():
            bare[name].append(_step(layer, x, opened=False))
            probed[name].append(_step(layer, x, opened=True))
    lstm = statistics.median(bare["lstm"])
    rows = []
    for name in NAMES:
        step = statistics.median(bare[name])
        cost = statistics.median(b - a for a, b in zip(bare[name], probed[name], strict=True))
        cell = CELLS[name]
        replay = "none needed" if not cell.recurrent else "by hand" if cell.hand_made else "step by step"
        rows.append(
            {"cell": name, "T": steps, "B": batch, "H": hidden, "step_ms": step, "per_fused_lstm": step / lstm,
             "probe_share": cost / step, "replay": replay, "rounds": len(bare[name])}
        )  # fmt: skip
    return rows


def _step(layer: Any, x: Tensor, *, opened: bool) -> float:
    """Milliseconds of a forward and backward pass, with all that a trace has where it is opened."""
    start = time.perf_counter()
    if opened:
        with probe(layer, sequences=OPENED) as found:
            layer(x)[0].square().sum().backward()
        trace = found[""].layers[0].forward
        _ = trace.grad_hidden, trace.gates, trace.grad_gates
    else:
        layer(x)[0].square().sum().backward()
    spent = 1000 * (time.perf_counter() - start)
    layer.zero_grad()
    return spent

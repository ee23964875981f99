"""Parameters, speed and reach of every cell, one after the other and then by turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.cells import CELLS
from rnncore.diagnostics.gradient_flow import fit_decay
from rnncore.lecture.cells import CellsSettings
from rnncore.probe import probe
from rnncore.records.cells import Cells

INPUTS = 32
NAMES = tuple(name for name, cell in CELLS.items() if cell.recurrent and name != "conv_lstm")
"""ConvLSTM reads pictures only, and networks without a state hand on no gradient: they have pages of their own."""


def measure(settings: CellsSettings) -> Iterator[Cells]:
    """A record after each cell's gradient, and after each turn of the clock."""
    generator = torch.Generator().manual_seed(settings.seed)
    x = torch.randn(settings.length, settings.batch, INPUTS, generator=generator)
    layers = [_layer(name, settings) for name in NAMES]
    parameters = np.array([sum(one.numel() for one in layer.parameters()) for layer in layers])
    norms = np.full((len(NAMES), settings.length), np.nan)
    times = np.full((len(NAMES), settings.turns), np.nan)
    total = len(NAMES) + settings.turns

    def record(done: int, doing: str) -> Cells:
        return Cells(
            share=done / total, doing=doing, cells=NAMES, parameters=parameters, norms=norms.copy(),
            factors=factors(norms), milliseconds=times.copy(), length=settings.length, hidden_size=settings.hidden_size,
            batch=settings.batch,
        )  # fmt: skip

    for row, (name, layer) in enumerate(zip(NAMES, layers, strict=True)):
        norms[row] = reach(layer, x)
        yield record(row + 1, f"the gradient of {name}")
    for layer in layers:
        _step(layer, x)  # once to warm up
    for turn in range(settings.turns):
        for row, layer in enumerate(layers):
            times[row, turn] = _step(layer, x)
        last = turn + 1 == settings.turns
        yield record(len(NAMES) + turn + 1, "" if last else f"turn {turn + 2} of {settings.turns} of the clock")


def _layer(name: str, settings: CellsSettings) -> Any:
    with torch.random.fork_rng(devices=[]):
        layer = CELLS[name].layer(INPUTS, settings.hidden_size)
    CELLS[name].initialise(layer, generator=torch.Generator().manual_seed(settings.seed))
    return layer


def reach(layer: nn.Module, x: Tensor) -> np.ndarray[Any, Any]:
    """‖∂L/∂s_t‖ for L = ½ ‖h_T‖², lag 0 first, (T,)."""
    with probe(layer) as found:
        (0.5 * layer(x)[0][-1].square().sum()).backward()
    layer.zero_grad()
    trace = found[""].layers[0].forward
    square = trace.grad_hidden.double().square().sum((1, 2))
    if trace.grad_carried is not None:
        square = square + trace.grad_carried.double().square().sum((1, 2))
    norms: np.ndarray[Any, Any] = square.sqrt().flip(0).numpy()
    return norms


def factors(norms: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The fitted factor per step of each row; nan where nothing is known yet."""
    lags = np.arange(norms.shape[1])
    return np.array([fit_decay(row, lags)[0] if np.isfinite(row).any() else np.nan for row in norms])


def _step(layer: Any, x: Tensor) -> float:
    """Milliseconds of a forward and backward pass."""
    start = time.perf_counter()
    layer(x)[0].square().sum().backward()
    spent = 1000 * (time.perf_counter() - start)
    layer.zero_grad()
    return spent

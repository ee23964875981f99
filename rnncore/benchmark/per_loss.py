"""The per-loss matrix ‖∂L_τ/∂h_t‖ in one backward recurrence, against T calls of ``torch.autograd.grad``.

Both sides start from a finished forward pass (the probed step; the same layer as a loop of torch's cells, whose
states autograd can reach) and end with the same matrix of norms, with the gradients of c where there are any. The
calls are made as one would write them, on the losses of one readout over all steps, whose backward pass visits all
steps; and, to be fair, ``pruned`` by hand: a readout of its own for each loss, and only the states before it. All take
turns within one run, on one CPU thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnncore.benchmark.probe import CELL_NAMES, VOCABULARY, Reader
from rnncore.benchmark.sides import one_thread
from rnncore.diagnostics.gradient_flow import sequence_norms
from rnncore.diagnostics.per_loss import per_loss_matrix
from rnncore.probe import probe
from rnncore.records import Array

STEPS, BATCH, HIDDEN = 64, 8, 128
COLUMNS = (
    "cell", "T", "B", "H", "carried_ms", "autograd_calls_ms", "times_faster",
    "pruned_calls_ms", "times_faster_than_pruned", "largest_difference", "rounds",
)  # fmt: skip


class ByCalls:
    """One layer as a loop of cells, and one backward pass for each loss."""

    def __init__(self, model: Reader, ids: Tensor):
        layer: Any = model.layer
        step: Any = {"RNN": torch.rnn_tanh_cell, "LSTM": torch.lstm_cell, "GRU": torch.gru_cell}[type(layer).__name__]
        self.model, self.targets = model, ids[1:]
        self.hidden: list[Tensor] = []
        self.cells: list[Tensor] = []
        state: Any = torch.zeros(BATCH, HIDDEN, requires_grad=True)
        if isinstance(layer, torch.nn.LSTM):
            state = state, state
        for x in model.embedding(ids[:-1]).unbind(0):
            state = step(x, state, *layer._flat_weights)
            self.hidden.append(state[0] if isinstance(state, tuple) else state)
            self.cells += [state[1]] if isinstance(state, tuple) else []
        logits = model.readout(torch.stack(self.hidden))
        self.losses = cross_entropy(logits.flatten(0, 1), self.targets.flatten(), reduction="none")
        self.losses = self.losses.view(STEPS, BATCH).mean(1)

    def as_written(self) -> Array:
        """‖∂L_τ/∂h_t‖, (T, T)."""
        rows = [torch.autograd.grad(loss, self.hidden + self.cells, retain_graph=True) for loss in self.losses]
        return np.stack([sequence_norms(torch.stack(row[:STEPS]), 1.0) for row in rows])

    def pruned(self) -> Array:
        """The same, each call asking only for the states before its loss."""
        found = np.zeros((STEPS, STEPS))
        for tau in range(STEPS):
            loss = cross_entropy(self.model.readout(self.hidden[tau]), self.targets[tau])
            states = self.hidden[: tau + 1] + self.cells[: tau + 1]
            row = torch.autograd.grad(loss, states, retain_graph=True)
            found[tau, : tau + 1] = sequence_norms(torch.stack(row[: tau + 1]), 1.0)
        return found


def measure_case(cell: str, seconds: float) -> dict[str, Any]:
    """Medians of one cell in milliseconds, their ratio, and how far the two matrices are apart."""
    torch.manual_seed(0)
    model = Reader(cell, HIDDEN)
    ids = torch.randint(VOCABULARY, (STEPS + 1, BATCH), generator=torch.Generator().manual_seed(0))
    with probe(model) as opened:
        losses = cross_entropy(model(ids[:-1]).flatten(0, 1), ids[1:].flatten(), reduction="sum")
        (losses / BATCH).backward()
    layers, calls = opened["layer"].layers, ByCalls(model, ids)
    parts: dict[str, Callable[[], Array]] = {
        "carried_ms": lambda: per_loss_matrix(layers).hidden[0],
        "autograd_calls_ms": calls.as_written,
        "pruned_calls_ms": calls.pruned,
    }
    found, wanted, _ = (part() for part in parts.values())
    times: dict[str, list[float]] = {name: [] for name in parts}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["carried_ms"]) < 5:
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            times[name].append(1000 * (time.perf_counter() - start))
    row: dict[str, Any] = {"cell": cell, "T": STEPS, "B": BATCH, "H": HIDDEN}
    row |= {name: statistics.median(values) for name, values in times.items()}
    row["times_faster"] = row["autograd_calls_ms"] / row["carried_ms"]
    row["times_faster_than_pruned"] = row["pruned_calls_ms"] / row["carried_ms"]
    row["largest_difference"] = float(np.abs(found - wanted).max() / wanted.max())
    row["rounds"] = len(times["carried_ms"])
    return row


def measure(seconds_per_case: float = 5.0) -> list[dict[str, Any]]:
    """All cells, on one thread; one row each."""
    with one_thread():
        return [measure_case(cell, seconds_per_case) for cell in CELL_NAMES]

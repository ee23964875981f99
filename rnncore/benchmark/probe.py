"""What a probe costs, against the training step that it looks at and against the loop that people write by hand.

All parts of a case take turns within one run, on one CPU thread, and medians are compared, so that a busy
machine disturbs all of them alike. Run it: ``python -m rnncore.benchmark.probe``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.benchmark.sides import one_thread
from rnncore.cells import CELLS
from rnncore.probe import probe

SHAPES = ((64, 32, 128), (100, 50, 256), (500, 16, 32))
"""T steps, B sequences, H units."""
CELL_NAMES = ("rnn_tanh", "lstm", "gru")
SEQUENCES = 8
EMBEDDING, VOCABULARY = 64, 96


class Reader(nn.Module):
    """Embedding, one recurrent layer, readout: the training step that is looked at."""

    def __init__(self, cell: str, hidden_size: int):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.layer = CELLS[cell].layer(EMBEDDING, hidden_size)
        self.readout = nn.Linear(hidden_size, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (T, B) → logits (T, B, V)."""
        return self.readout(self.layer(self.embedding(ids))[0])


class HandWritten(nn.Module):
    """The same by a loop of torch's cells, asking autograd to keep the gradient of every state."""

    def __init__(self, cell: str, hidden_size: int):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        cells: Any = {"rnn_tanh": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
        self.cell = cells[cell](EMBEDDING, hidden_size)
        self.readout = nn.Linear(hidden_size, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (T, B) → logits (T, B, V)."""
        state: Any = None
        hidden = []
        for x in self.embedding(ids).unbind(0):
            state = self.cell(x, state)
            for tensor in state if isinstance(state, tuple) else (state,):
                tensor.retain_grad()
            hidden.append(state[0] if isinstance(state, tuple) else state)
        return self.readout(torch.stack(hidden))


class Step:
    """One training step: forward, cross-entropy, backward, clip, Adam."""

    def __init__(self, model: nn.Module, shape: tuple[int, int, int]):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        generator = torch.Generator().manual_seed(0)
        self.ids = torch.randint(VOCABULARY, (shape[0] + 1, shape[1]), generator=generator)

    def gradients(self) -> None:
        """Forward and backward pass."""
        self.optimizer.zero_grad()
        logits = self.model(self.ids[:-1])
        nn.functional.cross_entropy(logits.flatten(0, 1), self.ids[1:].flatten()).backward()

    def __call__(self) -> None:
        """The whole step."""
        self.gradients()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()


def probe_seconds(step: Step, sequences: int | None) -> float:
    """Seconds of one full probe alone: hooks set and removed, replay, and all read but dL/dx."""
    opened = probe(step.model, sequences)
    start = time.perf_counter()
    opened.__enter__()
    set_up = time.perf_counter() - start
    step.gradients()
    start = time.perf_counter()
    opened.__exit__(None, None, None)
    trace = opened["layer"].layers[0].forward
    for name in ("hidden", "cell", "gates", "grad_hidden", "grad_cell", "grad_preactivations", "grad_gates"):
        getattr(trace, name)
    return set_up + time.perf_counter() - start


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure_case(cell: str, shape: tuple[int, int, int], seconds: float) -> dict[str, Any]:
    """Medians of one cell and shape, in milliseconds, and their ratios."""
    torch.manual_seed(0)
    step = Step(Reader(cell, shape[2]), shape)
    by_hand = Step(HandWritten(cell, shape[2]), shape)
    parts: dict[str, Callable[[], float]] = {
        "step_ms": lambda: _timed(step),
        "probe8_ms": lambda: probe_seconds(step, SEQUENCES),
        "probe_all_ms": lambda: probe_seconds(step, None),
        "hand_written_ms": lambda: _timed(by_hand),
    }
    times: dict[str, list[float]] = {name: [] for name in parts}
    for part in parts.values():  # once to warm up
        part()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["step_ms"]) < 3:
        for name, part in parts.items():
            times[name].append(1000 * part())
    found: dict[str, Any] = {"cell": cell, "T": shape[0], "B": shape[1], "H": shape[2]}
    found |= {name: statistics.median(values) for name, values in times.items()}
    found["probe8_per_step"] = found["probe8_ms"] / found["step_ms"]
    found["probe_all_per_step"] = found["probe_all_ms"] / found["step_ms"]
    found["hand_written_per_probe"] = found["hand_written_ms"] / found["probe_all_ms"]
    found["rounds"] = len(times["step_ms"])
    return found


def measure(seconds_per_case: float = 5.0) -> list[dict[str, Any]]:
    """All cells and shapes, on one thread; one row each.

    ``probe8_per_step`` and ``probe_all_per_step`` are a probe's share of a training step, on 8 sequences and on the
    whole batch; ``hand_written_per_probe`` is how many times longer a training step takes that is written as a
    loop of cells with ``retain_grad``, than a probe of the whole batch.
    """
    with one_thread():
        return [measure_case(cell, shape, seconds_per_case) for shape in SHAPES for cell in CELL_NAMES]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text, one line each."""
    columns = ["cell", "T", "B", "H", "step_ms", "probe8_ms", "probe_all_ms", "hand_written_ms"]
    columns += ["probe8_per_step", "probe_all_per_step", "hand_written_per_probe", "rounds"]
    cells = [columns] + [[f"{v:.2f}" if isinstance(v := row[c], float) else str(v) for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in cells)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds per cell and shape")
    print(table(measure(parser.parse_args().seconds)))

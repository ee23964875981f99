"""What ``rnncore.watch`` costs a loop: the same training watched and unwatched, side by side.

Both take turns within one process, on one thread and the same batches, so that a busy machine slows both alike. The
watch's clock stands still while the other side has its turn; its thread writes into a run store on disk.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncore.benchmark.sides import one_thread, rate, turn
from rnncore.watching import Watch, watch

TURN_SECONDS = 1.0
TURNS = 5
"""Turns of each side in a block; between two looks into the layers may lie some turns."""
WARM_UP_SECONDS = 5.0
VOCABULARY = 64
COLUMNS = (
    "case", "T", "B", "H", "bare_steps_per_second", "watched_steps_per_second", "watched_per_bare",
    "watched_per_bare_whole", "looks_per_second", "blocks",
)  # fmt: skip
CASES: dict[str, tuple[Callable[..., nn.RNNBase], tuple[int, int, int], dict[str, Any]]] = {
    "LSTM": (nn.LSTM, (64, 32, 128), {}),
    "GRU": (nn.GRU, (64, 32, 128), {}),
    "RNN": (nn.RNN, (64, 32, 128), {}),
    "small LSTM": (nn.LSTM, (20, 16, 32), {}),
    "2 layers, both ways, lengths": (nn.LSTM, (40, 32, 64), {"num_layers": 2, "bidirectional": True}),
}
"""Name → layer, (T steps, B sequences, H units), options. The last one reads sequences of different lengths."""


class Reader(nn.Module):
    """Embedding, a fused layer, readout at each step; (B, T) ids."""

    def __init__(self, layer: Callable[..., nn.RNNBase], hidden_size: int, options: dict[str, Any]):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 64)
        self.layer = layer(64, hidden_size, batch_first=True, **options)
        self.readout = nn.Linear(hidden_size * (2 if self.layer.bidirectional else 1), VOCABULARY)

    def forward(self, ids: Tensor, lengths: Tensor | None) -> Tensor:
        """Logits, (B, T, V)."""
        x = self.embedding(ids)
        if lengths is None:
            return self.readout(self.layer(x)[0])
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.readout(pad_packed_sequence(self.layer(packed)[0], batch_first=True, total_length=ids.shape[1])[0])


class Loop:
    """A training loop as people write it, watched or not."""

    def __init__(self, case: str):
        layer, (steps, batch, hidden_size), options = CASES[case]
        torch.manual_seed(1)
        self.model = Reader(layer, hidden_size, options)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)
        self.generator = torch.Generator().manual_seed(1)
        self.shape, self.varied = (batch, steps + 1), bool(options)
        self.watch: Watch | None = None

    def step(self) -> None:
        """One training step."""
        ids = torch.randint(VOCABULARY, self.shape, generator=self.generator)
        lengths = None
        if self.varied:
            lengths = torch.randint(self.shape[1] // 2, self.shape[1], self.shape[:1], generator=self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        with nullcontext() if self.watch is None else self.watch.step():
            logits = self.model(ids[:, :-1], lengths)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
            loss.backward()
        self.optimizer.step()
        value = loss.item()
        if self.watch is not None:
            self.watch.log(loss=value)


def measure_case(case: str, seconds: float, budget: float = 0.03) -> dict[str, Any]:
    """One case, ``seconds`` for each side.

    ``watched_per_bare`` is the median over blocks of the watched loop's steps a second divided by the bare one's,
    ``watched_per_bare_whole`` the same over all of the time.
    """
    bare, watched = Loop(case), Loop(case)
    turns: dict[str, list[tuple[int, float]]] = {"bare": [], "watched": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        watch(
            watched.model, case, optimizer=watched.optimizer, budget=budget, store=f"sqlite:///{Path(folder) / 'runs'}"
        ) as watched.watch,
    ):
        turn(bare.step, 0.5)
        turn(watched.step, WARM_UP_SECONDS)
        looks = watched.watch._budget.accounts["probe"].turns
        for _ in range(max(TURNS, round(seconds / TURN_SECONDS))):
            turns["watched"].append(turn(watched.step, TURN_SECONDS))
            turns["bare"].append(turn(bare.step, TURN_SECONDS))
            watched.watch._start += turns["bare"][-1][1]
        looks = watched.watch._budget.accounts["probe"].turns - looks
    count = len(turns["bare"])
    blocks = [slice(start, start + TURNS) for start in range(0, count - TURNS + 1, TURNS)]
    _, (steps, batch, hidden_size), _ = CASES[case]
    return {
        "case": case,
        "T": steps,
        "B": batch,
        "H": hidden_size,
        "bare_steps_per_second": rate(turns["bare"]),
        "watched_steps_per_second": rate(turns["watched"]),
        "watched_per_bare": statistics.median(rate(turns["watched"][b]) / rate(turns["bare"][b]) for b in blocks),
        "watched_per_bare_whole": rate(turns["watched"]) / rate(turns["bare"]),
        "looks_per_second": looks / sum(seconds for _, seconds in turns["watched"]),
        "blocks": len(blocks),
    }


def measure(seconds_per_case: float = 30.0) -> list[dict[str, Any]]:
    """All cases, on one thread; one row each (see ``measure_case``)."""
    with one_thread():
        return [measure_case(case, seconds_per_case) for case in CASES]

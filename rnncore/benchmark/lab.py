"""What the lab costs: training with every view live and the store writing, against a bare torch loop.

Both take turns of a second within one process, on one thread and the same text, so that a busy machine slows
both alike. A run goes through the same session as in a worker: store, commands, probes, validation, samples and
checkpoints at the default budget.
"""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.benchmark.sides import one_thread, rate, turn
from rnncore.cells import CELLS
from rnncore.config import RunConfig
from rnncore.diagnostics import live_measures
from rnncore.runs.here import begin_here
from rnncore.runs.launcher import Launcher
from rnncore.runs.session import Session, Surroundings, Tools
from rnncore.runs.store import RunStore
from rnncore.runs.worker import identity
from rnncore.tasks.corpora import load
from rnncore.tasks.text import TextTask
from rnncore.training import Checkpoint, Controls, events, train
from rnncore.training.trainer import make_optimizer

SHAPES = ((64, 32, 128), (100, 50, 256), (500, 16, 32))
"""T steps, B sequences, H units."""
CELL_NAMES = ("lstm", "gru", "rnn_tanh")
TURN_SECONDS = 1.0
TURNS = 5
"""Turns of each side in a block; checkpoints, validation and samples come seldom and are in some blocks only."""
WARM_UP_SECONDS = 5.0
MOST_STEPS = 10_000_000


class _Model(nn.Module):
    """Embedding, one fused layer, readout: what a tutorial writes."""

    def __init__(self, config: RunConfig, vocab_size: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, config.model.embedding_size)
        self.layer = CELLS[config.model.cell].layer(config.model.embedding_size, config.model.hidden_size)
        self.readout = nn.Linear(config.model.hidden_size, vocab_size)

    def forward(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        """ids (T, B) → logits (T, B, V) and the state after the last step."""
        y, state = self.layer(self.embedding(ids), state)
        return self.readout(y), state


class BareLoop:
    """The same training without the lab: a loop around torch.nn, the state carried over."""

    def __init__(self, config: RunConfig):
        task = TextTask(
            load(config.corpus or "").text,
            sequence_length=config.task.sequence_length,
            batch_size=config.training.batch_size,
        )
        batch = config.training.batch_size
        stream = len(task.train_ids) // batch
        self.ids = torch.from_numpy(task.train_ids[: stream * batch].reshape(batch, stream).T.copy())  # (N/B, B)
        self.length, self.clip_norm = config.task.sequence_length, config.training.clip_norm or float("inf")
        torch.manual_seed(config.seed)
        self.model = _Model(config, task.vocab_size)
        self.optimizer = make_optimizer(config, self.model)
        self.state: Any = None
        self.start, self.loss = 0, 0.0

    def step(self) -> None:
        """One training step."""
        if self.start + self.length >= len(self.ids):
            self.start, self.state = 0, None
        piece = self.ids[self.start : self.start + self.length + 1]
        self.start += self.length
        self.optimizer.zero_grad(set_to_none=True)
        logits, state = self.model(piece[:-1], self.state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), piece[1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        self.loss = loss.item()


class _Alternation:
    """Stands between the training and its session: counts the lab's turns, and lets the bare loop have its own."""

    def __init__(self, bare: BareLoop, turns: int, stop: Any):
        self.bare, self.turns, self.stop = bare, turns, stop
        self.lab: list[tuple[int, float]] = []
        self.other: list[tuple[int, float]] = []
        self.counts: dict[str, int] = {}
        self.outside = 0.0  # seconds of the lab's turns in the session: writing, commands

    def train(self, *args: Any, **options: Any) -> Iterator[Any]:
        begin = mark = time.perf_counter()
        steps, warm = 0, False
        for event in train(*args, **options):
            now = time.perf_counter()
            if warm:
                name = event.record.kind if isinstance(event, events.Measured) else type(event).__name__
                self.counts[name] = self.counts.get(name, 0) + 1
            if isinstance(event, events.Step):
                steps += 1
                if not warm and now - begin >= WARM_UP_SECONDS:
                    warm, steps, mark = True, 0, now
                elif warm and now - mark >= TURN_SECONDS and len(self.lab) < self.turns:
                    self.lab.append((steps, now - mark))
                    self.other.append(turn(self.bare.step, TURN_SECONDS))
                    if len(self.lab) == self.turns:
                        self.stop()
                    steps, mark = 0, time.perf_counter()
            left = time.perf_counter()
            yield event
            if warm and len(self.lab) < self.turns:
                self.outside += time.perf_counter() - left


def measure_case(cell: str, shape: tuple[int, int, int], seconds: float) -> dict[str, Any]:
    """One cell and shape, ``seconds`` for each side.

    ``lab_per_bare`` is the median over blocks of the lab's steps a second divided by the bare loop's;
    ``lab_per_bare_whole`` the same over all of the time. ``session_share`` of the lab's time goes into writing and
    commands; ``probes_per_second``, ``validations`` and ``samples`` tell how much was looked at meanwhile.
    """
    config = RunConfig.of(
        cell=cell, sequence_length=shape[0], batch_size=shape[1], hidden_size=shape[2], steps=MOST_STEPS, lr=1e-3
    )
    bare = BareLoop(config)
    turn(bare.step, 0.5)
    with tempfile.TemporaryDirectory() as folder, RunStore(f"sqlite:///{Path(folder) / 'runs.sqlite'}") as store:
        run = begin_here(store, config)
        turns = max(TURNS, round(seconds / TURN_SECONDS))
        both = _Alternation(bare, turns, lambda: store.send(run.id, "stop"))
        tools = Tools(both.train, Controls, Checkpoint.from_bytes, live_measures)
        around = Surroundings(identity(), socket.gethostname(), ending=lambda: None, say=lambda note: None)
        Session(store, run, tools, around).run()
    blocks = [slice(start, start + TURNS) for start in range(0, turns - TURNS + 1, TURNS)]
    lab_seconds = sum(seconds for _, seconds in both.lab)
    return {
        "cell": cell,
        "T": shape[0],
        "B": shape[1],
        "H": shape[2],
        "bare_steps_per_second": rate(both.other),
        "lab_steps_per_second": rate(both.lab),
        "lab_per_bare": statistics.median(rate(both.lab[block]) / rate(both.other[block]) for block in blocks),
        "lab_per_bare_whole": rate(both.lab) / rate(both.other),
        "session_share": both.outside / lab_seconds,
        "probes_per_second": both.counts.get("gradient_flow", 0) / lab_seconds,
        "validations": both.counts.get("Validation", 0),
        "samples": both.counts.get("sample", 0),
        "blocks": len(blocks),
    }


def measure(
    seconds_per_case: float = 30.0,
    shapes: tuple[tuple[int, int, int], ...] = SHAPES,
    cells: tuple[str, ...] = CELL_NAMES,
) -> list[dict[str, Any]]:
    """All cells and shapes, on one thread; one row each (see ``measure_case``)."""
    with one_thread():
        return [measure_case(cell, shape, seconds_per_case) for shape in shapes for cell in cells]


def first_step_seconds(repeats: int = 5) -> list[float]:
    """Seconds from ``Launcher.submit`` to the first step in the store, with a worker kept warm."""
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        RunStore(f"sqlite:///{Path(folder) / 'runs.sqlite'}") as store,
        Launcher(store, slots=2) as launcher,
    ):
        for _ in range(repeats):
            while not any(worker.idle and worker.ready for worker in launcher._workers):
                time.sleep(0.1)
            time.sleep(1.0)  # what the start of the worker has left to do
            start = time.perf_counter()
            run = launcher.submit(RunConfig.of(steps=MOST_STEPS))
            while store.last_step(run.id, "train") is None:
                time.sleep(0.005)
            found.append(time.perf_counter() - start)
            store.send(run.id, "stop")
            while store.get(run.id).state not in ("stopped", "failed"):
                time.sleep(0.05)
    return found

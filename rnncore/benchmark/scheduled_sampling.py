"""What scheduled sampling costs a training step: each form against teacher forcing.

All forms of a cell take turns within one process, step by step, on one thread and the same text, so that a busy machine
slows all alike; the ratio of a form is the median over rounds of its step's time divided by the teacher-forced step's
time in the same round. ``epsilon_1`` is scheduled sampling with ε = 1, the same thing as teacher forcing: how far it is
from 1 tells how far a ratio can be trusted.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from rnncore.benchmark.sides import one_thread
from rnncore.config import RunConfig
from rnncore.training import Trainer

STEPS, BATCH, HIDDEN = 64, 32, 128
CELL_NAMES = ("rnn_tanh", "lstm", "gru")
FORCED = "teacher_forcing"
FORMS: dict[str, dict[str, Any]] = {
    FORCED: {},
    "epsilon_1": {"epsilon": 1.0},
    "sequential": {"epsilon": 0.5},
    "parallel_1": {"epsilon": 0.5, "feed_form": "parallel", "feed_passes": 1},
    "parallel_2": {"epsilon": 0.5, "feed_form": "parallel", "feed_passes": 2},
    "parallel_4": {"epsilon": 0.5, "feed_form": "parallel", "feed_passes": 4},
}
"""Name → settings. The number is of passes."""
COLUMNS = ("cell", "T", "B", "H", "teacher_forcing_ms", *(name for name in FORMS if name != FORCED), "rounds")
WARM_UP_ROUNDS, FEWEST_ROUNDS = 3, 10


def measure_case(cell: str, seconds: float) -> dict[str, Any]:
    """One cell: the teacher-forced step in milliseconds, and how many times as long a step of each form takes."""
    shape = {"cell": cell, "sequence_length": STEPS, "batch_size": BATCH, "hidden_size": HIDDEN}
    trainers = {name: Trainer(RunConfig.of(**shape, **settings)) for name, settings in FORMS.items()}
    times: dict[str, list[float]] = {name: [] for name in FORMS}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[FORCED]) < WARM_UP_ROUNDS + FEWEST_ROUNDS:
        for name, trainer in trainers.items():
            start = time.perf_counter()
            trainer.advance()
            times[name].append(time.perf_counter() - start)
    times = {name: values[WARM_UP_ROUNDS:] for name, values in times.items()}
    row: dict[str, Any] = {"cell": cell, "T": STEPS, "B": BATCH, "H": HIDDEN}
    row["teacher_forcing_ms"] = 1000 * statistics.median(times[FORCED])
    for name, values in times.items():
        if name != FORCED:
            row[name] = statistics.median(mine / its for mine, its in zip(values, times[FORCED], strict=True))
    row["rounds"] = len(times[FORCED])
    return row


def measure(seconds_per_case: float = 10.0) -> list[dict[str, Any]]:
    """All cells, on one thread; one row each (see ``measure_case``)."""
    with one_thread():
        return [measure_case(cell, seconds_per_case) for cell in CELL_NAMES]

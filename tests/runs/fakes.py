"""A training that needs no torch: its loss is a known function of the step.

As a program it is a worker with this training: ``python tests/runs/fakes.py``. The run's name says how it
behaves, e.g. ``slow`` or ``raise at 5``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnncore.config import RunConfig
from rnncore.records import Sample, Saturation
from rnncore.runs.session import Tools
from rnncore.runs.worker import main

COMMAND = (sys.executable, str(Path(__file__).resolve()))
PACE = {"slow": 0.02, "quick": 0.0}


class Started(NamedTuple):
    step: int
    parameters: int
    vocab_size: int
    device: str


class Step(NamedTuple):
    step: int
    seconds: float
    loss: float
    grad_norm: float
    clip_norm: float
    lr: float


class Validation(NamedTuple):
    step: int
    seconds: float
    loss: float


class Measured(NamedTuple):
    step: int
    record: Any


class Saved(NamedTuple):
    step: int
    checkpoint: Any


class Finished(NamedTuple):
    step: int
    state: str
    reason: str


class FakeCheckpoint(dict[str, Any]):
    def to_bytes(self) -> bytes:
        return json.dumps(self).encode()


class FakeControls:
    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}
        self.stopping = self.wants_checkpoint = self.wants_measures = False

    def set(self, **changes: Any) -> None:
        self.changes |= changes

    def stop(self) -> None:
        self.stopping = True

    def checkpoint(self) -> None:
        self.wants_checkpoint = True

    def measure(self) -> None:
        self.wants_measures = True


def loss(step: int) -> float:
    """What the loss of a step must be, as float32."""
    return float(np.float32(1.0 + 1.0 / step))


def train(config: RunConfig, *, text: str | None, resume: Any, controls: FakeControls, measures: Any) -> Iterator[Any]:
    """Events in the order of rnncore.training.train."""
    last, step, lr = config.training.steps, 0, config.training.lr
    if resume is not None:
        step, lr = resume["step"], resume["lr"]
    what, _, at = config.name.partition(" at ")
    yield Started(step, 1000, 65, "cpu")
    if step == 0:
        yield Saved(0, FakeCheckpoint(step=0, lr=lr))
    while step < last and not controls.stopping:
        lr = controls.changes.pop("lr", lr)
        if controls.wants_checkpoint:
            controls.wants_checkpoint = False
            yield Saved(step, FakeCheckpoint(step=step, lr=lr))
        time.sleep(PACE.get(what, 0.001))
        if at and step + 1 == int(at):
            misbehave(what)
            if what == "diverge":
                yield Finished(step, "diverged", f"diverged at step {step + 1}")
                return
        step += 1
        yield Step(step, step * 0.001, loss(step), 2.0, float("nan"), lr)
        if step == 1 or step % 5 == 0:
            shut = np.full((1, 1, 4), step, np.float32)
            yield Measured(step, Saturation(step=step, cell="gru", gates=("r",), left=shut, right=shut))
        if step % 10 == 0:
            yield Measured(step, Sample(step=step, primer="a", text=str(step), temperature=1.0, seed=1))
            yield Validation(step, step * 0.001, loss(step))
        if step % 25 == 0:
            yield Saved(step, FakeCheckpoint(step=step, lr=lr))
    yield Saved(step, FakeCheckpoint(step=step, lr=lr))
    if step >= last:
        yield Finished(step, "finished", f"all {last} steps are done")
    else:
        yield Finished(step, "stopped", f"stopped at step {step}")


def misbehave(how: str) -> None:
    """What a training may do to its worker."""
    if how == "raise":
        raise ZeroDivisionError("float division by zero")
    if how == "swallow the memory":
        raise MemoryError
    if how == "exit":
        os._exit(3)
    if how == "hang":
        time.sleep(60)


def tools() -> Tools:
    """The fake in place of torch."""
    return Tools(
        train=train,
        controls=FakeControls,
        read_checkpoint=lambda data: FakeCheckpoint(json.loads(data)),
        measures=lambda config: [],
    )


def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for a condition; an AssertionError where it doesn't come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(0.03)  # each look asks the store


if __name__ == "__main__":
    sys.exit(main(tools=tools))

"""A desk that needs no torch: what it answers follows from the question. As a program it is a desk process.

A question's kind says how it is answered: ``echo``, ``slow``, ``exit``, ``hang``, ``memory``, ``damaged``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnncore.errors import CheckpointError
from rnncore.records import Record, Sample
from rnncore.runs.desk import DeskTools, main
from rnncore.runs.jobs import Job
from rnncore.runs.store import RunStore

COMMAND = (sys.executable, str(Path(__file__).resolve()))
OPENED: list[tuple[str, int]] = []
"""Which checkpoints were opened, in order."""


def open_checkpoint(store: RunStore, job: Job) -> tuple[str, float]:
    """Its bytes as text."""
    OPENED.append((job.run_id, job.step))
    step, data = store.load_checkpoint(job.run_id, job.step)
    return f"{step}: {data.decode()}", 100e6


def echo(opened: str, payload: Mapping[str, Any]) -> Record:
    """The checkpoint and the question."""
    return Sample(step=0, primer=opened, text=str(dict(payload)), temperature=1.0, seed=1)


def slow(opened: str, payload: Mapping[str, Any]) -> Record:
    """Takes some time."""
    time.sleep(0.3)
    return echo(opened, payload)


def leave(opened: str, payload: Mapping[str, Any]) -> Record:
    """Ends the process without a word."""
    os._exit(3)


def hang(opened: str, payload: Mapping[str, Any]) -> Record:
    """Takes for ever."""
    time.sleep(60)
    return echo(opened, payload)


def memory(opened: str, payload: Mapping[str, Any]) -> Record:
    """Wants more memory than there is."""
    raise MemoryError


def damaged(opened: str, payload: Mapping[str, Any]) -> Record:
    """Fails in a sentence of ours."""
    raise CheckpointError("the checkpoint is damaged; choose another")


def tools() -> DeskTools:
    """The fake in place of torch."""
    kinds = {"echo": echo, "slow": slow, "exit": leave, "hang": hang, "memory": memory, "damaged": damaged}
    return DeskTools(open_checkpoint, kinds)


if __name__ == "__main__":
    sys.exit(main(tools=tools))

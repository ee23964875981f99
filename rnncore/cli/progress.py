"""Training a run in this process: a progress bar, a clean end on Ctrl-C, and an exit code."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rnncore.cli.base import FAILED, INTERRUPTED, summary
from rnncore.errors import StoreError
from rnncore.runs.states import ACTIVE, RESUMABLE, RunInfo
from rnncore.runs.store import RunStore

AGAIN = "stopping after this step, with a checkpoint; press Ctrl-C again to end at once"


def follow(store: RunStore, run: RunInfo, *, as_json: bool) -> None:
    """Train a run that is in this process's hands to its end, say how it went, and exit if it is not finished."""
    from rnncore.runs.here import run_here

    console = Console(stderr=True, quiet=as_json)
    console.print(f"run {run.id}  {run.config.label}  {run.config.corpus or run.config.task.title}", markup=False)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,}"),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("{task.fields[loss]}"), console=console,
    ) as progress:  # fmt: skip
        show = _Bar(progress, run).show
        with _stopped_by_ctrl_c(store, run.id, console):
            run_here(store, run, on_step=show, say=lambda note: console.print(note, markup=False) if note else None)
    done = store.get(run.id)
    if as_json:
        click.echo(json.dumps(summary(store, done)))
    else:
        console.print(f"{done.state}: {done.reason}" if done.reason else done.state, markup=False)
        if done.state in RESUMABLE:
            console.print(f"to go on: python -m rnncore runs resume {done.id}", markup=False)
    if done.state != "finished":
        sys.exit(INTERRUPTED if done.state in ("stopped", "interrupted") else FAILED)


class _Bar:
    """A run's progress bar. Its rate is counted from the first step on: what is loaded before takes seconds."""

    def __init__(self, progress: Progress, run: RunInfo):
        self._progress, self._task = progress, run.config.task
        total = run.config.training.steps
        self._bar = progress.add_task("training", total=total, completed=run.step, rate="", loss="")
        self._first: tuple[int, float] | None = None

    def show(self, step: int, seconds: float, loss: float) -> None:
        """Called after each step."""
        now = time.monotonic()
        first, begun = self._first = self._first or (step, now)
        rate = f"{(step - first) / (now - begun):.1f} steps/s" if step > first else ""
        shown = f"{loss / self._task.loss_size:.4g} {self._task.loss_unit}"
        self._progress.update(self._bar, completed=step, rate=rate, loss=shown)


@contextmanager
def _stopped_by_ctrl_c(store: RunStore, run_id: str, console: Console) -> Iterator[None]:
    """The first Ctrl-C asks the run to stop, as any page would; the second ends it where it is."""
    if threading.current_thread() is not threading.main_thread():  # only that one receives signals
        yield
        return

    def ask() -> None:
        try:
            store.send(run_id, "stop")
        except StoreError as error:
            console.print(str(error), markup=False)

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        console.print(AGAIN)
        threading.Thread(target=ask).start()  # in here the store may be in the middle of a write

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except KeyboardInterrupt:
        cut = "ended by Ctrl-C in the middle of a step; resume it from its last checkpoint"
        store.set_state(run_id, "interrupted", cut, expect={*ACTIVE, "failed"})
        raise
    finally:
        signal.signal(signal.SIGINT, before)

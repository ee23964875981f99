"""One run on a Dask worker: a task that claims it and has it trained by an ordinary worker process.

A process of its own, because it takes one torch thread from its first import on, and can crash alone. While runs wait,
it is kept for the next task.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rnncore.errors import RnncoreError, StoreError
from rnncore.runs.process import Log, WorkerProcess, death
from rnncore.runs.states import ACTIVE, INTERRUPTED, QUEUED, RunInfo
from rnncore.runs.store import RunStore, home
from rnncore.runs.worker import identity

LOOK_SECONDS, BEAT_SECONDS = 0.1, 2.0
"""How often a task looks at its worker process, and says that it lives."""
GRACE_SECONDS = 12.0
"""For a worker process to save and end when its Dask worker closes."""
SLOW = ("MALLOC_TRIM_THRESHOLD_",)
"""Dask's nanny sets it: freed memory goes back to the system at once, and an LSTM trains at about half the speed."""


class ClusterError(RnncoreError):
    """A machine of the cluster cannot train."""


@dataclass(frozen=True)
class Order:
    """What a task is given.

    Attributes:
        store: address of the run store; it may hold a password, and Dask logs what a failed task was given.
        arguments: how to start a worker with the Python of the Dask worker's machine.
    """

    run_id: str
    store: str = field(repr=False)
    arguments: tuple[str, ...]


def carry_out(order: Order) -> None:
    """The task: train a run to its end; nothing where it no longer waits.

    Raises:
        RnncoreError: the store cannot be reached from this machine, or no worker process can start: the run waits on.
    """
    from distributed import Status, get_worker

    dask = get_worker()
    with RunStore(order.store) as store:
        if store.get(order.run_id).state == QUEUED:
            _Task(store, order, dask.address, lambda: dask.status in (Status.running, Status.paused)).run()
        with contextlib.suppress(StoreError):
            if not store.waiting():
                _spares.dismiss()


class _Task:
    def __init__(self, store: RunStore, order: Order, host: str, open_: Callable[[], bool]):
        self.store, self.order, self.host, self.open = store, order, host, open_
        self.command = (sys.executable, *order.arguments, "--host", host)
        self.given: RunInfo | None = None
        self.next_beat = 0.0

    def run(self) -> None:
        process, done = _spares.take(self.command, self.order.store), False
        try:
            while self.open() and not process.ended and self._goes_on(process):
                time.sleep(LOOK_SECONDS)
            died, done = process.ended, self._done(process)
        finally:
            if not done:
                _end(process, GRACE_SECONDS if self.given else 0.0)
        if done:  # from here on it may be another task's
            _spares.keep(self.command, self.order.store, process)
            return
        why = death(process.status, process.killed)
        if self.given is not None:
            self._see_to_the_end(self.given, why)
        elif died:
            raise ClusterError(f"no worker process could start: {process.last_words or why}")

    def _goes_on(self, process: WorkerProcess) -> bool:
        """Hand the run over as soon as the process is warm: one that only warms up has no run to lose."""
        if self._done(process):
            return False
        if self.given is not None:
            self._beat(self.given)
        elif process.ready:
            self.given = self.store.claim(identity(), self.host, self.order.run_id)
            return self.given is not None and process.give(self.given.id)
        return True

    def _done(self, process: WorkerProcess) -> bool:
        """Its run is in the store, to its end, and it waits for another one."""
        return self.given is not None and process.idle and not process.ended

    def _beat(self, run: RunInfo) -> None:
        """Say that it lives; a step, or fetching a text, may take long. The worker process says all else."""
        if time.monotonic() >= self.next_beat:
            with contextlib.suppress(StoreError):
                self.store.progress(run.id, run.attempt)
            self.next_beat = time.monotonic() + BEAT_SECONDS

    def _see_to_the_end(self, run: RunInfo, why: str) -> None:
        """A worker process says itself how its run ended, unless it died."""
        with contextlib.suppress(StoreError), self.store.transaction():  # RunLost: it has its end, or other hands
            self.store.progress(run.id, run.attempt)
            reason = f"{why}; resume goes on from its last checkpoint"
            self.store.set_state(run.id, INTERRUPTED, reason, expect=ACTIVE)


class _Spares:
    """Worker processes without a run, of all the tasks of a Dask worker."""

    def __init__(self) -> None:
        self._kept: list[tuple[tuple[str, ...], str, WorkerProcess]] = []
        self._lock = threading.Lock()

    def keep(self, command: tuple[str, ...], store: str, process: WorkerProcess) -> None:
        """For the next task."""
        with self._lock:
            self._kept.append((command, store, process))

    def take(self, command: tuple[str, ...], store: str) -> WorkerProcess:
        """One that fits, warm since its last run, or a new one."""
        with self._lock:
            for at, (known, its_store, process) in enumerate(self._kept):
                if (known, its_store) == (command, store) and not process.ended:
                    del self._kept[at]
                    return process
        return _start(command, store)

    def dismiss(self) -> None:
        """End all of them."""
        with self._lock:
            kept, self._kept = self._kept, []
        for _, _, process in kept:
            _end(process, 0.0)


_spares = _Spares()


def _start(command: tuple[str, ...], store: str) -> WorkerProcess:
    return WorkerProcess(command, store, threading.Event(), Log(home() / "logs" / "workers.log"), SLOW)


def _end(process: WorkerProcess, grace: float) -> None:
    process.ask_to_end()
    process.wait_or_kill(time.monotonic() + grace)
    process.close()

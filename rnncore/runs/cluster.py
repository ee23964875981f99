"""Runs on the machines of a Dask cluster: each run is one task, see ``cluster_task``.

The run store stays the only truth, and the only way to a run: commands, heartbeats, curves and checkpoints go through
it, so that all machines must reach it. A task claims its run there: one that Dask repeats, or that was handed out
twice, finds nothing to take. What Dask knows is never needed to go on: a scheduler that comes back empty is handed the
waiting runs again, and a run whose Dask worker is gone waits again and goes on from its last checkpoint.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from rnncore.errors import RnncoreError, StoreError
from rnncore.runs.cluster_task import ClusterError, Order, carry_out
from rnncore.runs.rows import TURN, WAITING
from rnncore.runs.schema import runs
from rnncore.runs.states import ACTIVE, INTERRUPTED, MOST_ATTEMPTS, RunInfo
from rnncore.runs.store import RunNotFound, RunStore

VARIABLE = "RNNCORE_SCHEDULER"
TICK_SECONDS = 0.5
CONNECT_SECONDS = 3.0
RETRY_SECONDS = 3.0
GONE_SECONDS = 15.0
"""A run on a Dask worker that the scheduler no longer has, without a heartbeat for so long, is taken to be lost: the
worker process has had the time to save what it did."""

_ADDRESS = re.compile(r"[a-z]+://(\[[^\]/]+\]|[^\s:/]+):\d{1,5}/?")


class Cluster:
    """Hands waiting runs to a Dask cluster, as many at once as its workers have threads.

    It has a thread of its own: a scheduler may take seconds to answer, or never do so. What has been handed out goes on
    when this ends.

    Args:
        store: where the runs are; a PostgreSQL server that all machines reach.
        address: of the scheduler, e.g. ``tcp://host:8786``.
        arguments: how to start a worker with a machine's Python.

    Attributes:
        note: why runs wait, in a sentence; '' where nothing is wrong.
        hosts: the addresses of the Dask workers; None before the scheduler has answered.
    """

    def __init__(self, store: RunStore, address: str, arguments: Sequence[str]):
        self.store, self.address, self._arguments = store, address, tuple(arguments)
        self.note = self._problem = _problem(store, address)
        self.hosts: frozenset[str] | None = None
        self._tasks: dict[str, tuple[str, Any]] = {}  # run id → address of the Dask worker, future
        self._refusal, self._next_try = "", 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to hand out runs, unless what was given makes no sense: then the note says so, and all of them wait."""
        if self._problem:
            _say(self._problem)
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._loop, name="cluster", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hand out no more runs; those on the cluster go on."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def has_lost(self, run: RunInfo) -> bool:
        """It was on a Dask worker that is gone, and is silent."""
        silent = time.time() - (run.heartbeat or 0.0)
        return self.hosts is not None and on_cluster(run) and run.host not in self.hosts and silent > GONE_SECONDS

    @staticmethod
    def takes_up(run: RunInfo) -> bool:
        """It was interrupted on a cluster, not by anybody's wish, and goes on by itself."""
        return run.state == INTERRUPTED and on_cluster(run) and not run.held and run.attempt < MOST_ATTEMPTS

    def _loop(self) -> None:
        client: Any = None
        while not self._stopping.is_set():
            pause, before = TICK_SECONDS, self.note
            try:
                client = client or self._connect()
                self._tick(client)
            except StoreError as error:  # the launcher says so too
                self.note, pause = str(error), RETRY_SECONDS
            except Exception as error:  # of whatever kind Dask raises: this thread must outlive it
                self.note, pause = self._no_answer(error), RETRY_SECONDS
                self._disconnect(client)
                client = None
            if self.note != before and self.note:
                _say(self.note)
            self._stopping.wait(pause)
        self._disconnect(client)

    def _connect(self) -> Any:
        from distributed import Client

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # tracebacks of what the note says in words
        return Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False, name="rnncore")

    def _disconnect(self, client: Any) -> None:
        self._tasks.clear()
        if client is not None:
            with contextlib.suppress(Exception):
                client.close(timeout=CONNECT_SECONDS)

    def _no_answer(self, error: Exception) -> str:
        if isinstance(error, OSError):
            return (
                f"no Dask scheduler answers at {self.address}; start one there (dask scheduler), or correct "
                f"{VARIABLE}: runs wait in the queue until then"
            )
        return f"the Dask cluster {self.address} failed: {type(error).__name__}: {error}; runs wait in the queue"

    def _tick(self, client: Any) -> None:
        if client.status != "running":
            raise ConnectionError(client.status)
        workers = client.scheduler_info(n_workers=-1)["workers"]
        self.hosts = frozenset(workers)
        self._look_after_tasks()
        self.note = self._refusal
        if not workers:
            self.note = (
                f"the Dask scheduler {self.address} has no workers; start some (dask worker {self.address} --nthreads "
                "1): runs wait in the queue until then"
            )
        places = self._places({host: one["nthreads"] for host, one in workers.items() if one["status"] == "running"})
        if places and time.monotonic() >= self._next_try:
            waiting = self._waiting(len(places))
            for run_id, host in zip(waiting, places, strict=False):
                self._hand_out(client, run_id, host)
            self._refusal = self._refusal if waiting else ""

    def _places(self, threads: Mapping[str, int]) -> list[str]:
        """A Dask worker's address for each free thread, so ordered that runs are spread over the machines."""
        busy = Counter(host for host, _ in self._tasks.values())
        busy.update(run.host for run in self.store.runs(limit=1000, states=ACTIVE) if run.id not in self._tasks)
        free = [(nth, host) for host, number in threads.items() for nth in range(number - busy[host])]
        return [host for _, host in sorted(free)]

    def _waiting(self, most: int) -> list[str]:
        """The next runs of the queue that are not handed out yet."""
        statement = select(runs.c.id).where(WAITING, runs.c.id.not_in(list(self._tasks))).order_by(*TURN).limit(most)
        with self.store.reading() as connection:
            return list(connection.execute(statement).scalars())

    def _hand_out(self, client: Any, run_id: str, host: str) -> None:
        """To a certain worker: Dask by itself puts a second task behind a long one while other workers are idle."""
        from distributed import fire_and_forget

        order = Order(run_id, self.store.address, self._arguments)
        key = f"{run_id}-{time.time_ns():x}"
        task = client.submit(carry_out, order, key=key, pure=False, workers=[host], allow_other_workers=False)
        fire_and_forget(task)
        self._tasks[run_id] = host, task

    def _look_after_tasks(self) -> None:
        """Forget what is done or was on a worker that is gone; where a machine could not train, say why and wait."""
        for run_id, (host, task) in list(self._tasks.items()):
            if host not in (self.hosts or ()):
                task.cancel(force=True)
            elif not task.done():
                continue
            del self._tasks[run_id]
            if task.status == "finished":
                self._refusal = ""
            elif task.status == "error":
                self._note_refusal(task.exception())

    def _note_refusal(self, error: BaseException) -> None:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker | RunNotFound):  # the store tells what has become of the run
            return
        if isinstance(error, ImportError):
            error = ClusterError(f"{error}; install this version of the project with the Python of each Dask worker")
        said = str(error) if isinstance(error, RnncoreError) else f"{type(error).__name__}: {error}"
        self._refusal = f"a worker of the Dask cluster {self.address} cannot train: {said}"
        self._next_try = time.monotonic() + RETRY_SECONDS


def _problem(store: RunStore, address: str) -> str:
    """Why runs of this store cannot go to a cluster at this address, whatever answers there."""
    if not _ADDRESS.fullmatch(address):
        return (
            f"{VARIABLE} must be the address of a Dask scheduler such as tcp://host:8786, got {address!r}; set it to "
            "what dask scheduler prints, or unset it to train on this machine: runs wait in the queue until then"
        )
    if store.url.drivername == "sqlite":
        return (
            f"runs on the Dask cluster {address} need a run store that other machines reach, got the file "
            f"{store.place}; set RNNCORE_STORE=postgresql+psycopg://user@host/database, or unset {VARIABLE} to train "
            "on this machine: runs wait in the queue until then"
        )
    return ""


def _say(note: str) -> None:
    """On the server's terminal too, where the setting was made."""
    logging.getLogger(__name__).warning(note)


def on_cluster(run: RunInfo) -> bool:
    """Whether a Dask worker has it in hand, or had it last."""
    return "://" in run.host

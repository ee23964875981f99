"""Starts workers on this machine, hands them the runs that wait, and notices how they end; and a desk for questions.

Workers are processes of their own: training in a thread of the server would slow both down, and a worker
that dies takes nothing with it. With a scheduler's address the runs go to a Dask cluster instead, see ``cluster``.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from rnncore.config import RunConfig
from rnncore.errors import StoreError
from rnncore.runs.cluster import VARIABLE, Cluster
from rnncore.runs.experiments import ExperimentInfo, Experiments
from rnncore.runs.jobs import Job
from rnncore.runs.keeper import Keeper
from rnncore.runs.process import Log, WorkerProcess, death, is_alive
from rnncore.runs.races import RaceInfo, Races
from rnncore.runs.states import ACTIVE, INTERRUPTED, RunInfo
from rnncore.runs.store import RunNotFound, RunStore, home
from rnncore.runs.worker import identity

TICK_SECONDS = 0.2
RECOVER_SECONDS = 3.0
SPARE_SECONDS = 2.0
"""A spare worker starts that long after a run, so as not to slow the run's first steps down."""
IDLE_SECONDS = 30.0
"""Workers that have been idle for so long end, but for the spare ones: who has just trained may do so again."""
LOST_SECONDS = 60.0
"""A run on another machine without a heartbeat for so long is taken to be lost."""
SLOWEST_RETRY = 30.0
MOST_EXPERIMENTERS = 2
"""Processes for the lecture's experiments: two readers need not wait for each other."""


class Launcher:
    """Runs waiting runs on this machine, as many at once as there are slots.

    Args:
        store: where the runs are.
        slots: runs at the same time; None for one per core that this process may use.
        warm: idle workers kept ready.
        validate: refuses a configuration before it is queued, by raising an RnncoreError.
        command: how to start a worker.
        desk: how to start a desk process, which answers questions about checkpoints beside the runs.
        experimenter: how to start a process that measures the lecture's experiments, beside the runs too.
        grace: seconds that workers have to save and end in ``stop``.
        scheduler: address of a Dask scheduler, e.g. ``tcp://host:8786``, to train on its cluster and not here; None for
            RNNCORE_SCHEDULER, and without that for this machine. What is wrong with it is in ``notes[""]``; runs wait.
    """

    def __init__(
        self,
        store: RunStore,
        slots: int | None = None,
        warm: int = 1,
        *,
        validate: Callable[[RunConfig], None] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "rnncore.runs.worker"),
        desk: Sequence[str] = (sys.executable, "-m", "rnncore.runs.desk"),
        experimenter: Sequence[str] = (sys.executable, "-m", "rnncore.runs.experimenter"),
        grace: float = 15.0,
        scheduler: str | None = None,
    ):
        self.store, self.warm, self.grace = store, warm, grace
        self.slots = usable_cores() if slots is None else slots
        if self.slots < 1:
            raise ValueError(f"slots must be >= 1, got {slots}; use None for one per core")
        self.notes: dict[str, str] = {}
        self._validate = validate or (lambda config: None)
        self._command = tuple(command)
        self._log = Log(home() / "logs" / "workers.log")
        self._workers: list[WorkerProcess] = []
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._desk = Keeper(store, store.address, desk, self._wake, self._log)
        self._experiments = Experiments(store)
        self._experimenters = [
            Keeper(self._experiments, store.address, experimenter, self._wake, self._log,
                   noun="experimenter process", beyond=place)
            for place in range(min(self.slots, MOST_EXPERIMENTERS))
        ]  # fmt: skip
        self._keepers: list[Keeper[Any]] = [self._desk, *self._experimenters]
        self._thread: threading.Thread | None = None
        self._identity, self._host = identity(), socket.gethostname()
        self._next_recovery = self._next_spare = 0.0
        self._bad_starts = 0
        scheduler = scheduler or os.environ.get(VARIABLE)
        self._cluster = Cluster(store, scheduler, self._command[1:]) if scheduler else None

    def start(self) -> None:
        """Begin to take runs; those that a dead server left behind are marked as interrupted."""
        if self._thread is None:
            self._stopping.clear()
            if self._cluster is not None:
                self._cluster.start()
            self._thread = threading.Thread(target=self._loop, name="launcher", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask all workers to save and end, and wait for them; what waits in the queue stays there.

        What a cluster trains goes on.
        """
        if self._thread is None:
            return
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._thread = None
        if self._cluster is not None:
            self._cluster.stop()
        for keeper in self._keepers:
            keeper.stop()
        for worker in self._workers:
            worker.ask_to_end()
        deadline = time.monotonic() + self.grace
        for worker in self._workers:
            worker.wait_or_kill(deadline)
        for worker in self._workers:
            with contextlib.suppress(StoreError):  # the next start marks what this one cannot
                self._bury(worker)
        self._workers.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(
        self, config: RunConfig, owner: str = "", *, token: str | None = None, parent: str | None = None
    ) -> RunInfo:
        """Queue a run; it starts at once where a slot is free.

        Args:
            token: whoever asks twice with the same token gets the same run (a second press on Train).

        Raises:
            RnncoreError: the configuration is refused, or the store cannot take it.
        """
        self._validate(config)
        run = self.store.create(config, owner=owner, token=token, parent=parent)
        self._wake.set()
        return run

    def race(
        self,
        name: str,
        document: str,
        wanted: Iterable[tuple[int, RunConfig]],
        owner: str = "",
        token: str | None = None,
    ) -> RaceInfo:
        """Queue a race: all of its runs, or none (see ``Races.create``).

        Raises:
            RnncoreError: one of the configurations is refused, or the store cannot take them.
        """
        configs = list(wanted)
        for config in {config.to_json(): config for _, config in configs}.values():
            self._validate(config)
        race = Races(self.store).create(name, document, configs, owner=owner, token=token)
        self.wake()
        return race

    def wake(self) -> None:
        """Look at the queue at once."""
        self._wake.set()

    def resume(self, run_id: str, owner: str | None = None, *, step: int | None = None) -> RunInfo:
        """Queue an ended run again, to go on from its newest checkpoint, or from that of ``step``.

        Raises:
            StoreError: it has not ended, has no checkpoint of that step, or belongs to someone else.
        """
        run = self.store.requeue(run_id, owner, step)
        self._wake.set()
        return run

    def restart(self, run_id: str, owner: str = "", *, token: str | None = None, **changes: Any) -> RunInfo:
        """A new run with the configuration of another one, some leaves changed (``lr=0.01``).

        The seed stays, so a model of the same shape starts from the same weights.
        """
        config = self.store.get(run_id).config.changed(**changes)
        return self.submit(config, owner, token=token, parent=run_id)

    def ask(
        self, run_id: str, kind: str, payload: Mapping[str, Any], step: int | None = None, *, again: bool = False
    ) -> Job:
        """Ask something of a checkpoint, see ``RunStore.ask``; a desk process answers, whatever trains meanwhile."""
        job = self.store.ask(run_id, kind, payload, step, again=again)
        if job.open:
            self._desk.call(run_id)
        return job

    def measure(
        self, name: str, settings: Mapping[str, Any], owner: str = "", *, predicted: str = ""
    ) -> ExperimentInfo:
        """Ask for one of the lecture's experiments, see ``Experiments.ask``; it is measured beside all that trains."""
        info = self._experiments.ask(name, settings, owner, predicted)
        for keeper in self._experimenters:
            keeper.call(info.id)
        return info

    def expect_experiments(self) -> None:
        """A reader has opened a page of the lecture: have a process ready by the time that something is asked."""
        self._experimenters[0].warm_up()

    def _loop(self) -> None:
        trouble = 0.0
        while not self._stopping.is_set():
            try:
                self._tick()
                self._say(self.notes | {"": self._cluster.note if self._cluster is not None else ""})
                trouble = 0.0
            except StoreError as error:  # a full disk or a lost server: workers wait too, and so does this
                self._say(self.notes | {"": str(error)})
                trouble = min(max(2 * trouble, 0.5), 5.0)
            self._wake.wait(TICK_SECONDS + trouble)
            self._wake.clear()

    def _tick(self) -> None:
        for worker in [w for w in self._workers if w.ended]:
            self._bury(worker)
            self._workers.remove(worker)
        said = {worker.run_id: worker.note for worker in self._workers if worker.run_id}
        self._say(said | {"": self.notes.get("", "")})
        for keeper in self._keepers:
            keeper.tick()
        now = time.monotonic()
        if now >= self._next_recovery:
            self._recover()
            self._next_recovery = now + RECOVER_SECONDS
        if self._cluster is None:
            self._hand_out()
            self._keep_warm(now)

    def _hand_out(self) -> None:
        for worker in [w for w in self._workers if w.idle and w.ready]:
            self._bad_starts = 0
            if self._busy() >= self.slots:
                return
            run = self.store.claim(self._identity, self._host)
            if run is None:
                return
            if worker.give(run.id):
                self._next_spare = time.monotonic() + SPARE_SECONDS
            else:  # it died this moment
                self.store.release(run.id)

    def _keep_warm(self, now: float) -> None:
        idle = sum(worker.idle for worker in self._workers)
        wanted = min(self.store.waiting(), self.slots - self._busy())
        if idle < wanted or (idle < self.warm and now >= self._next_spare):
            if self._bad_starts and now < self._next_spare:
                return
            for _ in range(max(wanted, min(self.warm, idle + 1)) - idle):
                self._workers.append(WorkerProcess(self._command, self.store.address, self._wake, self._log))
        old = [one for one in self._workers if one.idle and one.ready and now - one.idle_since > IDLE_SECONDS]
        for worker in old[: max(len(old) - max(wanted, self.warm), 0)]:
            worker.ask_to_end()

    def _busy(self) -> int:
        return sum(worker.run_id is not None for worker in self._workers)

    def _say(self, notes: Mapping[str, str]) -> None:
        """At once, for those who read along."""
        self.notes = {run_id: note for run_id, note in notes.items() if note}

    def _bury(self, worker: WorkerProcess) -> None:
        """See to it that the run of an ended worker has an end too."""
        worker.close()
        if worker.run_id is None:
            if not worker.ready and not self._stopping.is_set():
                self._note_bad_start(worker)
            return
        self._interrupt(worker.run_id, death(worker.status, worker.killed))

    def _note_bad_start(self, worker: WorkerProcess) -> None:
        """No worker can start: that is the end of the run that waits for it, and is tried again later."""
        self._bad_starts += 1
        self._next_spare = time.monotonic() + min(2.0**self._bad_starts, SLOWEST_RETRY)
        run = self.store.claim(self._identity, self._host)
        if run is not None:
            self.store.fail(
                run.id,
                run.attempt,
                f"no worker could start: {worker.last_words or death(worker.status, False)}; "
                "workers.log in the home folder says more",
            )

    def _interrupt(self, run_id: str, why: str) -> None:
        with contextlib.suppress(RunNotFound):
            steps = self.store.checkpoint_steps(run_id)
            remedy = f"resume from step {steps[-1]:,}" if steps else "resume begins it again"
            self.store.set_state(run_id, INTERRUPTED, f"{why}; {remedy}", expect=ACTIVE)

    def _take_up(self) -> None:
        """A race, and what a cluster trains, goes on where it stood, whatever ended its workers."""
        for run in self.store.runs(limit=1000, states={INTERRUPTED}):
            if run.goes_on or (self._cluster is not None and self._cluster.takes_up(run)):
                with contextlib.suppress(RunNotFound):
                    self.store.requeue(run.id)

    def _recover(self) -> None:
        """Mark runs whose worker is gone without a word: this server, or another one, died."""
        for keeper in self._keepers[:2]:
            keeper.recover(f"the {keeper.noun} ended")
        mine = {worker.run_id for worker in self._workers}
        for run in self.store.runs(limit=1000, states=ACTIVE):
            if run.id in mine:
                continue
            if run.elsewhere:
                self._notice_silence(run)
            elif run.host != self._host:
                if self._cluster is not None and self._cluster.has_lost(run):
                    self._interrupt(run.id, f"the Dask worker {run.host} is gone")
                elif time.time() - (run.heartbeat or 0.0) > LOST_SECONDS:
                    self._interrupt(run.id, f"nothing was heard from {run.host} for a minute")
            elif not is_alive(run.worker):
                self._interrupt(run.id, "the server stopped while it ran")
        self._take_up()

    def _notice_silence(self, run: RunInfo) -> None:
        """A run that is trained elsewhere is only ever listened to."""
        if run.host == self._host and not is_alive(run.worker):
            why = "the program that trained it ended without a word; call watch.close(), or use its with-block"
        elif time.time() - (run.heartbeat or 0.0) > LOST_SECONDS:
            why = "nothing was heard from its training loop for a minute; it comes back when the loop goes on"
        else:
            return
        with contextlib.suppress(RunNotFound):
            self.store.set_state(run.id, INTERRUPTED, why, expect=ACTIVE)


def usable_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: those that it is bound to, or what its container is granted where that is less.

    ``quota`` is the file in which Linux says so: microseconds of all cores in a period of so many, or ``max``.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        granted, period = quota.read_text().split()
        return cores if granted == "max" else max(1, min(cores, round(int(granted) / int(period))))
    except (OSError, ValueError):  # another system, or no limit that could be read
        return cores

"""What the server remembers of the runs that are being watched, so that it asks the store for news only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from rnncore.records import TRAIN_SERIES, VALIDATION_SERIES, Columns, Record
from rnncore.runs.store import RunInfo, RunStore

MOST_RUNS = 32
MOST_RECORDS = 64
_SERIES = {"train": TRAIN_SERIES, "validation": VALIDATION_SERIES}


class WatchedRun:
    """One run: its state, its series so far, and where its records are."""

    def __init__(self, info: RunInfo):
        self.info = info
        self.series: dict[str, Columns] = {}
        self.record_steps: dict[str, list[int]] = {}

    def newest(self, kind: str, at: int | None) -> int | None:
        """The step of the newest record of a kind, up to ``at``."""
        steps = self.record_steps.get(kind, [])
        if at is not None:
            steps = steps[: int(np.searchsorted(steps, at, side="right"))]
        return steps[-1] if steps else None

    def version(self, source: str, at: int | None) -> str:
        """Changes when what a panel would draw from this source changes."""
        if source == "info":
            return str(self.info.revision)
        if source in _SERIES:
            steps = self.series[source]["step"]
            return f"{self.info.attempt}.{steps[-1] if len(steps) else 0}"
        return f"{self.info.attempt}.{self.newest(source, at)}"


class Source:
    """Reads of the run store, shared by all who watch. Safe among threads.

    Args:
        store: gives the store; asked at each read, so that the server may start before it is open.
    """

    def __init__(self, store: Callable[[], RunStore]):
        self._store = store
        self._runs: OrderedDict[str, WatchedRun] = OrderedDict()
        self._records: OrderedDict[tuple[str, int, str, int], Record] = OrderedDict()
        self._lock = threading.RLock()

    def run(self, run_id: str, kinds: set[str]) -> WatchedRun:
        """The run as it is now.

        Args:
            run_id: which run.
            kinds: record kinds whose steps are wanted.

        Raises:
            RunNotFound: there is no such run.
        """
        store = self._store()
        revision = store.revision(run_id)
        with self._lock:
            watched = self._runs.get(run_id)
            if watched is None or watched.info.revision != revision or not kinds <= watched.record_steps.keys():
                watched = self._refreshed(store, run_id, watched, kinds)
                self._runs[run_id] = watched
            self._runs.move_to_end(run_id)
            while len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)
            return watched

    def _refreshed(self, store: RunStore, run_id: str, old: WatchedRun | None, kinds: set[str]) -> WatchedRun:
        fresh = WatchedRun(store.get(run_id))
        if old is not None and old.info.attempt != fresh.info.attempt:
            old = None  # steps beyond the checkpoint are gone
        wanted = kinds | (set(old.record_steps) if old else set())
        for name, columns in _SERIES.items():
            known = old.series[name] if old else {column: np.empty(0) for column in columns}
            steps = known["step"]
            new = store.series(run_id, name, since=int(steps[-1]) if len(steps) else None)
            if new and len(new["step"]):
                known = {c: np.concatenate([known[c], new[c]]) if len(steps) else new[c] for c in columns}
            fresh.series[name] = known
        fresh.record_steps = {kind: store.record_steps(run_id, kind) for kind in wanted}
        return fresh

    def record(self, run: WatchedRun, kind: str, at: int | None = None) -> Record | None:
        """The newest record of a kind up to ``at``."""
        step = run.newest(kind, at)
        if step is None:
            return None
        key = (run.info.id, run.info.attempt, kind, step)
        with self._lock:
            if key not in self._records:
                found = self._store().record(run.info.id, kind, at=step)
                if found is None:
                    return None
                self._records[key] = found
                while len(self._records) > MOST_RECORDS:
                    self._records.popitem(last=False)
            self._records.move_to_end(key)
            return self._records[key]

    def records(self, run: WatchedRun, kind: str, most: int, at: int | None = None) -> list[Record]:
        """The last records of a kind up to ``at``, newest first."""
        steps = [step for step in run.record_steps.get(kind, []) if at is None or step <= at]
        found = [self.record(run, kind, step) for step in reversed(steps[-most:])]
        return [record for record in found if record is not None]

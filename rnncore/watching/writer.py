"""Writes what a watched loop hands over, in a thread of its own: the loop never waits for the database.

While the store cannot be written, it says so once and keeps what is new, in bounded space; nothing that happens here
reaches the loop.
"""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncore.errors import StoreError
from rnncore.records import TRAIN_SERIES, VALIDATION_SERIES, Record
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.states import ACTIVE, INTERRUPTED, RUNNING
from rnncore.runs.store import RunInfo, RunLost, RunNotFound, RunStore, StoreUnavailable
from rnncore.runs.worker import identity

log = logging.getLogger("rnncore.watch")

SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 3.0
SHARE = 0.006
"""Writing is spread out so far that it takes this share of a processor's time, within the bounds above."""
HEARTBEAT_SECONDS = 1.0
QUIET_SECONDS = 30.0
"""A loop that has not been heard of for so long is not vouched for: it may have ended without a word."""
CLOSE_SECONDS = 5.0
"""For the last writes, when the loop has ended."""
PATIENCE_SECONDS = 3.0
MOST_ROWS, MOST_RECORDS = 50_000, 64
"""What is kept while the store cannot be written; of more rows every second goes, of records the oldest."""

Row = tuple[float, ...]


@dataclass
class Parcel:
    """What is to be written together.

    Attributes:
        train, validation: rows in the order of ``TRAIN_SERIES`` and ``VALIDATION_SERIES``.
        values: columns of the run itself, e.g. its step.
        config: a better description of the run.
        end: its last state and the reason.
    """

    train: list[Row] = field(default_factory=list)
    validation: list[Row] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    config: Elsewhere | None = None
    end: tuple[str, str] | None = None

    def add(self, newer: Parcel) -> None:
        """Take in what came later."""
        self.train += newer.train
        self.validation += newer.validation
        self.records += newer.records
        self.values |= newer.values
        self.config, self.end = newer.config or self.config, newer.end or self.end
        for rows in (self.train, self.validation):
            if len(rows) > MOST_ROWS:
                del rows[:-1:2]
        del self.records[:-MOST_RECORDS]

    @property
    def empty(self) -> bool:
        """Nothing to write."""
        return not (self.train or self.validation or self.records or self.values or self.config or self.end)


class Writer:
    """One watched run in the store.

    Attributes:
        run_id: None until the store has taken the run.
        gone: nothing is written any more: the run was deleted, has ended, or the store refuses for good.
        pause: seconds that the loop should leave between two parcels.
        seen: when the loop was last heard of, ``time.monotonic()``.
    """

    def __init__(self, url: str | None, config: Elsewhere):
        self.run_id: str | None = None
        self.gone = False
        self.pause = SHORTEST_PAUSE
        self.seen = time.monotonic()
        self._url, self._config = url, config
        self._inbox: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
        self._pending, self._troubled = Parcel(), False
        self._store: RunStore | None = None
        self._run: RunInfo | None = None
        self._thread = threading.Thread(target=self._work, name="rnncore.watch", daemon=True)
        self._thread.start()

    def send(self, parcel: Parcel) -> None:
        """Hand over; returns at once."""
        self._inbox.put(parcel)

    def close(self, state: str, reason: str) -> None:
        """Write what is left and how the run ended; waits for it a few seconds at most."""
        self.send(Parcel(end=(state, reason)))
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            log.warning("The end of the watched run could not be written in %g seconds; it is given up", CLOSE_SECONDS)

    def _work(self) -> None:
        delay, next_try = 0.1, 0.0
        try:
            while not self.gone:
                self._collect(max(next_try - time.monotonic(), 0.0) or HEARTBEAT_SECONDS)
                if time.monotonic() < next_try and self._pending.end is None:
                    continue
                start, heartbeat = time.thread_time(), self._pending.empty
                if self._attempt(self._write):
                    delay, next_try = 0.1, 0.0
                    if not heartbeat:
                        cost = time.thread_time() - start
                        self.pause = min(max(cost / SHARE, SHORTEST_PAUSE), LONGEST_PAUSE)
                else:
                    delay = min(2 * delay, LONGEST_PAUSE)
                    next_try = time.monotonic() + delay
        finally:
            self.gone = True
            if self._store is not None:
                self._store.close()

    def _collect(self, seconds: float) -> None:
        """Wait for a parcel, and take all that there are."""
        try:
            self._pending.add(self._inbox.get(timeout=seconds))
            while True:
                self._pending.add(self._inbox.get_nowait())
        except queue.Empty:
            pass

    def _attempt(self, write: Callable[[], None]) -> bool:
        """Whether it could be written; what can never be written ends the writing."""
        try:
            write()
        except StoreUnavailable as error:
            if not self._troubled:
                log.warning("%s. The training goes on; what is measured is kept and written later", error)
            self._troubled = True
            return False
        except RunNotFound:
            log.warning("The watched run was deleted; the training goes on, and is no longer recorded")
            self.gone = True
        except StoreError as error:
            log.warning("%s. The training goes on, and is not recorded", error)
            self.gone = True
        except Exception:
            log.exception("The watched run could not be written. The training goes on, and is not recorded")
            self.gone = True
        else:
            if self._troubled:
                log.warning("The run store takes the watched run again")
            self._troubled = False
        return True

    def _write(self) -> None:
        if self._store is None:
            self._store = RunStore(self._url, patience=PATIENCE_SECONDS)
        if self._run is None:
            self._run = self._store.begin_elsewhere(self._config, identity(), socket.gethostname())
            self.run_id = self._run.id
        parcel, store, run_id = self._pending, self._store, self._run.id
        if parcel.empty:
            if time.monotonic() - self.seen < QUIET_SECONDS:
                self._vouch(store, run_id, {})
            return
        if self._troubled:  # a lost connection does not tell whether the last write was done
            if parcel.end is not None and store.get(run_id).state == parcel.end[0]:  # it was, to the end
                self._pending, self.gone = Parcel(), True
                return
            self._drop_written(store, run_id, parcel)
        with store.transaction():
            self._vouch(store, run_id, parcel.values)
            if parcel.config is not None:
                store.describe(run_id, parcel.config)
            for series, names in (("train", TRAIN_SERIES), ("validation", VALIDATION_SERIES)):
                if rows := getattr(parcel, series):
                    store.append(run_id, series, dict(zip(names, np.array(rows, np.float64).T, strict=True)))
            for record in parcel.records:
                store.put(run_id, record)
            if parcel.end is not None:
                store.set_state(run_id, *parcel.end, expect=ACTIVE)
        self._pending = Parcel()
        self.gone = parcel.end is not None

    def _vouch(self, store: RunStore, run_id: str, values: dict[str, Any]) -> None:
        """The loop lives; one that was taken for dead because it was silent for long comes back."""
        assert self._run is not None
        try:
            store.progress(run_id, self._run.attempt, **values)
        except RunLost:
            if not store.set_state(run_id, RUNNING, expect={INTERRUPTED}):
                raise
            store.progress(run_id, self._run.attempt, **values)

    @staticmethod
    def _drop_written(store: RunStore, run_id: str, parcel: Parcel) -> None:
        for series in ("train", "validation"):
            newest, rows = store.last_step(run_id, series), getattr(parcel, series)
            rows[:] = [row for row in rows if newest is None or row[0] > newest]

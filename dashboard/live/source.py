"""What the server remembers of the runs that are being watched, so that it asks the store for news only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rnncore.comparison import Measure, Outcome, Race, Standing, judged, outcome, standings
from rnncore.records import FEEDING_SERIES, SCORE_SERIES, TRAIN_SERIES, VALIDATION_SERIES, Columns, Record
from rnncore.records.measured import Measured
from rnncore.runs import footprint
from rnncore.runs.experiments import ExperimentInfo, Experiments
from rnncore.runs.races import RaceInfo, Races
from rnncore.runs.states import ENDED
from rnncore.runs.store import RunInfo, RunStore

MOST_RUNS = 32
MOST_RACES, MOST_EXPERIMENTS = 8, 16
MOST_RECORDS = 64
_SERIES = {"train": TRAIN_SERIES, "feeding": FEEDING_SERIES, "score": SCORE_SERIES, "validation": VALIDATION_SERIES}


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


class RacingRun(NamedTuple):
    """One run of a race: what it is now, its measure so far, and what came of it."""

    info: RunInfo
    series: dict[str, Columns]
    outcome: Outcome


@dataclass(frozen=True)
class WatchedRace:
    """A race: what was asked for, and its runs as they are now."""

    info: RaceInfo
    race: Race
    measure: Measure
    runs: tuple[RacingRun, ...]

    @property
    def standings(self) -> list[Standing]:
        """Of all contenders."""
        return standings(self.race, [run.outcome for run in self.runs])

    def of(self, contender: int) -> list[RacingRun]:
        """A contender's runs, in the order of seeds."""
        return [run for run in self.runs if run.info.contender == contender]

    @property
    def version(self) -> str:
        """Changes when a score or a state does."""
        parts = []
        for run in self.runs:
            steps = run.series.get(self.measure.series, {}).get("step", ())
            parts.append((run.info.id, run.info.attempt, run.info.state, len(steps), run.info.held))
        return f"{self.info.id}.{hash(tuple(parts)):x}"

    @property
    def progress(self) -> str:
        """Changes when a run has got any further, or has moved up in the queue."""
        return f"{hash(tuple((run.revision, run.queue_place) for run in self.info.runs)):x}"


class WatchedExperiment(NamedTuple):
    """An experiment of the lecture, and what it has measured so far; None while that is nothing."""

    info: ExperimentInfo
    record: Measured | None


class Source:
    """Reads of the run store, shared by all who watch. Safe among threads.

    Args:
        store: gives the store; asked at each read, so that the server may start before it is open.
    """

    def __init__(self, store: Callable[[], RunStore]):
        self._store = store
        self._runs: OrderedDict[str, WatchedRun] = OrderedDict()
        self._records: OrderedDict[tuple[str, int, str, int], Record] = OrderedDict()
        self._racing: dict[str, dict[str, RacingRun]] = {}
        self._experiments: OrderedDict[str, WatchedExperiment] = OrderedDict()
        self._lock = threading.RLock()

    def experiment(self, experiment_id: str) -> WatchedExperiment:
        """The experiment as it is now; its record is read when it has changed.

        Raises:
            StoreError: there is no such experiment.
        """
        kept = Experiments(self._store())
        info = kept.get(experiment_id)
        with self._lock:
            known = self._experiments.get(experiment_id)
            if known is None or known.info.revision != info.revision:
                known = WatchedExperiment(info, kept.record(experiment_id))
                self._experiments[experiment_id] = known
                while len(self._experiments) > MOST_EXPERIMENTS:
                    self._experiments.popitem(last=False)
            return known

    def race(self, race_id: str) -> WatchedRace:
        """The race as it is now; of its runs, only those are read that have changed.

        Raises:
            StoreError: there is no such race.
        """
        store = self._store()
        info = Races(store).get(race_id)
        document = _race(info.document)
        measure = judged(document, info.runs)
        with self._lock:
            before = self._racing.get(race_id, {})
            fresh = {run.id: _racing(store, run, measure, before.get(run.id)) for run in info.runs}
            self._racing = {other: runs for other, runs in self._racing.items() if other != race_id}
            self._racing[race_id] = fresh
            while len(self._racing) > MOST_RACES:
                self._racing.pop(next(iter(self._racing)))
        return WatchedRace(info, document, measure, tuple(fresh.values()))

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


def race_state(info: RaceInfo) -> str:
    """In one word, with how many runs are done: changes when a page's buttons may."""
    done = sum(run.state in ENDED for run in info.runs)
    word = "paused" if info.paused else "ended" if info.over else "running"
    return f"{word} {done}/{len(info.runs)}"


def _racing(store: RunStore, run: RunInfo, measure: Measure, known: RacingRun | None) -> RacingRun:
    """A run of a race as it is now. The last training step alone is read: its curve is on no chart of a race."""
    if known is not None and known.info.revision == run.revision:
        return RacingRun(run, known.series, known.outcome)
    series = {
        measure.series: store.series(run.id, measure.series),
        "train": store.series(run.id, "train", since=max(run.step - 1, 0)),
        footprint.SERIES: store.series(run.id, footprint.SERIES) if run.state in ENDED else {},
    }
    return RacingRun(run, series, outcome(run, measure, series))


@lru_cache(maxsize=16)
def _race(document: str) -> Race:
    return Race.from_store(document)

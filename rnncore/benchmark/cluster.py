"""How races scale with workers: runs per minute on this machine and on a Dask cluster of it, one worker and two.

The same race everywhere, in turn, with the same PostgreSQL run store (RNNCORE_STORE), from pressing Race to the end of
its last run: starting the worker processes is part of it. The store should have nothing else to do.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rnncore.config import RunConfig
from rnncore.runs.launcher import Launcher
from rnncore.runs.races import Races
from rnncore.runs.store import RunStore

COLUMNS = ("where", "workers", "runs", "seconds", "runs_per_minute", "load_before")
WORKERS = (1, 2)
SETTINGS = {"task": "delayed_recall", "cell": "gru", "hidden_size": 32, "steps": 1500}
"""Of each run: some ten seconds of training."""
SECONDS_PER_RUN = 5.0


@contextmanager
def here(store: RunStore, workers: int) -> Iterator[Launcher]:
    """A launcher with so many workers of this machine, one of them warm."""
    with Launcher(store, slots=workers) as launcher:
        while not any(worker.ready for worker in launcher._workers):
            time.sleep(0.1)
        yield launcher


@contextmanager
def on_dask(store: RunStore, workers: int) -> Iterator[Launcher]:
    """A launcher with a Dask cluster of so many workers, processes of this machine."""
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=workers, **options) as cluster,
        Launcher(store, scheduler=cluster.scheduler_address) as launcher,
    ):
        yield launcher


def measure_case(where: str, workers: int, number: int) -> dict[str, Any]:
    """One race of ``number`` runs."""
    load = os.getloadavg()[0]
    with RunStore() as store, (on_dask if where == "Dask" else here)(store, workers) as launcher:
        races = Races(store)
        start = time.perf_counter()
        race = launcher.race("benchmark", "{}", [(0, RunConfig.of(seed=seed, **SETTINGS)) for seed in range(number)])
        while not races.get(race.id).over:
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        assert {run.state for run in races.get(race.id).runs} == {"finished"}
        races.delete(race.id)
    return {
        "where": where,
        "workers": workers,
        "runs": number,
        "seconds": seconds,
        "runs_per_minute": 60 * number / seconds,
        "load_before": load,
    }


def measure(seconds: float = 30.0) -> list[dict[str, Any]]:
    """All four, as many runs each as a worker does in about that time; nothing without a PostgreSQL run store."""
    with RunStore() as store:
        if store.url.drivername == "sqlite":
            return []
    number = max(2, round(seconds / SECONDS_PER_RUN))
    return [measure_case(where, workers, number) for workers in WORKERS for where in ("this machine", "Dask")]

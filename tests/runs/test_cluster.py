"""Runs on a real Dask cluster of two workers, with a real PostgreSQL server as the run store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from rnncore.config import RunConfig
from rnncore.runs import cluster as clustering
from rnncore.runs import cluster_task as tasks
from rnncore.runs import launcher as launching
from rnncore.runs.cluster_task import Order, _start
from rnncore.runs.launcher import Launcher
from rnncore.runs.races import Races
from rnncore.runs.states import ACTIVE
from rnncore.runs.store import RunStore
from rnncore.training import events, train
from tests.runs.conftest import KINDS
from tests.runs.dask_cluster import DaskCluster
from tests.runs.fakes import COMMAND, until
from tests.runs.postgres import Cluster as Postgres
from tests.runs.test_launcher import curve_is_whole, slow, worker_pid

OpenStore = Callable[[str], RunStore]
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(len(KINDS) == 1, reason="PostgreSQL is not installed; CI has it and never skips this"),
]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler, and workers as a test asks for them."""
    found = DaskCluster(tmp_path_factory.mktemp("dask"))
    yield found
    found.remove()


@pytest.fixture
def store(cluster: Postgres, open_store: OpenStore) -> Iterator[RunStore]:
    """An empty store on the server; what a test that fails leaves on the cluster is stopped, for the next one."""
    found = open_store(cluster.new_database())
    yield found
    for run in found.runs():
        found.send(run.id, "stop")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a while in earnest."""
    monkeypatch.setattr(clustering, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(clustering, "RETRY_SECONDS", 0.5)
    monkeypatch.setattr(clustering, "GONE_SECONDS", 1.5)
    monkeypatch.setattr(launching, "RECOVER_SECONDS", 0.5)


def on(dask: DaskCluster, store: RunStore, **more: object) -> Launcher:
    return Launcher(store, **{"command": COMMAND, "scheduler": dask.address, **more})  # type: ignore[arg-type]


def finished(store: RunStore, *ids: str) -> bool:
    return all(store.get(run_id).state == "finished" for run_id in ids)


def test_a_race_on_two_workers_ends_complete_though_one_is_killed_in_the_middle(
    dask: DaskCluster, store: RunStore
) -> None:
    dask.fill(2)
    settings = {"task": "delayed_recall", "steps": 600, "sequence_length": 10, "hidden_size": 8}
    wanted = [(n, RunConfig.of(cell=cell, **settings)) for n, cell in enumerate(("gru", "lstm", "rnn_tanh"))]
    with Launcher(store, scheduler=dask.address):
        race = Races(store).create("which", "{}", wanted)
        first = race.runs[0].id
        store.send(first, "pause")  # which saves a checkpoint
        until(lambda: store.get(first).state == "paused", 90)
        store.send(first, "resume")
        until(lambda: store.get(first).step > store.checkpoint_steps(first)[-1] + 20)
        dask.kill(store.get(first).host, all_of_it=True)
        until(lambda: Races(store).get(race.id).over, 150)
    for run in Races(store).get(race.id).runs:
        assert (run.state, run.step) == ("finished", 600)
        assert store.series(run.id, "train")["step"].tolist() == list(range(1, 601))
    assert store.get(first).attempt == 2
    whole = [said.loss for said in train(store.get(first).config) if isinstance(said, events.Step)]
    np.testing.assert_array_equal(store.series(first, "train")["loss"], np.float32(whole))


def test_a_run_on_the_cluster_obeys_as_it_does_here(dask: DaskCluster, store: RunStore) -> None:
    dask.fill(2)
    with on(dask, store) as going:
        run = going.submit(slow())
        until(lambda: store.get(run.id).step >= 5, 20)
        assert store.get(run.id).host in dask.workers
        store.send(run.id, "pause")
        until(lambda: store.get(run.id).state == "paused")
        store.send(run.id, "resume")
        until(lambda: store.get(run.id).state == "running")
        store.send(run.id, "stop")
        until(lambda: store.get(run.id).state == "stopped")
    curve_is_whole(store, run.id)


def test_as_many_run_as_there_are_workers_and_the_rest_wait_in_order(dask: DaskCluster, store: RunStore) -> None:
    dask.fill(2)
    with on(dask, store) as going:
        ids = [going.submit(slow()).id for _ in range(4)]
        until(lambda: [store.get(one).state for one in ids] == ["running"] * 2 + ["queued"] * 2, 20)
        assert len({store.get(one).host for one in ids[:2]}) == 2
        assert [store.get(one).queue_place for one in ids] == [None, None, 1, 2]
        for one in (ids[3], ids[1]):
            store.send(one, "stop")
        until(lambda: store.get(ids[2]).state == "running", 20)
        assert store.get(ids[3]).state == "stopped"
        for one in ids[:3]:
            store.send(one, "stop")
        until(lambda: not store.runs(states=ACTIVE))


@pytest.mark.parametrize("all_of_it", [False, True], ids=["only the Dask worker", "the whole machine"])
def test_a_run_goes_on_elsewhere_when_its_machine_is_gone(dask: DaskCluster, store: RunStore, all_of_it: bool) -> None:
    dask.fill(2)
    with on(dask, store) as going:
        run = going.submit(RunConfig.of(name="slow", steps=80))
        until(lambda: store.get(run.id).step >= 30, 20)
        host = store.get(run.id).host
        dask.kill(host, all_of_it=all_of_it)
        until(lambda: finished(store, run.id), 40)
    found = store.get(run.id)
    assert (found.attempt, found.step) == (2, 80)
    assert found.host != host
    curve_is_whole(store, run.id)


def test_a_worker_process_that_is_killed_takes_neither_its_dask_worker_nor_its_run_with_it(
    dask: DaskCluster, store: RunStore
) -> None:
    dask.fill(2)
    with on(dask, store) as going:
        run = going.submit(RunConfig.of(name="slow", steps=80))
        until(lambda: store.get(run.id).step >= 5, 20)
        os.kill(worker_pid(store, run.id), signal.SIGKILL)
        until(lambda: finished(store, run.id), 40)
    assert all(worker.poll() is None for worker in dask.workers.values())
    assert store.get(run.id).attempt == 2
    curve_is_whole(store, run.id)


def test_what_the_cluster_trains_goes_on_without_a_launcher(dask: DaskCluster, store: RunStore) -> None:
    dask.fill(1)
    with on(dask, store) as going:
        run = going.submit(RunConfig.of(name="slow", steps=80))
        until(lambda: store.get(run.id).step >= 5, 20)
    assert store.get(run.id).state == "running"
    with on(dask, store):
        until(lambda: finished(store, run.id), 20)
    assert store.get(run.id).attempt == 1
    curve_is_whole(store, run.id)


def test_a_scheduler_that_goes_away_and_comes_back_loses_nothing(dask: DaskCluster, store: RunStore) -> None:
    dask.fill(1)
    with on(dask, store) as going:
        ids = [going.submit(RunConfig.of(name="slow", steps=80)).id for _ in range(2)]
        until(lambda: store.get(ids[0]).step >= 5, 20)
        dask.stop_scheduler()
        until(lambda: "no Dask scheduler answers at " + dask.address in going.notes.get("", ""))
        assert store.get(ids[1]).state == "queued"
        dask.start_scheduler()
        until(lambda: "has no workers; start some (dask worker" in going.notes.get("", ""), 20)
        dask.fill(1)
        until(lambda: finished(store, *ids), 40)
        assert "" not in going.notes
    for one in ids:
        curve_is_whole(store, one)


def test_a_database_that_goes_away_and_comes_back_loses_nothing(
    dask: DaskCluster, store: RunStore, cluster: Postgres
) -> None:
    dask.fill(2)
    with on(dask, store) as going:
        done = going.submit(RunConfig.of(name="quick", steps=20))
        until(lambda: finished(store, done.id), 20)
        ids = [going.submit(RunConfig.of(name="slow", steps=80)).id for _ in range(3)]
        until(lambda: store.get(ids[0]).step >= 5, 20)
        cluster.stop()
        try:
            until(lambda: "does not answer" in going.notes.get("", ""), 20)
            time.sleep(1.5)  # long enough for each worker to find it gone
        finally:
            cluster.start()
        until(lambda: finished(store, *ids), 60)
    for one in (done.id, *ids):
        assert store.get(one).attempt == 1
        curve_is_whole(store, one)


def test_a_run_that_begins_while_the_database_is_away_waits_for_it(store: RunStore, cluster: Postgres) -> None:
    with Launcher(store, slots=1, command=COMMAND) as going:
        run = going.submit(RunConfig.of(name="quick", steps=20))
        cluster.stop()
        try:
            time.sleep(1.0)
        finally:
            cluster.start()
        until(lambda: finished(store, run.id), 30)
    curve_is_whole(store, run.id)


def test_a_wrong_scheduler_is_said_with_a_remedy_and_runs_wait(store: RunStore) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with Launcher(store, command=COMMAND, scheduler=address) as going:
            run = going.submit(slow())
            until(lambda: going.notes.get(""), 8)
            assert going.notes[""] == (
                f"no Dask scheduler answers at {address}; start one there (dask scheduler), or correct "
                "RNNCORE_SCHEDULER: runs wait in the queue until then"
            )
    assert store.get(run.id).queue_place == 1


@pytest.mark.parametrize("address", ["here", "tcp://host", "host:8786", "tcp://:8786", "tcp://a b:1", "8786"])
def test_what_is_no_address_is_said_at_once_and_runs_wait(
    store: RunStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNCORE_SCHEDULER", address)
    with Launcher(store, command=COMMAND) as going:
        run = going.submit(slow())
        until(lambda: going.notes.get(""), 3)
        assert going.notes[""].startswith(
            f"RNNCORE_SCHEDULER must be the address of a Dask scheduler such as tcp://host:8786, got {address!r};"
        )
    assert store.get(run.id).queue_place == 1


def test_a_file_is_no_run_store_for_a_cluster(sqlite_store: RunStore) -> None:
    with Launcher(sqlite_store, command=COMMAND, scheduler="tcp://host:8786") as going:
        run = going.submit(slow())
        until(lambda: going.notes.get(""), 3)
        assert "need a run store that other machines reach, got the file " in going.notes[""]
        assert "; set RNNCORE_STORE=postgresql+psycopg://user@host/database, or unset RNNCORE_SCH" in going.notes[""]
    assert sqlite_store.get(run.id).queue_place == 1


def test_where_no_worker_can_start_the_runs_wait_and_the_reason_is_said(dask: DaskCluster, store: RunStore) -> None:
    dask.fill(1)
    with on(dask, store, command=(sys.executable, "-c", "raise SystemExit('torch is not installed')")) as going:
        run = going.submit(slow())
        until(lambda: "cannot train: no worker process could start: torch is not" in going.notes.get("", ""), 20)
        assert store.get(run.id).state == "queued"
    with on(dask, store) as going:
        until(lambda: store.get(run.id).step >= 5, 20)
        store.send(run.id, "stop")
        until(lambda: store.get(run.id).state == "stopped")


def test_the_allocator_is_not_slowed_down_as_dask_does_for_its_own_workers(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    process = _start((sys.executable, "-c", "import os; exit('MALLOC_TRIM_THRESHOLD_' in os.environ)"), "sqlite://")
    assert process.status == 0
    process.close()


def test_a_task_does_not_wait_for_the_process_that_another_one_took_over_from_it(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sqlite_store.create(slow())
    spares, command = tasks._Spares(), (sys.executable, "-m", "x", "--host", "tcp://here:1")
    process = Done()
    spares.keep(command, "sqlite://", process)
    monkeypatch.setattr(tasks, "_spares", spares)
    kept = spares.keep

    def and_take(*given: object) -> None:
        kept(*given)  # type: ignore[arg-type]
        assert spares.take(command, "sqlite://").give("the other task's")

    monkeypatch.setattr(spares, "keep", and_take)
    order = Order(run.id, "sqlite://", ("-m", "x"))
    tasks._Task(sqlite_store, order, "tcp://here:1", lambda: True).run()
    assert process.given == [run.id, "the other task's"]


class Done:
    """A warm process that is done with its first run at once, and works on the second one for ever."""

    ready, ended = True, False

    def __init__(self) -> None:
        self.given: list[str] = []

    @property
    def idle(self) -> bool:
        return len(self.given) < 2

    @property
    def status(self) -> int:
        raise AssertionError("its end is waited for")

    def give(self, run_id: str) -> bool:
        self.given.append(run_id)
        return True


def test_a_password_is_not_shown_by_what_dask_logs() -> None:
    assert "secret" not in repr(Order("abc", "postgresql+psycopg://me:secret@host/runs", ("-m", "x")))


def test_the_server_speaks_to_a_cluster_without_torch(dask: DaskCluster, store: RunStore) -> None:
    dask.fill(1)
    code = (
        "import sys, time; from rnncore.runs.launcher import Launcher; from rnncore.runs.store import RunStore\n"
        "with RunStore() as store, Launcher(store) as going:\n"
        "    while going._cluster.hosts is None: time.sleep(.05)\n"
        "sys.exit('torch' in sys.modules)"
    )
    settings = {"RNNCORE_STORE": store.address, "RNNCORE_SCHEDULER": dask.address}
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | settings, check=False).returncode == 0

"""Real worker processes under a launcher, with a training whose every number is known."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

import rnncore.runs.launcher as launching
from rnncore.config import RunConfig
from rnncore.errors import ConfigError, StoreError
from rnncore.runs.launcher import Launcher, usable_cores
from rnncore.runs.process import LOG_BYTES, Log, death, is_alive
from rnncore.runs.races import Races
from rnncore.runs.states import ACTIVE, MOST_ATTEMPTS
from rnncore.runs.store import RunStore
from rnncore.runs.worker import identity
from tests.runs.fakes import COMMAND, loss, until


def slow(steps: int = 100_000) -> RunConfig:
    return RunConfig.of(name="slow", steps=steps)


def launcher(store: RunStore, slots: int = 2, **more: object) -> Launcher:
    return Launcher(store, slots, **{"command": COMMAND, "grace": 5.0, **more})  # type: ignore[arg-type]


def warm(going: Launcher) -> None:
    until(lambda: any(worker.ready and worker.idle for worker in going._workers))


def worker_pid(store: RunStore, run_id: str) -> int:
    return int(store.get(run_id).worker.partition(":")[0])


def curve_is_whole(store: RunStore, run_id: str) -> None:
    """Steps from 1 on, each once, with the loss that belongs to it; nothing measured lies beyond."""
    train, step = store.series(run_id, "train"), store.get(run_id).step
    assert train["step"].tolist() == list(range(1, step + 1))
    np.testing.assert_array_equal(train["loss"], np.float32([loss(step) for step in train["step"]]))
    for kind in store.record_kinds(run_id):
        assert store.record_steps(run_id, kind)[-1] <= step
        assert all(store.record(run_id, kind, at) for at in store.record_steps(run_id, kind))
    for saved in store.checkpoint_steps(run_id):
        assert store.load_checkpoint(run_id, saved)[0] == saved <= step


def test_a_warm_worker_reaches_the_first_step_within_half_a_second(store: RunStore) -> None:
    with launcher(store) as going:
        warm(going)
        start = time.perf_counter()
        run = going.submit(RunConfig.of(steps=40))
        until(lambda: store.get(run.id).step >= 1)
        assert time.perf_counter() - start < 0.5
        until(lambda: store.get(run.id).state == "finished")
        curve_is_whole(store, run.id)


def test_as_many_run_as_there_are_slots_and_the_rest_wait_in_order(sqlite_store: RunStore) -> None:
    store = sqlite_store
    with launcher(store, slots=2) as going:
        ids = [going.submit(slow()).id for _ in range(4)]
        until(lambda: [store.get(run_id).state for run_id in ids[:2]] == ["running"] * 2)
        assert [store.get(run_id).queue_place for run_id in ids] == [None, None, 1, 2]
        store.send(ids[1], "stop")
        until(lambda: store.get(ids[2]).state == "running")
        assert [store.get(run_id).state for run_id in ids] == ["running", "stopped", "running", "queued"]
        assert store.get(ids[3]).queue_place == 1


def test_what_is_done_with_a_run_takes_the_next_one_and_what_failed_does_not(sqlite_store: RunStore) -> None:
    with launcher(sqlite_store, slots=1, warm=0) as going:
        names = ["first", "second", "raise at 3", "after", "diverge at 3", "last"]
        ids = [going.submit(RunConfig.of(name=name, steps=9)).id for name in names]
        until(lambda: not sqlite_store.runs(states=ACTIVE) and not sqlite_store.waiting(), 30)
        until(lambda: not going.notes)
    assert [sqlite_store.get(one).state for one in ids] == [
        "finished", "finished", "failed", "finished", "diverged", "finished",
    ]  # fmt: skip
    one, _, failed, other, *rest = [worker_pid(sqlite_store, run_id) for run_id in ids]
    assert worker_pid(sqlite_store, ids[1]) == failed == one != other
    assert rest == [other, other]
    for run_id in (ids[0], ids[1], ids[3], ids[5]):
        curve_is_whole(sqlite_store, run_id)


def test_workers_that_nobody_needs_any_more_end_but_for_the_spare_one(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "SPARE_SECONDS", 0.3)
    with launcher(sqlite_store) as going:
        ids = [going.submit(slow()).id for _ in range(2)]
        until(lambda: len(sqlite_store.runs(states={"running"})) == 2 and len(going._workers) == 3)
        for one in ids:
            sqlite_store.send(one, "stop")
        until(lambda: sum(worker.idle and worker.ready for worker in going._workers) == 3)
        monkeypatch.setattr(launching, "IDLE_SECONDS", 0.1)
        until(lambda: len(going._workers) == 1)
        time.sleep(1.0)
        assert [worker.idle for worker in going._workers] == [True]
        run = going.submit(RunConfig.of(name="quick", steps=9))
        until(lambda: sqlite_store.get(run.id).state == "finished")


def test_a_second_press_gives_the_same_run(sqlite_store: RunStore) -> None:
    going = launcher(sqlite_store)
    assert going.submit(slow(), token="a").id == going.submit(slow(), token="a").id
    assert going.submit(slow(), token="b").id != going.submit(slow(), token="a").id
    assert len(sqlite_store.runs()) == 2


def test_a_run_survives_kill_9_at_random_moments(sqlite_store: RunStore) -> None:
    store, chance = sqlite_store, random.Random(0)
    with launcher(store, warm=2) as going:
        run = going.submit(RunConfig.of(steps=400))
        for _ in range(6):
            until(lambda of=run.id: store.get(of).state in ("running", "finished"))
            time.sleep(chance.uniform(0, 0.25))
            if store.get(run.id).state == "finished":
                break
            os.kill(worker_pid(store, run.id), signal.SIGKILL)
            until(lambda of=run.id: not store.get(of).active)
            curve_is_whole(store, run.id)
            info = store.get(run.id)
            saved = store.checkpoint_steps(run.id)
            if info.state == "finished":
                break
            assert info.state == "interrupted"
            assert info.reason.startswith("the worker was killed (signal 9), perhaps by the system for want")
            if saved:
                assert info.reason.endswith(f"resume from step {saved[-1]:,}")
                going.resume(run.id)
            else:
                assert info.reason.endswith("resume begins it again")
                run = going.restart(run.id)
        until(lambda: store.get(run.id).state == "finished", 20)
        assert store.get(run.id).step == 400
        curve_is_whole(store, run.id)


def test_a_stopping_server_saves_its_runs_and_the_next_one_resumes_them(store: RunStore) -> None:
    with launcher(store) as going:
        run = going.submit(slow())
        waiting = [going.submit(slow()) for _ in range(2)][-1]
        until(lambda: store.get(run.id).step >= 5)
    info = store.get(run.id)
    assert info.state == "interrupted"
    assert info.reason == f"the server stopped; resume from step {info.step:,}"
    assert store.checkpoint_steps(run.id)[-1] == info.step
    curve_is_whole(store, run.id)
    assert not is_alive(info.worker)
    store.delete(waiting.id)
    with launcher(store) as going:
        going.resume(run.id)
        until(lambda: store.get(run.id).step > info.step + 5)
        assert store.get(run.id).attempt == 2
    curve_is_whole(store, run.id)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_server_that_dies_leaves_no_orphan(home: Path, open_store: Callable[[str], RunStore], number: int) -> None:
    root = Path(__file__).parents[2]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.runs.server"], stdout=subprocess.PIPE, cwd=root, start_new_session=True
    )
    assert server.stdout is not None
    run_id, *pids = server.stdout.readline().decode().split()
    assert len(pids) == 2  # one at work, one kept warm
    assert all(psutil.pid_exists(int(pid)) for pid in pids)
    os.killpg(server.pid, number)
    server.wait()
    server.stdout.close()
    until(lambda: not any(_lives(int(pid)) for pid in pids), 2)
    store = open_store(f"sqlite:///{home / 'runs.sqlite'}")
    info = store.get(run_id)
    assert info.state == "interrupted"
    assert info.reason.startswith("the server ")
    assert info.reason.endswith(f"; resume from step {info.step:,}")
    curve_is_whole(store, run_id)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_new_server_finds_runs_whose_worker_died_without_a_word(store: RunStore) -> None:
    dead, lost, far, alive = (store.create(slow()).id for _ in range(4))
    going = launcher(store, warm=0)
    here = going._host
    for worker, host in (("999999:1.0", here), ("7:1.0", "elsewhere"), ("7:1.0", "elsewhere"), (identity(), here)):
        store.claim(worker, host)
    store.save_checkpoint(dead, 1200, b"x")
    with store.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET heartbeat = {time.time() - 100} WHERE id = '{lost}'")
    with going:
        until(lambda: store.get(dead).state == store.get(lost).state == "interrupted")
        assert store.get(dead).reason == "the server stopped while it ran; resume from step 1,200"
        assert store.get(lost).reason == "nothing was heard from elsewhere for a minute; resume begins it again"
        assert store.get(far).state == store.get(alive).state == "starting"
        store.set_state(alive, "stopped")


def test_a_race_goes_on_by_itself_when_a_worker_is_killed_or_the_server_stops(store: RunStore) -> None:
    races = Races(store)
    race = races.create("which", "{}", [(n, RunConfig.of(name="slow", steps=150, seed=n)) for n in range(2)])
    run_id = race.runs[0].id
    with launcher(store):
        until(lambda: store.get(run_id).step >= 5)
        os.kill(worker_pid(store, run_id), signal.SIGKILL)
        until(lambda: store.get(run_id).attempt == 2)
        until(lambda: store.get(run_id).step >= 5)
    with launcher(store):
        until(lambda: races.get(race.id).over, 30)
    assert {run.state for run in races.get(race.id).runs} == {"finished"}
    for run in race.runs:
        curve_is_whole(store, run.id)


def test_a_race_does_not_kill_workers_for_ever(sqlite_store: RunStore) -> None:
    races = Races(sqlite_store)
    race = races.create("fatal", "{}", [(0, RunConfig.of(name="exit at 3", steps=9))])
    with launcher(sqlite_store):
        until(lambda: sqlite_store.get(race.runs[0].id).attempt == MOST_ATTEMPTS, 30)
        until(lambda: sqlite_store.get(race.runs[0].id).state == "interrupted")
        time.sleep(0.5)
    assert sqlite_store.get(race.runs[0].id).attempt == MOST_ATTEMPTS


def test_a_worker_that_exits_without_a_word_is_told_of(sqlite_store: RunStore) -> None:
    with launcher(sqlite_store) as going:
        run = going.submit(RunConfig.of(name="exit at 3", steps=9))
        until(lambda: sqlite_store.get(run.id).state == "interrupted")
        reason = sqlite_store.get(run.id).reason
        assert reason.startswith("the worker ended without a word (exit status 3); ")


def test_deaths_are_told_in_words() -> None:
    assert death(-9, False).startswith("the worker was killed (signal 9)")
    assert death(-11, False) == "the worker crashed (signal 11, SIGSEGV)"
    assert death(-99, False) == "the worker crashed (signal 99, unknown)"
    assert death(-9, True) == "the worker did not end in time when the server stopped"


def test_a_run_that_no_worker_can_start_for_fails_with_the_workers_last_words(sqlite_store: RunStore) -> None:
    command = (sys.executable, "-c", "raise SystemExit('torch is not installed')")
    with launcher(sqlite_store, command=command) as going:
        run = going.submit(slow())
        until(lambda: sqlite_store.get(run.id).state == "failed")
        assert sqlite_store.get(run.id).reason.startswith("no worker could start: torch is not installed; ")


def test_a_worker_that_does_not_end_in_time_is_killed_and_told_of(sqlite_store: RunStore) -> None:
    with launcher(sqlite_store, grace=0.3) as going:
        run = going.submit(RunConfig.of(name="hang at 3", steps=9))
        until(lambda: sqlite_store.get(run.id).step >= 1)
        time.sleep(0.1)
    info = sqlite_store.get(run.id)
    assert info.state == "interrupted"
    assert info.reason.startswith("the worker did not end in time when the server stopped")
    assert not is_alive(info.worker)


def test_a_refused_configuration_is_not_queued(sqlite_store: RunStore) -> None:
    def refuse(config: RunConfig) -> None:
        raise ConfigError("the model needs about 70 GB of memory")

    with pytest.raises(ConfigError, match="70 GB"):
        launcher(sqlite_store, validate=refuse).submit(slow())
    assert sqlite_store.runs() == []


def test_a_restart_keeps_the_seed_and_names_its_parent(sqlite_store: RunStore) -> None:
    going = launcher(sqlite_store)
    first = going.submit(RunConfig.of(seed=7, lr=0.1), "ann")
    again = going.restart(first.id, "ben", lr=0.2)
    assert (again.parent, again.owner, again.config) == (first.id, "ben", first.config.changed(lr=0.2))
    with pytest.raises(StoreError, match="belongs to someone else"):
        going.resume(first.id, "ben")


def test_a_waiting_worker_is_noted_and_a_store_in_trouble_too(tmp_path: Path) -> None:
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE');"
        "print(flush=True); sys.stdin.read()"
    )
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}", patience=0.1) as store, launcher(store) as going:
        run = going.submit(slow(60))
        until(lambda: store.get(run.id).step >= 5)
        lock = subprocess.Popen(
            [sys.executable, "-c", code, str(store.url.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert lock.stdout is not None
        lock.stdout.readline()
        until(lambda: "is locked by another process" in going.notes.get(run.id, ""))
        with pytest.raises(StoreError, match="is locked by another process"):
            going.submit(slow())
        lock.communicate()
        until(lambda: run.id not in going.notes)
        until(lambda: store.get(run.id).state == "finished", 15)
        curve_is_whole(store, run.id)


def test_the_log_of_the_workers_starts_anew_when_it_is_full(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "workers.log")
    for _ in range(1300):
        log.write("x" * 5000)
    assert sum(path.stat().st_size for path in log.path.parent.iterdir()) < 2 * LOG_BYTES + 5000
    Log(tmp_path / "logs" / "workers.log" / "below a file").write("no error")


@pytest.mark.parametrize(
    ("said", "cores"),
    [("max 100000", None), ("100000 100000", 1), ("20000 100000", 1), ("9900000 100000", None), ("", None)],
)
def test_a_container_is_given_no_more_workers_than_it_has_cores(tmp_path: Path, said: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(said)
    bound = usable_cores(tmp_path / "missing")
    assert usable_cores(tmp_path / "cpu.max") == (cores or bound)


def test_slots_are_at_least_one(sqlite_store: RunStore) -> None:
    assert Launcher(sqlite_store).slots == usable_cores() >= 1
    with pytest.raises(ValueError, match="slots must be >= 1, got 0; use None"):
        launcher(sqlite_store, slots=0)

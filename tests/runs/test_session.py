"""One run in a worker's hands, with a training whose every number is known."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from rnncore.config import RunConfig
from rnncore.records import Baselines, Record
from rnncore.runs.races import Races
from rnncore.runs.session import Session, Surroundings, Tools, in_words
from rnncore.runs.store import RunStore
from rnncore.runs.worker import identity
from tests.runs.conftest import KINDS
from tests.runs.fakes import FakeCheckpoint, loss, tools, until
from tests.runs.postgres import Cluster


class Running:
    """A session in a thread of this process."""

    def __init__(self, store: RunStore, config: RunConfig | None, use: Tools | None = None):
        self.store, self.notes, self.why = store, [], None
        self.notes: list[str]
        self.why: str | None
        if config is not None:
            store.create(config)
        run = store.claim(identity(), socket.gethostname())
        assert run is not None
        self.id = run.id
        around = Surroundings(run.worker, run.host, lambda: self.why, self.notes.append)
        self.session = Session(store, run, use or tools(), around)
        self.thread = threading.Thread(target=self.session.run)
        self.thread.start()

    @property
    def state(self) -> str:
        return self.store.get(self.id).state

    @property
    def step(self) -> int:
        return self.store.get(self.id).step

    def wait(self) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive()

    def curve_is_whole(self) -> None:
        """Steps from 1 on, each once, with the loss that belongs to it."""
        train = self.store.series(self.id, "train")
        assert train["step"].tolist() == list(range(1, self.step + 1))
        np.testing.assert_array_equal(train["loss"], np.float32([loss(step) for step in train["step"]]))


@contextmanager
def running(store: RunStore, config: RunConfig | None, use: Tools | None = None) -> Iterator[Running]:
    """End the session with the test, whatever happens."""
    going = Running(store, config, use)
    try:
        yield going
    finally:
        going.why = "the test ended"
        going.wait()


def slow(**values: Any) -> RunConfig:
    return RunConfig.of(name="slow", steps=5000, **values)


def test_a_run_writes_everything_that_its_training_says(store: RunStore) -> None:
    with running(store, RunConfig.of(steps=60)) as run:
        run.wait()
        info = store.get(run.id)
        assert (info.state, info.reason, info.step) == ("finished", "all 60 steps are done", 60)
        assert (info.parameters, info.vocab_size, info.device) == (1000, 65, "cpu")
        assert info.seconds == pytest.approx(0.06)
        run.curve_is_whole()
        assert store.series(run.id, "validation")["step"].tolist() == list(range(10, 61, 10))
        assert store.record_steps(run.id, "sample") == list(range(10, 61, 10))
        assert store.checkpoint_steps(run.id) == [0, 25, 50, 60]
        assert run.notes == []


def test_the_peak_of_memory_is_written_at_the_end_of_each_attempt_that_came_further(store: RunStore) -> None:
    run_id = store.create(slow()).id

    def attempt(polls: int, memory: float) -> int:
        """Ends after so many looks at whether it should, the first of them before its first step."""
        run, looks = store.claim(identity(), socket.gethostname()), iter([None] * polls)
        assert run is not None
        around = Surroundings(run.worker, run.host, lambda: next(looks, "the test"), print, lambda: memory)
        Session(store, run, tools(), around).run()
        step = store.get(run_id).step
        store.requeue(run_id)
        return step

    first = attempt(2, 5e6)
    assert attempt(0, 7e6) == first > 0
    last = attempt(2, 9e6)
    taken = store.series(run_id, "memory")
    assert taken["step"].tolist() == [first, last]
    assert taken["bytes"].tolist() == [5e6, 9e6]
    assert attempt(2, float("nan")) > last
    assert store.last_step(run_id, "memory") == last


def test_the_first_step_and_the_first_measurement_are_written_at_once(store: RunStore) -> None:
    go_on = threading.Event()

    def train(config: RunConfig, **rest: Any) -> Iterator[Any]:
        for said in tools().train(config, **rest):
            if said.step == 2:
                go_on.wait(10)
            yield said

    own = tools()
    use = Tools(train, own.controls, own.read_checkpoint, own.measures)
    with running(store, RunConfig.of(steps=3), use) as run:
        until(lambda: store.record(run.id, "saturation"), 2)
        assert store.last_step(run.id, "train") == 1
        assert (run.state, store.get(run.id).parameters) == ("running", 1000)
        go_on.set()
        run.wait()


def test_a_paused_run_rests_with_a_checkpoint_and_goes_on(store: RunStore) -> None:
    with running(store, slow()) as run:
        until(lambda: run.step >= 2)
        store.send(run.id, "pause")
        until(lambda: run.state == "paused")
        at = run.step
        assert store.get(run.id).reason == f"paused at step {at:,}"
        assert store.checkpoint_steps(run.id)[-1] == at
        beat = store.get(run.id).heartbeat
        until(lambda: store.get(run.id).heartbeat != beat, 3)
        assert run.step == at
        store.send(run.id, "resume")
        until(lambda: run.step > at + 3)
        assert run.state == "running"
        run.curve_is_whole()


def test_single_steps_are_single(store: RunStore) -> None:
    with running(store, slow()) as run:
        store.send(run.id, "pause")
        until(lambda: run.state == "paused")
        at = run.step
        store.send(run.id, "step")
        until(lambda: run.step == at + 1)
        for _ in range(3):
            store.send(run.id, "step")
        until(lambda: run.step == at + 4)
        until(lambda: store.checkpoint_steps(run.id)[-1] == at + 4)
        assert (run.state, run.step) == ("paused", at + 4)
        assert store.get(run.id).reason == f"paused at step {at + 4:,}"


def test_stop_ends_a_running_and_a_paused_run(store: RunStore) -> None:
    for pause in (False, True):
        with running(store, slow()) as run:
            until(lambda run=run: run.step >= 1)
            if pause:
                store.send(run.id, "pause")
                until(lambda run=run: run.state == "paused")
            store.send(run.id, "stop")
            run.wait()
            info = store.get(run.id)
            assert (info.state, info.reason) == ("stopped", f"stopped at step {info.step}")
            assert store.checkpoint_steps(run.id)[-1] == info.step
            run.curve_is_whole()


def test_the_learning_rate_changes_on_the_fly(store: RunStore) -> None:
    with running(store, slow(lr=0.5)) as run:
        until(lambda: run.step >= 2)
        store.send(run.id, "set", lr=0.25)
        until(lambda: store.series(run.id, "train")["lr"][-1] == 0.25)
        assert store.series(run.id, "train")["lr"][0] == 0.5


def test_a_run_that_must_end_is_interrupted_with_a_checkpoint(store: RunStore) -> None:
    with running(store, slow()) as run:
        until(lambda: run.step >= 3)
        run.why = "the server stopped"
        run.wait()
        info = store.get(run.id)
        assert info.state == "interrupted"
        assert info.reason == f"the server stopped; resume from step {info.step:,}"
        assert store.checkpoint_steps(run.id)[-1] == info.step
        store.requeue(run.id)
    with running(store, None) as again:
        until(lambda: again.step > info.step + 3)
        assert again.id == run.id
        again.curve_is_whole()


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("diverge at 7", "diverged", "diverged at step 7"),
        ("raise at 7", "failed", "an error in the program: ZeroDivisionError: float division by zero"),
        ("swallow the memory at 7", "failed", "the run needed more memory than this machine has free"),
    ],
)
def test_a_bad_end_has_its_reason_and_keeps_what_was_measured(
    store: RunStore, name: str, state: str, reason: str
) -> None:
    with running(store, RunConfig.of(name=name, steps=20)) as run:
        run.wait()
        info = store.get(run.id)
        assert info.state == state
        assert info.reason.startswith(reason)
        assert "\n" not in info.reason
        assert run.step == 6
        run.curve_is_whole()
        assert ("Traceback" in store.traceback(run.id)) == (state == "failed")


def test_an_edited_checkpoint_ends_the_resumed_run_in_words_and_an_older_one_helps(store: RunStore) -> None:
    with running(store, RunConfig.of(steps=60)) as run:
        run.wait()
    store.set_state(run.id, "interrupted")
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE checkpoint_parts SET data = '{}' WHERE step = 60")
    store.requeue(run.id)
    with running(store, None) as again:
        again.wait()
    info = store.get(run.id)
    assert info.state == "failed"
    assert "the checkpoint of step 60" in info.reason
    assert "resume from step 50" in info.reason
    assert store.last_step(run.id, "train") == 60  # nothing was removed for it
    store.requeue(run.id, step=50)
    with running(store, None) as third:
        third.wait()
        assert third.state == "finished"
        third.curve_is_whole()


def test_work_beside_the_run_arrives_when_it_is_done(store: RunStore) -> None:
    asked = 0

    def beside(config: RunConfig, text: str | None) -> Any:
        def ask() -> Record | None:
            nonlocal asked
            asked += 1
            done = Baselines(step=0, vocab_size=2, uniform=1.0, orders=(1,), bits=(0.9,))
            return done if asked == 3 else None

        return ask

    own = tools()
    use = Tools(own.train, own.controls, own.read_checkpoint, own.measures, beside)
    with running(store, slow(), use) as run:
        until(lambda: store.record(run.id, "baselines"))


def test_an_uploaded_text_reaches_the_training(store: RunStore) -> None:
    seen: list[str | None] = []

    def train(config: RunConfig, *, text: str | None, **rest: Any) -> Iterator[Any]:
        seen.append(text)
        return tools().train(config, text=text, **rest)

    own = tools()
    use = Tools(train, own.controls, FakeCheckpoint, own.measures)
    key = store.put_corpus("mine", "some words")
    with running(store, RunConfig.of(corpus=key, steps=3), use) as run:
        run.wait()
    with running(store, RunConfig.of(corpus="upload:gone", steps=3), use) as lost:
        lost.wait()
        assert store.get(lost.id).reason.startswith("corpus 'upload:gone' is not in the run store")
    assert seen == ["some words"]
    assert store.get(run.id).state == "finished"


def test_a_run_taken_over_by_another_attempt_ends_quietly(store: RunStore) -> None:
    with running(store, slow()) as run:
        until(lambda: run.step >= 1 and store.checkpoint_steps(run.id))
        store.set_state(run.id, "interrupted")
        store.requeue(run.id)
        store.claim("9:0", "there")
        run.wait()
        assert store.get(run.id).attempt == 2
        assert run.state == "starting"  # untouched


def test_a_full_disk_stops_nothing_for_good_and_loses_nothing(sqlite_store: RunStore) -> None:
    limit = {"pages": 0}

    @event.listens_for(sqlite_store.engine, "checkout")
    def bound(raw: Any, *_: Any) -> None:
        raw.execute(f"PRAGMA max_page_count = {limit['pages'] or 1_000_000}").close()

    with running(sqlite_store, RunConfig.of(name="slow", steps=120)) as run:
        until(lambda: run.step >= 10)
        limit["pages"] = 1  # SQLite takes the present size then: nothing can grow
        until(lambda: run.notes)
        assert "the disk of the run store" in run.notes[0]
        assert "is full; free some space or delete runs" in run.notes[0]
        limit["pages"] = 0
        run.wait()
        assert run.notes[-1] == ""
        assert run.state == "finished"
        assert run.step == 120
        run.curve_is_whole()


def test_a_race_on_a_full_disk_goes_on_when_there_is_room_and_what_had_finished_stays(sqlite_store: RunStore) -> None:
    limit = {"pages": 0}

    @event.listens_for(sqlite_store.engine, "checkout")
    def bound(raw: Any, *_: Any) -> None:
        raw.execute(f"PRAGMA max_page_count = {limit['pages'] or 1_000_000}").close()

    races = Races(sqlite_store)
    short, long = RunConfig.of(steps=40), RunConfig.of(name="slow", steps=80)
    race = races.create("full", "{}", [(0, short), (1, long), (2, long)])
    with running(sqlite_store, None) as done:
        done.wait()
    with running(sqlite_store, None) as one, running(sqlite_store, None) as other:
        until(lambda: one.step >= 5 and other.step >= 5)
        limit["pages"] = 1
        until(lambda: one.notes and other.notes)
        assert all("is full; free some space or delete runs" in run.notes[0] for run in (one, other))
        assert [run.state for run in races.get(race.id).runs] == ["finished", "running", "running"]
        limit["pages"] = 0
        one.wait()
        other.wait()
    assert [(run.state, run.step) for run in races.get(race.id).runs] == [
        ("finished", 40), ("finished", 80), ("finished", 80)]  # fmt: skip
    for run in (done, one, other):
        run.curve_is_whole()


def test_a_store_locked_by_another_process_is_waited_for(tmp_path: Path) -> None:
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}", patience=0.2) as store:
        code = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE');"
            "print(flush=True); sys.stdin.read()"
        )
        with running(store, RunConfig.of(name="slow", steps=100)) as run:
            until(lambda: run.step >= 5)
            other = subprocess.Popen(
                [sys.executable, "-c", code, str(store.url.database)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert other.stdout is not None
            other.stdout.readline()
            until(lambda: run.notes)
            assert "is locked by another process; close the program that has it open" in run.notes[0]
            other.communicate()
            run.wait()
            assert run.state == "finished"
            run.curve_is_whole()


if len(KINDS) > 1:

    @pytest.mark.postgres
    def test_a_database_that_goes_away_and_comes_back_loses_nothing(cluster: Cluster) -> None:
        address, config = cluster.new_database(), RunConfig.of(name="slow", steps=60)
        with RunStore(address, patience=1.0) as store, running(store, config) as run:
            until(lambda: run.step >= 5)
            cluster.stop()
            try:
                until(lambda: run.notes)
            finally:
                cluster.start()
            assert "does not answer; check that the database server is running" in run.notes[0]
            run.wait()
            assert run.state == "finished"
            run.curve_is_whole()


def test_reasons_are_one_sentence() -> None:
    assert in_words(RuntimeError("CUDA out of memory. Tried")).startswith("the run needed more memory")
    assert in_words(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")).startswith(
        "the run needed more memory"
    )
    assert in_words(KeyError("x\ny")) == "an error in the program: KeyError: 'x\\ny'; the command line shows where"
    assert in_words(OSError(28, "No space left on device")).startswith("the system refused: No space left")


def test_sqlite_is_in_wal_mode(sqlite_store: RunStore) -> None:
    with sqlite3.connect(str(sqlite_store.url.database)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()

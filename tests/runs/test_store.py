"""The run store, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, update

from rnncore.config import RunConfig
from rnncore.errors import CheckpointError, ConfigError, StoreError
from rnncore.records import Columns, Sample, Saturation
from rnncore.runs import schema
from rnncore.runs.packing import pack, unpack
from rnncore.runs.states import ACTIVE, ENDED, RESUMABLE, STATES
from rnncore.runs.store import RunInfo, RunLost, RunNotFound, RunStore

OpenStore = Callable[[str], RunStore]


def rows(first: int, last: int) -> Columns:
    """A stretch of the train series whose numbers are known from the step."""
    step = np.arange(first, last + 1)
    noise = np.random.default_rng(first).normal(size=len(step))
    return {
        "step": step,
        "seconds": step / 60 + 0.001 * noise,
        "loss": (3 + noise).astype(np.float32),
        "grad_norm": np.abs(noise).astype(np.float32),
        "clip_norm": np.full(len(step), np.nan, np.float32),
        "lr": np.full(len(step), 0.003, np.float32),
    }


def sample(step: int, text: str = "words") -> Sample:
    return Sample(step=step, primer="p", text=text, temperature=1.0, seed=0)


def started(store: RunStore, **values: object) -> RunInfo:
    """A run in a worker's hands."""
    store.create(RunConfig.of(**values))
    run = store.claim("1:0", "here")
    assert run is not None
    return run


def test_every_state_is_waiting_active_or_ended() -> None:
    assert {"queued"} | ACTIVE | ENDED == set(STATES)
    assert RESUMABLE < ENDED


def test_a_run_comes_back_as_it_was_created(store: RunStore) -> None:
    config = RunConfig.of(cell="gru", hidden_size=7, clip_norm=None, name="mine")
    run = store.create(config, owner="ann", parent="older")
    assert store.get(run.id) == run
    assert (run.config, run.name, run.owner, run.parent) == (config, "mine", "ann", "older")
    assert (run.state, run.queue_place, run.step, run.reason) == ("queued", 1, 0, "")


def test_a_run_with_a_setting_that_is_no_more_is_listed(store: RunStore) -> None:
    run = store.create(RunConfig.of(hidden_size=7))
    with store.transaction() as connection:
        text = run.config.to_json().replace('"hidden_size":7', '"hidden_size":7,"attention":true')
        connection.execute(update(schema.runs).where(schema.runs.c.id == run.id).values(config=text))
    assert [one.config for one in store.runs()] == [run.config]


def test_waiting_runs_know_their_place_in_the_queue(store: RunStore) -> None:
    ids = [store.create(RunConfig()).id for _ in range(3)]
    assert [store.get(run_id).queue_place for run_id in ids] == [1, 2, 3]
    assert store.claim("1:0", "here").id == ids[0]  # type: ignore[union-attr]
    assert [store.get(run_id).queue_place for run_id in ids] == [None, 1, 2]
    assert store.waiting() == 2


def test_the_newest_run_is_listed_first_and_lists_can_be_narrowed(store: RunStore) -> None:
    first, second = store.create(RunConfig(), owner="ann"), store.create(RunConfig(), owner="ben")
    store.set_state(second.id, "stopped")
    assert [run.id for run in store.runs()] == [second.id, first.id]
    assert [run.id for run in store.runs(states=["stopped"])] == [second.id]
    assert [run.id for run in store.runs(owner="ann")] == [first.id]
    assert len(store.runs(limit=1)) == 1


def test_the_same_token_gives_the_same_run_from_however_many_threads(store: RunStore) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: store.create(RunConfig(), token="pressed once").id, range(6)))
    assert len(set(found)) == 1
    assert len(store.runs()) == 1


def test_each_waiting_run_goes_to_exactly_one_claimant(url: str, open_store: OpenStore) -> None:
    stores = [open_store(url) for _ in range(4)]
    ids = {stores[0].create(RunConfig()).id for _ in range(24)}
    taken: list[list[str]] = [[] for _ in stores]
    begin = threading.Barrier(len(stores))

    def claim_all(index: int) -> None:
        begin.wait()
        misses = 0
        while misses < 3:  # with several claimants, one may come away empty-handed while runs still wait
            run = stores[index].claim(f"{index}:0", "here")
            misses = misses + 1 if run is None else 0
            if run is not None:
                taken[index].append(run.id)

    threads = [threading.Thread(target=claim_all, args=(index,)) for index in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [*chain.from_iterable(taken)]
    assert len(everything) == len(ids)
    assert set(everything) == ids


def test_a_store_may_be_opened_for_the_first_time_by_several_at_once(url: str, open_store: OpenStore) -> None:
    with ThreadPoolExecutor(5) as pool:
        stores = list(pool.map(lambda _: open_store(url), range(5)))
    run = stores[0].create(RunConfig())
    assert all(store.get(run.id) == run for store in stores)


def test_a_store_of_the_version_before_is_brought_up_to_date_and_keeps_its_runs(
    url: str, open_store: OpenStore
) -> None:
    store = open_store(url)
    run = started(store, cell="gru")
    store.append(run.id, "train", rows(1, 5))
    with store.transaction() as connection:
        for table in ("jobs", "races", "experiments"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("DROP INDEX runs_race")
        for column in ("source", "race", "contender", "held", "tags"):
            connection.exec_driver_sql(f"ALTER TABLE runs DROP COLUMN {column}")
        connection.execute(update(schema.schema_version).values(version=1))
    with ThreadPoolExecutor(3) as pool:
        again, *_ = pool.map(lambda _: open_store(url), range(3))
    assert again.version == schema.VERSION
    assert again.get(run.id) == store.get(run.id)
    assert (again.get(run.id).source, again.get(run.id).elsewhere) == ("", False)
    assert again.series(run.id, "train")["step"].tolist() == [1, 2, 3, 4, 5]
    assert again.create(RunConfig()).source == ""


def test_a_layout_of_a_newer_version_is_refused_in_words(url: str, open_store: OpenStore) -> None:
    store = open_store(url)
    with store.transaction() as connection:
        connection.execute(update(schema.schema_version).values(version=99))
    with pytest.raises(StoreError, match=r"written by a newer version.*layout 99.*update the project"):
        open_store(url)


def test_a_series_comes_back_bit_for_bit(store: RunStore) -> None:
    run = started(store)
    whole = rows(1, 5000)
    at = 0
    for size in np.random.default_rng(0).integers(1, 40, size=150):
        stretch = {name: values[at : at + size] for name, values in whole.items()}
        store.append(run.id, "train", stretch)
        at += int(size)
    found = store.series(run.id, "train")
    for name, values in found.items():
        np.testing.assert_array_equal(values, whole[name][:at])
        assert values.dtype == {"step": np.int64, "seconds": np.float64}.get(name, np.float32)
    since = store.series(run.id, "train", since=at - 7)
    assert since["step"].tolist() == list(range(at - 6, at + 1))
    assert store.series(run.id, "train", since=at) == {}
    assert store.series(run.id, "validation") == {}
    assert (store.series_names(run.id), store.last_step(run.id, "train")) == (["train"], at)


def test_hours_of_appending_leave_few_chunks(sqlite_store: RunStore) -> None:
    run = started(sqlite_store)
    for first in range(1, 12 * 700, 12):
        sqlite_store.append(run.id, "train", rows(first, first + 11))
    with sqlite_store.reading() as connection:
        count = connection.execute(select(func.count()).select_from(schema.series_chunks)).scalar()
    assert count is not None
    assert count < 40
    assert sqlite_store.series(run.id, "train")["step"].tolist() == list(range(1, 12 * 700 + 1))


def test_a_training_step_takes_less_than_fourteen_bytes() -> None:
    assert len(pack(rows(500_000, 530_000))) / 30_001 < 14


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan, -0.0, 1e-45])
def test_packing_keeps_special_numbers(special: float) -> None:
    columns = {"step": np.array([5, 9]), "seconds": np.array([0.0, special]), "loss": np.float32([special, 1])}
    for name, values in unpack(pack(columns)).items():
        np.testing.assert_array_equal(values, columns[name])
        np.testing.assert_array_equal(np.signbit(values), np.signbit(columns[name]))


def test_steps_of_a_series_must_go_up(store: RunStore) -> None:
    run = started(store)
    store.append(run.id, "train", rows(1, 10))
    with pytest.raises(StoreError, match="steps of series 'train' must go up, got 10 to 12 after 10"):
        store.append(run.id, "train", rows(10, 12))
    with pytest.raises(StoreError, match="equally long"):
        store.append(run.id, "train", {"step": np.array([11, 12]), "loss": np.array([1.0])})
    assert store.last_step(run.id, "train") == 10


def test_a_new_attempt_removes_what_lies_beyond_its_checkpoint(store: RunStore) -> None:
    run = started(store)
    for first in range(1, 400, 10):
        store.append(run.id, "train", rows(first, first + 9))
        store.put(run.id, sample(first))
    store.save_checkpoint(run.id, 123, b"early")
    store.save_checkpoint(run.id, 300, b"late")
    store.attach(run.id, run.attempt, "2:0", "here", 123)
    assert store.series(run.id, "train")["step"].tolist() == list(range(1, 124))
    assert store.record_steps(run.id, "sample")[-1] == 121
    assert store.checkpoint_steps(run.id) == [123]
    store.append(run.id, "train", rows(124, 130))
    np.testing.assert_array_equal(store.series(run.id, "train", since=121)["step"], np.arange(122, 131))


def test_an_older_attempt_can_no_longer_write(store: RunStore) -> None:
    run = started(store)
    store.progress(run.id, run.attempt, step=3)
    store.save_checkpoint(run.id, 0, b"x")
    store.set_state(run.id, "interrupted")
    with pytest.raises(RunLost):
        store.progress(run.id, run.attempt, step=4)
    store.requeue(run.id)
    again = store.claim("9:0", "there")
    assert again is not None

    def write() -> None:
        with store.transaction():
            store.append(run.id, "train", rows(1, 5))
            store.progress(run.id, run.attempt, step=5)

    with pytest.raises(RunLost):
        write()
    assert store.series(run.id, "train") == {}
    store.progress(run.id, again.attempt, step=1)


def test_records_are_found_by_kind_and_step(store: RunStore) -> None:
    run = started(store)
    for step in (1, 10, 20):
        store.put(run.id, sample(step, f"at {step}"))
    shut = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    store.put(run.id, Saturation(step=4, cell="gru", gates=("r", "z"), left=shut, right=1 - shut))
    assert store.record(run.id, "sample").step == 20  # type: ignore[union-attr]
    assert store.record(run.id, "sample", at=19).step == 10  # type: ignore[union-attr]
    assert store.record(run.id, "sample", at=0) is None
    assert store.record(run.id, "gate_activity") is None
    assert store.record_steps(run.id, "sample") == [1, 10, 20]
    assert store.record_kinds(run.id) == ["sample", "saturation"]
    found = store.record(run.id, "saturation")
    assert isinstance(found, Saturation)
    np.testing.assert_array_equal(found.left, shut)
    store.put(run.id, sample(20, "again"))
    assert [record.text for record in store.records(run.id, "sample")] == ["at 1", "at 10", "again"]  # type: ignore[attr-defined]


def test_the_revision_goes_up_with_every_write_that_shows_and_not_with_a_heartbeat(store: RunStore) -> None:
    run = started(store)
    writes: list[Callable[[], object]] = [
        lambda: store.append(run.id, "train", rows(1, 3)),
        lambda: store.put(run.id, sample(1)),
        lambda: store.save_checkpoint(run.id, 1, b"x"),
        lambda: store.progress(run.id, run.attempt, step=3),
        lambda: store.set_state(run.id, "running"),
        lambda: store.send(run.id, "pause"),
        lambda: store.note(run.id, "interesting"),
    ]
    for write in writes:
        before = store.revision(run.id)
        write()
        assert store.revision(run.id) == before + 1
    before = store.revision(run.id)
    store.progress(run.id, run.attempt)
    assert store.revision(run.id) == before


def test_a_transaction_is_written_whole_or_not_at_all(store: RunStore) -> None:
    run = started(store)
    revision = store.revision(run.id)

    def break_off() -> None:
        with store.transaction():
            store.append(run.id, "train", rows(1, 3))
            store.put(run.id, sample(3))
            assert store.last_step(run.id, "train") == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert store.series(run.id, "train") == {}
    assert store.record(run.id, "sample") is None
    assert store.revision(run.id) == revision
    with store.transaction():
        store.append(run.id, "train", rows(1, 3))
        store.put(run.id, sample(3))
    assert store.revision(run.id) == revision + 1


def test_commands_arrive_once_and_in_order(store: RunStore) -> None:
    run = started(store)
    store.send(run.id, "pause")
    store.send(run.id, "set", lr=0.5, clip_norm=None)
    store.send(run.id, "resume")
    taken = store.take(run.id)
    assert [command.kind for command in taken] == ["pause", "set", "resume"]
    assert taken[1].payload == {"lr": 0.5, "clip_norm": None}
    assert store.take(run.id) == []


def test_only_the_owner_and_the_command_line_may_command(store: RunStore) -> None:
    run = store.create(RunConfig(), owner="ann")
    for refused in (
        lambda: store.send(run.id, "pause", owner="ben"),
        lambda: store.delete(run.id, owner="ben"),
        lambda: store.note(run.id, "x", owner="ben"),
        lambda: store.requeue(run.id, owner="ben"),
    ):
        with pytest.raises(StoreError, match=f"run '{run.id}' belongs to someone else"):
            refused()
    store.send(run.id, "pause", owner="ann")
    store.send(run.id, "resume", owner="")
    assert len(store.take(run.id)) == 2


def test_a_command_out_of_range_is_refused_before_it_is_sent(store: RunStore) -> None:
    run = started(store)
    with pytest.raises(ConfigError, match=r"clip_norm must be > 0, got -1\.0; use None"):
        store.send(run.id, "set", clip_norm=-1.0)
    with pytest.raises(ConfigError, match="seed cannot be changed on the fly, got 3"):
        store.send(run.id, "set", seed=3)
    with pytest.raises(StoreError, match="command must be one of pause"):
        store.send(run.id, "dance")
    assert store.take(run.id) == []


def test_stop_takes_a_waiting_run_out_of_the_queue(store: RunStore) -> None:
    run = store.create(RunConfig())
    store.send(run.id, "stop")
    assert store.get(run.id).state == "stopped"
    assert store.claim("1:0", "here") is None
    store.send(run.id, "stop")  # a second press does no harm
    with pytest.raises(StoreError, match="is stopped, so 'pause' cannot reach it"):
        store.send(run.id, "pause")


def test_commands_that_an_ended_run_did_not_take_are_dropped(store: RunStore) -> None:
    run = started(store)
    store.send(run.id, "stop")
    store.save_checkpoint(run.id, 0, b"x")
    store.set_state(run.id, "interrupted")
    store.requeue(run.id)
    assert store.take(run.id) == []


def test_a_state_changes_only_from_an_expected_one(store: RunStore) -> None:
    run = started(store)
    assert not store.set_state(run.id, "running", expect={"queued"})
    assert store.get(run.id).state == "starting"
    assert store.set_state(run.id, "failed", "in words", expect={"starting"})
    info = store.get(run.id)
    assert (info.state, info.reason) == ("failed", "in words")
    assert info.ended is not None
    with pytest.raises(StoreError, match="state must be one of queued"):
        store.set_state(run.id, "sleeping")


def test_only_ended_runs_are_resumed_and_begin_again_without_a_checkpoint(store: RunStore) -> None:
    run = started(store)
    with pytest.raises(StoreError, match="is starting and cannot be resumed; it needs no resuming"):
        store.requeue(run.id)
    store.set_state(run.id, "failed")
    with pytest.raises(StoreError, match=r"step must be one .*got 4; it has none and begins again"):
        store.requeue(run.id, step=4)
    assert store.requeue(run.id).state == "queued"
    store.set_state(run.id, "failed")
    store.save_checkpoint(run.id, 5, b"x")
    with pytest.raises(StoreError, match=r"step must be one .*got 4; choose one of 5"):
        store.requeue(run.id, step=4)
    assert store.requeue(run.id, step=5).state == "queued"
    assert store.get(run.id).resume_step == 5
    store.set_state(run.id, "finished")
    with pytest.raises(StoreError, match="is finished and cannot be resumed; restart it instead"):
        store.requeue(run.id)


def test_a_released_run_keeps_its_place(store: RunStore) -> None:
    first, second = store.create(RunConfig()), store.create(RunConfig())
    store.claim("1:0", "here")
    store.release(first.id)
    assert [store.get(run.id).queue_place for run in (first, second)] == [1, 2]


def test_unknown_runs_are_named(store: RunStore) -> None:
    for ask in (store.get, store.revision, store.traceback, store.delete, store.requeue):
        with pytest.raises(RunNotFound, match="no run 'nobody' in the run store"):
            ask("nobody")
    with pytest.raises(RunNotFound):
        store.put("nobody", sample(1))


def test_deleting_a_run_deletes_all_of_it_and_nothing_else(store: RunStore) -> None:
    run, other = started(store), store.create(RunConfig())
    store.append(run.id, "train", rows(1, 3))
    store.put(run.id, sample(1))
    store.save_checkpoint(run.id, 1, b"x" * 10)
    store.send(run.id, "pause")
    with pytest.raises(StoreError, match="is starting; stop it before deleting it"):
        store.delete(run.id)
    store.set_state(run.id, "stopped")
    store.delete(run.id)
    with store.reading() as connection:
        for table in schema.metadata.sorted_tables:
            if "run_id" in table.c:
                assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
    assert [left.id for left in store.runs()] == [other.id]


def test_the_file_shrinks_when_a_large_run_is_deleted(sqlite_store: RunStore, tmp_path: Path) -> None:
    run = sqlite_store.create(RunConfig())
    sqlite_store.save_checkpoint(run.id, 1, os.urandom(8_000_000))
    sqlite_store.delete(run.id)
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    assert (tmp_path / "runs.sqlite").stat().st_size < 500_000


def test_a_large_checkpoint_comes_back_from_its_parts(store: RunStore) -> None:
    run = started(store)
    data = os.urandom(9_000_001)
    store.save_checkpoint(run.id, 7, data)
    assert store.load_checkpoint(run.id) == (7, data)


@pytest.mark.parametrize("damage", ["edited", "cut short"])
def test_a_changed_checkpoint_is_refused_and_the_one_before_is_named(store: RunStore, damage: str) -> None:
    run = started(store)
    store.save_checkpoint(run.id, 10, b"good")
    store.save_checkpoint(run.id, 20, b"good too")
    table = schema.checkpoint_parts
    with store.transaction() as connection:
        new = b"evil too" if damage == "edited" else b"good"
        connection.execute(update(table).where(table.c.step == 20).values(data=new))
    with pytest.raises(CheckpointError, match=r"step 20 .* does not match its SHA-256.*resume from step 10"):
        store.load_checkpoint(run.id)
    assert store.load_checkpoint(run.id, 10) == (10, b"good")
    with pytest.raises(CheckpointError, match="has no checkpoint of step 15"):
        store.load_checkpoint(run.id, 15)


def test_a_new_run_can_start_from_another_ones_checkpoint(store: RunStore) -> None:
    run = started(store)
    store.save_checkpoint(run.id, 10, b"weights")
    child = store.create(RunConfig(), parent=run.id, resume_from=run.id)
    assert store.load_checkpoint(child.id) == (10, b"weights")
    with pytest.raises(CheckpointError):
        store.create(RunConfig(), resume_from=store.create(RunConfig()).id)
    assert len(store.runs()) == 3  # the refused one was not created


def test_an_uploaded_text_is_kept_once_under_its_digest(store: RunStore) -> None:
    text = "ünïcödé <script>alert(1)</script>\n" * 500
    key = store.put_corpus("book.txt", text, "ann")
    assert key == "upload:" + hashlib.sha256(text.encode()).hexdigest()[:12]
    assert store.put_corpus("copy.txt", text) == key
    assert store.corpus(key) == ("book.txt", text)
    assert [(found.key, found.characters) for found in store.corpora()] == [(key, len(text))]
    with pytest.raises(StoreError, match="corpus 'upload:nothing' is not in the run store"):
        store.corpus("upload:nothing")
    with store.transaction() as connection:
        connection.execute(update(schema.corpora).values(data=b"edited"))
    with pytest.raises(StoreError, match="does not match its SHA-256; upload the text again"):
        store.corpus(key)


def test_odd_characters_in_words_do_no_harm(store: RunStore) -> None:
    run = started(store, name="<b>\x00 \u2028 Ω")
    store.note(run.id, "nul \x00 and surrogate \ud800")
    store.fail(run.id, run.attempt, "why \x00", "traceback \udcff")
    info = store.get(run.id)
    assert (info.note, info.reason) == ("nul  and surrogate ?", "why ")
    assert store.traceback(run.id) == "traceback ?"
    assert info.config.name == "<b>\x00 \u2028 Ω"


def test_the_store_never_imports_torch() -> None:
    code = "import sys, rnncore.runs.launcher; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

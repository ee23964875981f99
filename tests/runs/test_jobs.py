"""Claims about questions in the store: each is asked once, answered by one, and kept in bounded space."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import inspect, update

from rnncore.config import RunConfig
from rnncore.errors import CheckpointError, StoreError
from rnncore.records import Sample
from rnncore.runs import jobs as asking
from rnncore.runs import schema
from rnncore.runs.jobs import MOST_TRIES, Job
from rnncore.runs.store import RunNotFound, RunStore

OpenStore = Callable[[str], RunStore]


def saved(store: RunStore, *steps: int) -> str:
    """A run with checkpoints."""
    run = store.create(RunConfig())
    for step in steps or (10, 20):
        store.save_checkpoint(run.id, step, f"weights of {step}".encode())
    return run.id


def answer(text: str = "said", step: int = 20) -> Sample:
    return Sample(step=step, primer="", text=text, temperature=1.0, seed=1)


def taken(store: RunStore, worker: str = "1:1.0") -> Job:
    job = store.take_job(worker, "here")
    assert job is not None
    return job


def test_a_question_goes_from_waiting_to_running_to_its_answer(store: RunStore) -> None:
    run = saved(store)
    assert not store.any_open()
    job = store.ask(run, "write", {"length": 3})
    assert (job.state, job.step, job.payload, job.open) == ("waiting", 20, {"length": 3}, True)
    assert store.answer(run, job.key) is None
    assert store.any_open()
    mine = taken(store)
    assert (mine.key, mine.state, mine.tries) == (job.key, "running", 1)
    store.say_of_job(mine, "the model is being loaded")
    assert store.job(run, job.key).reason == "the model is being loaded"
    assert store.finish_job(mine, answer())
    assert store.job(run, job.key).state == "done"
    assert store.answer(run, job.key) == answer()
    assert not store.any_open()


def test_the_same_question_is_the_same_job_and_is_answered_once(store: RunStore) -> None:
    run = saved(store)
    job = store.ask(run, "write", {"a": 1, "b": 2})
    assert store.ask(run, "write", {"b": 2, "a": 1}, step=20).key == job.key
    store.finish_job(taken(store), answer())
    assert store.ask(run, "write", {"a": 1, "b": 2}).state == "done"
    assert store.take_job("2:1.0", "here") is None
    others = [
        store.ask(run, "write", {"a": 1, "b": 3}),
        store.ask(run, "read", {"a": 1, "b": 2}),
        store.ask(run, "write", {"a": 1, "b": 2}, step=10),
        store.ask(saved(store), "write", {"a": 1, "b": 2}),
    ]
    assert {other.state for other in others} == {"waiting"}
    assert len({(other.run_id, other.key) for other in [job, *others]}) == 5


def test_a_checkpoint_that_was_saved_anew_is_asked_anew(store: RunStore) -> None:
    run = saved(store)
    store.ask(run, "write", {})
    store.finish_job(taken(store), answer())
    store.save_checkpoint(run, 20, b"other weights, after a resume")
    again = store.ask(run, "write", {})
    assert (again.state, store.answer(run, again.key)) == ("waiting", None)


def test_an_answer_outlives_its_checkpoint(store: RunStore) -> None:
    run = saved(store, *range(1, 20))
    job = store.ask(run, "write", {}, step=19)
    store.finish_job(taken(store), answer(step=19))
    for step in range(20, 60):
        store.save_checkpoint(run, step, b"weights")
    assert 19 not in store.checkpoint_steps(run)
    assert store.ask(run, "write", {}, step=19).state == "done"
    assert store.answer(run, job.key) == answer(step=19)
    with pytest.raises(CheckpointError, match=r"no checkpoint of step 19, or no longer; choose one of .*58, 59"):
        store.ask(run, "write", {"other": 1}, step=19)


def test_what_cannot_be_asked_is_refused_in_a_sentence(store: RunStore) -> None:
    with pytest.raises(RunNotFound):
        store.ask("nosuch", "write", {})
    with pytest.raises(CheckpointError, match="has no checkpoint yet; it gets one when its training begins"):
        store.ask(store.create(RunConfig()).id, "write", {})
    with pytest.raises(StoreError, match="at most 30,000 characters"):
        store.ask(saved(store), "write", {"primer": "x" * 40_000})
    with pytest.raises(StoreError, match="no longer kept; ask again"):
        store.job(saved(store), "0" * 64)


def test_only_so_many_may_wait(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_WAITING", 3)
    run = saved(store)
    for number in range(3):
        store.ask(run, "write", {"seed": number})
    with pytest.raises(StoreError, match="3 questions wait for an answer already; try again"):
        store.ask(run, "write", {"seed": 3})
    assert store.ask(run, "write", {"seed": 2}).state == "waiting"


def test_a_failure_stays_one_until_it_is_asked_again(store: RunStore) -> None:
    run = saved(store)
    job = store.ask(run, "write", {})
    assert store.fail_job(taken(store), "a sentence \0 with \ud800")
    failed = store.ask(run, "write", {})
    assert (failed.state, failed.reason) == ("failed", "a sentence  with ?")
    again = store.ask(run, "write", {}, again=True)
    assert (again.key, again.state, again.reason, again.tries) == (job.key, "waiting", "", 0)


def test_a_question_that_two_desks_did_not_survive_fails_in_a_sentence(store: RunStore) -> None:
    run = saved(store)
    job = store.ask(run, "write", {})
    for _ in range(MOST_TRIES):
        assert store.job(run, job.key).state == "waiting"
        store.give_back_job(taken(store), "the desk process was killed")
    left = store.job(run, job.key)
    assert left.state == "failed"
    assert left.reason.startswith("the desk process was killed while it worked on this, 2 times; ask for less")


def test_a_desk_that_lost_a_question_cannot_answer_it_any_more(store: RunStore) -> None:
    run = saved(store)
    job = store.ask(run, "write", {})
    late = taken(store, "1:1.0")
    store.give_back_job(late, "it seemed dead")
    now = taken(store, "2:1.0")
    assert not store.finish_job(late, answer("late"))
    assert not store.fail_job(late, "late")
    store.say_of_job(late, "late")
    assert store.job(run, job.key) == now
    assert store.finish_job(now, answer("in time"))
    assert not store.fail_job(now, "it is done already")
    assert store.answer(run, job.key) == answer("in time")


def test_the_oldest_question_is_taken_first_and_by_one_only(url: str, open_store: OpenStore) -> None:
    stores = [open_store(url) for _ in range(3)]
    run = saved(stores[0])
    keys = [stores[0].ask(run, "write", {"seed": number}).key for number in range(20)]
    assert [job.key for job in stores[0].open_jobs()] == keys
    assert taken(stores[1]).key == keys[0]
    found: list[str] = []

    def take_all(index: int) -> None:
        misses = 0
        while misses < 3:  # with several takers, one may come away empty-handed while questions still wait
            job = stores[index].take_job(f"{index}:0", "here")
            misses = misses + 1 if job is None else 0
            if job is not None:
                found.append(job.key)

    threads = [threading.Thread(target=take_all, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(keys[1:])


def test_the_same_question_asked_at_the_same_moment_is_one_job(url: str, open_store: OpenStore) -> None:
    stores = [open_store(url) for _ in range(4)]
    run = saved(stores[0])
    gate, found = threading.Barrier(4), []

    def ask(index: int) -> None:
        gate.wait()
        found.append(stores[index].ask(run, "write", {}).key)

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == len(stores[0].open_jobs()) == 1


def test_answers_are_bounded_in_number_and_bytes_and_what_waits_stays(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_KEPT", 4)
    run = saved(store)
    waiting = store.ask(run, "read", {}, step=10)
    store.take_job("9:0", "here")  # the oldest one stays in hand
    keys = []
    for number in range(7):
        keys.append(store.ask(run, "write", {"seed": number}).key)
        store.finish_job(taken(store), answer(str(number)))
    kept = [key for key in keys if store.answer(run, key) is not None]
    assert kept == keys[-4:]
    assert store.job(run, waiting.key).state == "running"
    monkeypatch.setattr(asking, "BYTES_KEPT", 3000)
    for number in (10, 11, 12):
        keys.append(store.ask(run, "write", {"seed": number}).key)
        store.finish_job(taken(store), answer("x" * (4000 if number == 12 else 700)))
    assert [key for key in keys if store.answer(run, key) is not None] == keys[-1:]


def test_questions_go_with_their_run(store: RunStore) -> None:
    run, other = saved(store), saved(store)
    store.ask(run, "write", {})
    mine = taken(store)
    theirs = store.ask(other, "write", {})
    store.delete(run)
    assert [job.run_id for job in store.open_jobs()] == [other]
    assert not store.finish_job(mine, answer())
    with pytest.raises(StoreError, match="no longer kept"):
        store.job(run, mine.key)
    assert store.job(other, theirs.key).state == "waiting"


def test_asking_changes_nothing_that_watchers_of_the_run_see(store: RunStore) -> None:
    run = saved(store)
    before = store.revision(run)
    store.ask(run, "write", {})
    store.finish_job(taken(store), answer())
    assert store.revision(run) == before
    assert store.record_kinds(run) == []


def test_a_grown_table_is_the_one_that_a_new_store_has(url: str, open_store: OpenStore) -> None:
    store = open_store(url)

    tables = ("jobs", "races", "experiments")

    def shape() -> dict[str, tuple[str, bool]]:
        with store.reading() as connection:
            return {
                f"{table}.{column['name']}": (
                    str(column["type"]).replace("DOUBLE", "REAL"),
                    column["nullable"],
                )  # SQLite: the same
                for table in tables
                for column in inspect(connection).get_columns(table)
            }

    fresh = shape()
    with store.transaction() as connection:
        for table in tables:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("DROP INDEX runs_race")
        for column in ("race", "contender", "held", "tags"):
            connection.exec_driver_sql(f"ALTER TABLE runs DROP COLUMN {column}")
        connection.execute(update(schema.schema_version).values(version=2))
    grown = open_store(url)
    assert grown.version == schema.VERSION
    assert {name: kind for name, (kind, _) in shape().items()} == {name: kind for name, (kind, _) in fresh.items()}
    assert {name for name, (_, free) in shape().items() if free} == {
        "jobs.taken", "jobs.data", "races.token", "experiments.taken", "experiments.ended", "experiments.data"
    }  # fmt: skip
    run = saved(grown)
    grown.ask(run, "write", {})
    record = answer("\0é\ud800" * 10)
    grown.finish_job(taken(grown), record)
    found = grown.answer(run, grown.ask(run, "write", {}).key)
    assert found == record
    grown.delete(run)
    assert grown.open_jobs() == []

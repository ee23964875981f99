"""Claims about the desk: every question gets an answer or a sentence, whatever becomes of the process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from rnncore.config import RunConfig
from rnncore.errors import CheckpointError
from rnncore.records import Record, Sample, Writing
from rnncore.runs import desk as desks
from rnncore.runs import keeper as keeping
from rnncore.runs.desk import Desk
from rnncore.runs.jobs import Job
from rnncore.runs.launcher import Launcher
from rnncore.runs.store import RunStore, StoreUnavailable
from rnncore.training import Trainer
from tests.runs import fake_desk, fakes
from tests.runs.fakes import until
from tests.runs.test_jobs import saved


@pytest.fixture(autouse=True)
def opened() -> list[tuple[str, int]]:
    """Which checkpoints the fake desk of this process opened."""
    fake_desk.OPENED.clear()
    return fake_desk.OPENED


def desk_of(store: RunStore, **more: Any) -> Desk:
    return Desk(store, fake_desk.tools(), **more)


def launcher(store: RunStore, **more: Any) -> Launcher:
    return Launcher(store, **{"slots": 1, "warm": 0, "command": fakes.COMMAND, "desk": fake_desk.COMMAND, **more})


def settled(store: RunStore, job: Job, seconds: float = 15.0) -> Job:
    """The job once it is answered or has failed."""
    until(lambda: not store.job(job.run_id, job.key).open, seconds)
    return store.job(job.run_id, job.key)


def said(store: RunStore, job: Job) -> tuple[str, str]:
    found = store.answer(job.run_id, job.key)
    assert isinstance(found, Sample)
    return found.primer, found.text


def test_a_desk_answers_in_the_order_of_asking_and_then_has_nothing_to_do(store: RunStore) -> None:
    run = saved(store, 10, 20)
    first, second = store.ask(run, "echo", {"a": 1}), store.ask(run, "echo", {"b": 2}, step=10)
    desk = desk_of(store)
    assert desk.answer_next()
    assert (store.job(run, first.key).state, store.job(run, second.key).state) == ("done", "waiting")
    assert desk.answer_next()
    assert not desk.answer_next()
    assert said(store, first) == ("20: weights of 20", "{'a': 1}")
    assert said(store, second) == ("10: weights of 10", "{'b': 2}")


def test_a_checkpoint_is_opened_once_and_kept_while_it_is_used(
    store: RunStore, opened: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "MOST_OPENED", 2)
    run = saved(store, 1, 2, 3)
    desk = desk_of(store)
    for number, step in enumerate((1, 1, 2, 1, 3, 1, 2)):
        store.ask(run, "echo", {"n": number}, step=step)
        desk.answer_next()
    assert [step for _, step in opened] == [1, 2, 3, 2]  # 2 was used longest ago when 3 came
    monkeypatch.setattr(desks, "BYTES_OPENED", 150e6)  # room for one
    for number, step in enumerate((1, 2)):
        store.ask(run, "echo", {"m": number}, step=step)
        desk.answer_next()
    assert len(desk._opened) == 1


def test_a_checkpoint_that_was_saved_anew_is_opened_anew(store: RunStore) -> None:
    run = saved(store, 5)
    desk = desk_of(store)
    store.ask(run, "echo", {})
    desk.answer_next()
    store.save_checkpoint(run, 5, b"after a resume")
    job = store.ask(run, "echo", {})
    desk.answer_next()
    assert said(store, job)[0] == "5: after a resume"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("damaged", "the checkpoint is damaged; choose another"),
        ("memory", "the run needed more memory than this machine has free"),
        ("nosuch", "kind must be one of echo, slow, exit, hang, memory, damaged, got 'nosuch'"),
    ],
)
def test_what_cannot_be_answered_fails_in_a_sentence_and_the_desk_goes_on(
    store: RunStore, kind: str, sentence: str
) -> None:
    run, desk = saved(store), desk_of(store)
    job, next_one = store.ask(run, kind, {}), store.ask(run, "echo", {})
    assert desk.answer_next()
    failed = store.job(run, job.key)
    assert failed.state == "failed"
    assert failed.reason.startswith(sentence)
    assert desk.answer_next()
    assert store.job(run, next_one.key).state == "done"


def test_a_run_that_is_deleted_in_the_middle_is_no_trouble(store: RunStore) -> None:
    run = saved(store)

    def delete(opened: str, payload: object) -> Record:
        store.delete(run)
        return fake_desk.echo(opened, {})

    desk = Desk(store, desks.DeskTools(fake_desk.open_checkpoint, {"delete": delete}))
    store.ask(run, "delete", {})
    assert desk.answer_next()
    assert store.open_jobs() == []


def test_a_store_that_cannot_take_the_answer_now_gets_it_later(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, misses = sqlite_store, [StoreUnavailable("locked"), StoreUnavailable("locked")]
    finish = store.finish_job

    def at_the_third_time(job: Job, record: Record) -> bool:
        if misses:
            raise misses.pop()
        return finish(job, record)

    monkeypatch.setattr(store, "finish_job", at_the_third_time)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    job = store.ask(saved(store), "echo", {})
    assert desk_of(store).answer_next()
    assert store.job(job.run_id, job.key).state == "done"


def test_the_launcher_starts_a_desk_for_the_first_question_and_keeps_it_for_the_next(sqlite_store: RunStore) -> None:
    store = sqlite_store
    run = saved(store)
    with launcher(store) as going:
        time.sleep(0.3)
        assert going._desk.pid is None
        first = going.ask(run, "echo", {"n": 1})
        assert settled(store, first).state == "done"
        pid = going._desk.pid
        assert settled(store, going.ask(run, "echo", {"n": 2})).state == "done"
        assert going._desk.pid == pid is not None
        assert going.ask(run, "echo", {"n": 1}).state == "done"
    assert not psutil.pid_exists(pid)


def test_questions_are_answered_while_every_slot_trains(sqlite_store: RunStore) -> None:
    store = sqlite_store
    with launcher(store) as going:
        runs = [going.submit(RunConfig.of(name="slow", steps=100_000)) for _ in range(2)]
        until(lambda: store.get(runs[0].id).step >= 5 and store.checkpoint_steps(runs[0].id))
        assert settled(store, going.ask(runs[0].id, "echo", {})).state == "done"
        assert [store.get(run.id).state for run in runs] == ["running", "queued"]


def test_a_desk_that_is_killed_in_the_middle_leaves_the_question_to_the_next_one(sqlite_store: RunStore) -> None:
    store = sqlite_store
    run = saved(store)
    with launcher(store) as going:
        job = going.ask(run, "slow", {})
        until(lambda: store.job(run, job.key).state == "running")
        pid = going._desk.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        done = settled(store, job)
        assert (done.state, done.tries) == ("done", 2)
        assert going._desk.pid != pid


def test_a_question_that_ends_every_desk_fails_in_a_sentence_and_others_are_answered(sqlite_store: RunStore) -> None:
    store = sqlite_store
    run = saved(store)
    with launcher(store) as going:
        bad, good = going.ask(run, "exit", {}), going.ask(run, "echo", {})
        reason = settled(store, bad).reason
        assert reason.startswith("the desk process ended without a word (exit status 3) while it worked on this, 2 t")
        assert settled(store, good).state == "done"


def test_a_question_that_takes_too_long_is_given_up_and_others_are_answered(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    run = saved(store)
    with launcher(store) as going:
        assert settled(store, going.ask(run, "echo", {"first": 1})).state == "done"  # the desk is up
        monkeypatch.setattr(keeping, "LONGEST_SECONDS", 1.0)
        bad, good = going.ask(run, "hang", {}), going.ask(run, "echo", {})
        assert settled(store, bad).reason == "this took longer than 1 s and was given up; ask for less of it"
        monkeypatch.setattr(keeping, "LONGEST_SECONDS", 60.0)
        assert settled(store, good).state == "done"


@pytest.mark.parametrize(
    ("code", "words"),
    [("raise SystemExit('torch is not installed')", "torch is not installed"), ("", "ended without a word")],
)
def test_a_question_that_no_desk_can_start_for_fails_with_its_last_words(
    sqlite_store: RunStore, code: str, words: str
) -> None:
    with launcher(sqlite_store, desk=(sys.executable, "-c", code)) as going:
        job = going.ask(saved(sqlite_store), "echo", {})
        reason = settled(sqlite_store, job).reason
        assert reason.startswith("no desk process could start: ")
        assert words in reason


def test_a_desk_that_never_gets_ready_is_not_waited_for(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LONGEST_SECONDS", 0.5)
    with launcher(sqlite_store, desk=(sys.executable, "-c", "import time; time.sleep(60)")) as going:
        job = going.ask(saved(sqlite_store), "echo", {})
        assert settled(sqlite_store, job).reason.startswith("no desk process could start: the desk process was killed")


def test_a_server_that_stops_leaves_the_question_to_the_next_one(store: RunStore) -> None:
    run = saved(store)
    with launcher(store) as going:
        job = going.ask(run, "hang", {})
        until(lambda: store.job(run, job.key).state == "running")
        start = time.monotonic()
    assert time.monotonic() - start < 5.0
    assert store.job(run, job.key).state == "waiting"
    with launcher(store) as going:
        good = going.ask(run, "echo", {})
        until(lambda: store.job(run, job.key).tries == 2)
        pid = going._desk.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert settled(store, good).state == "done"
        assert store.job(run, job.key).state == "failed"


def test_a_question_in_the_hands_of_a_desk_that_died_with_its_server_is_asked_again(sqlite_store: RunStore) -> None:
    store = sqlite_store
    run = saved(store)
    job = store.ask(run, "echo", {})
    assert store.take_job("999999:1.0", socket.gethostname()) is not None
    far = store.ask(run, "echo", {"other": 1})
    assert store.take_job("999999:1.0", "elsewhere") is not None
    with launcher(store):
        assert settled(store, job).state == "done"
        assert store.job(run, far.key).state == "running"  # another machine's server sees to it


def test_an_idle_desk_ends_and_the_next_question_starts_another(
    home: Path, sqlite_store: RunStore, tmp_path: Path
) -> None:
    store = sqlite_store
    run = saved(store)
    code = (
        "import sys; from rnncore.runs import desk; desk.IDLE_SECONDS = 0.2; desk.LOOK_SECONDS = 0.05;"
        "from tests.runs.fake_desk import tools; sys.exit(desk.main(tools=tools))"
    )
    with launcher(store, desk=(sys.executable, "-c", code)) as going:
        assert settled(store, going.ask(run, "echo", {"n": 1})).state == "done"
        until(lambda: going._desk.pid is None)
        assert settled(store, going.ask(run, "echo", {"n": 2})).state == "done"


def test_a_desk_ends_when_its_server_is_killed(home: Path, sqlite_store: RunStore) -> None:
    run = saved(sqlite_store)
    code = (
        "import time; from rnncore.runs.launcher import Launcher; from rnncore.runs.store import RunStore;"
        "from tests.runs import fake_desk\n"
        "with RunStore() as store, Launcher(store, slots=1, warm=0, desk=fake_desk.COMMAND) as going:\n"
        f"    job = going.ask({run!r}, 'echo', {{}})\n"
        "    while store.job(job.run_id, job.key).open: time.sleep(0.01)\n"
        "    print(going._desk.pid, flush=True); time.sleep(60)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 5)


def real_run(store: RunStore, task: str = "text", text: str | None = None, **settings: Any) -> tuple[str, Trainer]:
    """A run that trained a few steps and saved a checkpoint, and its trainer."""
    config = RunConfig.of(task=task, hidden_size=12, batch_size=4, steps=4, **settings)
    trainer = Trainer(config, text)
    for _ in range(4):
        trainer.advance()
    run = store.create(config)
    store.save_checkpoint(run.id, 4, trainer.checkpoint().to_bytes())
    return run.id, trainer


@pytest.fixture
def real_desk(sqlite_store: RunStore) -> Callable[[str, dict[str, Any]], Job]:
    """Answers a question with torch, in this process."""
    desk = Desk(sqlite_store, desks.DeskTools(desks.open_checkpoint, desks.KINDS))

    def ask(run_id: str, payload: dict[str, Any]) -> Job:
        job = sqlite_store.ask(run_id, "write", payload)
        desk.answer_next()
        return sqlite_store.job(run_id, job.key)

    return ask


def test_with_the_defaults_a_checkpoint_writes_the_runs_own_sample_of_that_step(
    sqlite_store: RunStore, real_desk: Callable[[str, dict[str, Any]], Job]
) -> None:
    from rnncore.diagnostics.samples import SampleMeasure

    store = sqlite_store
    text = "<script>alert('é')</script> & <b>the quick brown fox</b>\n" * 80
    corpus = store.put_corpus("markup.txt", text)
    run, trainer = real_run(store, text=text, corpus=corpus, sequence_length=16, sample_length=50)
    (sample,) = SampleMeasure(trainer.config).records(trainer, None)
    job = real_desk(run, {"length": 50})
    assert (job.state, job.reason) == ("done", "")
    found = store.answer(run, job.key)
    assert isinstance(found, Writing)
    assert isinstance(sample, Sample)
    assert (found.step, found.primer, found.text(0)) == (4, sample.primer, sample.text)
    refused = real_desk(run, {"primer": "日本"})
    assert refused.state == "failed"
    assert "got '日本'; leave them out" in refused.reason
    assert real_desk(run, {"length": -1}).reason.startswith("length must be >= 1, got -1")


def test_a_run_that_learns_no_text_says_so(
    sqlite_store: RunStore, real_desk: Callable[[str, dict[str, Any]], Job]
) -> None:
    job = real_desk(real_run(sqlite_store, task="sentences")[0], {})
    assert job.reason.startswith("run must be one on a text to write, got one on the three sentences")


def test_a_checkpoint_whose_text_has_gone_says_so(
    sqlite_store: RunStore, real_desk: Callable[[str, dict[str, Any]], Job]
) -> None:
    run, _ = real_run(
        sqlite_store, text="the quick brown fox\n" * 200, corpus="upload:0123456789ab", sequence_length=16
    )
    assert real_desk(run, {}).reason.startswith("corpus 'upload:0123456789ab' is not in the run store")


def test_a_checkpoint_that_was_edited_is_refused_in_a_sentence(
    sqlite_store: RunStore, real_desk: Callable[[str, dict[str, Any]], Job]
) -> None:
    run, _ = real_run(sqlite_store, task="sentences")
    sqlite_store.save_checkpoint(run, 9, b"no checkpoint at all")
    assert "is damaged or is no checkpoint of this project" in real_desk(run, {}).reason


def test_a_run_that_is_trained_elsewhere_has_nothing_to_ask(sqlite_store: RunStore) -> None:
    from rnncore.runs.elsewhere import Elsewhere

    run = sqlite_store.begin_elsewhere(Elsewhere(name="mine"), "1:1.0", "here")
    with pytest.raises(CheckpointError, match="has no checkpoint yet"):
        sqlite_store.ask(run.id, "write", {})

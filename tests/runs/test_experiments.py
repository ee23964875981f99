"""Claims about the lecture's experiments in the run store, and about the processes that measure them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rnncore.errors import StoreError
from rnncore.records import Measured
from rnncore.runs import experimenter as experimenting
from rnncore.runs import experiments as keeping
from rnncore.runs import keeper
from rnncore.runs.experimenter import Experimenter
from rnncore.runs.experiments import ExperimentInfo, Experiments
from rnncore.runs.launcher import Launcher
from rnncore.runs.store import RunStore
from tests.runs import fake_desk, fake_experimenter, fakes


@pytest.fixture
def store(url: str, open_store: Callable[[str], RunStore]) -> RunStore:
    return open_store(url)


@pytest.fixture
def kept(store: RunStore) -> Experiments:
    return Experiments(store)


@pytest.fixture
def launched(sqlite_store: RunStore) -> Iterator[Launcher]:
    with launcher(sqlite_store) as going:
        yield going


def launcher(store: RunStore, **more: Any) -> Launcher:
    commands = {"command": fakes.COMMAND, "desk": fake_desk.COMMAND, "experimenter": fake_experimenter.COMMAND}
    return Launcher(store, **{"slots": 2, "warm": 0, **commands, **more})


def until(true: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


def ended(kept: Experiments, info: ExperimentInfo) -> ExperimentInfo:
    until(lambda: not kept.get(info.id).open, f"the end of {info.name}")
    return kept.get(info.id)


def test_what_is_asked_for_first_is_measured_first_and_each_press_is_measured_anew(kept: Experiments) -> None:
    first, second = kept.ask("count", {"n": 2}, "anna", "more"), kept.ask("count", {"n": 2}, "ben")
    assert first.id != second.id
    at_work = Experimenter(kept.store, fake_experimenter.measure)
    assert at_work.next()
    assert [kept.get(one.id).state for one in (first, second)] == ["done", "waiting"]
    assert at_work.next()
    assert not at_work.next()
    found = kept.get(first.id)
    assert (found.settings, found.owner, found.predicted, found.tries) == ({"n": 2}, "anna", "more", 1)
    assert kept.record(second.id) == Measured(step=2, share=1.0, doing="step 2")
    assert found.ended is not None
    assert found.seconds == pytest.approx(found.ended - (found.taken or 0))


def test_reports_on_the_way_replace_each_other_and_raise_the_revision(
    kept: Experiments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experimenting, "REPORT_SECONDS", 0.0)
    info, seen = kept.ask("count", {}), []

    def watched(name: str, settings: Any) -> Iterator[Measured]:
        for record in fake_experimenter.measure(name, settings):
            yield record
            newest = kept.record(info.id)
            seen.append((kept.get(info.id).revision, newest.step if newest else None))

    Experimenter(kept.store, watched).next()
    assert [step for _, step in seen] == [1, 2, 3]
    assert sorted({revision for revision, _ in seen}) == [revision for revision, _ in seen]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("refuse", "n must be >= 1, got 0; use a larger one"),
        ("break", "an error in the program: ZeroDivisionError: division by zero; the command line shows where"),
    ],
)
def test_an_error_becomes_a_sentence_and_the_next_one_is_measured(kept: Experiments, name: str, sentence: str) -> None:
    failed, fine = kept.ask(name, {}), kept.ask("count", {})
    at_work = Experimenter(kept.store, fake_experimenter.measure)
    assert at_work.next()
    assert at_work.next()
    assert (kept.get(failed.id).state, kept.get(failed.id).reason) == ("failed", sentence)
    assert kept.get(fine.id).state == "done"


def test_only_whoever_asked_stops_an_experiment_and_what_was_measured_stays(kept: Experiments) -> None:
    info = kept.ask("count", {}, "anna")
    with pytest.raises(StoreError, match="belongs to someone else, who alone may stop it"):
        kept.stop(info.id, "ben")
    taken = kept.take("1:2", "here")
    assert taken is not None
    assert kept.report(taken, Measured(step=1, share=0.3))
    kept.stop(info.id, "anna")
    assert not kept.report(taken, Measured(step=2, share=0.6))
    assert not kept.finish(taken, Measured(step=3))
    record = kept.record(info.id)
    assert record is not None
    assert (kept.get(info.id).state, record.step) == ("stopped", 1)


def test_a_reader_finds_the_newest_finished_one_of_each_name(kept: Experiments) -> None:
    at_work = Experimenter(kept.store, fake_experimenter.measure)
    for name, owner in (("count", "anna"), ("count", "anna"), ("slow", "anna"), ("count", "ben"), ("refuse", "anna")):
        newest = kept.ask(name, {"n": 1}, owner)
        at_work.next()
        if (name, owner) == ("count", "anna"):
            count = newest
    kept.ask("count", {}, "anna")  # still waits
    found = kept.newest("anna")
    assert found.keys() == {"count", "slow"}
    assert found["count"].id == count.id


def test_the_oldest_ended_ones_go_and_those_that_wait_stay(kept: Experiments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_KEPT", 2)
    at_work = Experimenter(kept.store, fake_experimenter.measure)
    made = []
    for _ in range(4):
        made.append(kept.ask("count", {}))
        at_work.next()
    waiting = [kept.ask("count", {}) for _ in range(3)]
    with pytest.raises(StoreError, match="is no longer kept, or never was; run it again"):
        kept.get(made[0].id)
    assert kept.get(made[-1].id).state == "done"
    assert [info.id for info in kept.open_jobs()] == [info.id for info in waiting]


def test_too_many_that_wait_are_refused(kept: Experiments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_WAITING", 2)
    for _ in range(2):
        kept.ask("count", {})
    with pytest.raises(StoreError, match="2 experiments wait for their turn already"):
        kept.ask("count", {})


def test_two_readers_are_served_at_the_same_time(launched: Launcher) -> None:
    kept = Experiments(launched.store)
    infos = [launched.measure("slow", {"n": 60}, owner) for owner in ("anna", "ben")]
    until(lambda: all(kept.get(info.id).state == "running" for info in infos), "both at work")
    assert len({kept.get(info.id).worker for info in infos}) == 2
    for info in infos:
        assert ended(kept, info).state == "done"


def test_a_page_that_opens_has_a_process_ready_before_anything_is_asked(launched: Launcher) -> None:
    assert all(one.pid is None for one in launched._experimenters)
    launched.expect_experiments()
    until(lambda: launched._experimenters[0].pid is not None, "a process")
    assert launched._experimenters[1].pid is None


def test_a_killed_process_is_replaced_and_its_experiment_begins_again(launched: Launcher) -> None:
    kept = Experiments(launched.store)
    info = launched.measure("slow", {"n": 100})
    until(lambda: kept.record(info.id) is not None, "a report")
    os.kill(int(kept.get(info.id).worker.partition(":")[0]), signal.SIGKILL)
    until(lambda: kept.get(info.id).tries == 2, "the second try")
    found = ended(kept, info)
    assert (found.state, found.tries) == ("done", 2)


def test_an_experiment_that_no_process_survives_is_given_up_in_a_sentence(launched: Launcher) -> None:
    kept = Experiments(launched.store)
    found = ended(kept, launched.measure("exit", {}))
    assert found.state == "failed"
    assert "while it measured this, 2 times; choose smaller settings" in found.reason
    assert ended(kept, launched.measure("count", {})).state == "done"


def test_an_experiment_that_hangs_is_given_up(sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LONGEST_SECONDS", 1.5)
    kept = Experiments(sqlite_store)
    with launcher(sqlite_store) as going:
        found = ended(kept, going.measure("hang", {}))
        assert (found.state, found.reason) == (
            "failed", "this took longer than 1.5 s and was given up; ask for less of it",
        )  # fmt: skip


def test_a_stopped_experiment_frees_its_process_for_the_next_one(launched: Launcher) -> None:
    kept = Experiments(launched.store)
    long = [launched.measure("slow", {"n": 100_000}) for _ in range(2)]
    until(lambda: all(kept.get(info.id).state == "running" for info in long), "both at work")
    for info in long:
        kept.stop(info.id)
    assert ended(kept, launched.measure("count", {})).state == "done"


def test_what_was_being_measured_when_the_server_stopped_is_measured_by_the_next_one(sqlite_store: RunStore) -> None:
    kept = Experiments(sqlite_store)
    with launcher(sqlite_store) as going:
        info = going.measure("slow", {"n": 60})
        until(lambda: kept.get(info.id).state == "running", "work")
    assert kept.get(info.id).state == "waiting"
    with launcher(sqlite_store):
        assert ended(kept, info).state == "done"

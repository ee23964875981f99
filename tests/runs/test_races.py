"""Races in the run store, on SQLite and PostgreSQL alike: written whole, paused, continued and cancelled whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rnncore.config import RunConfig
from rnncore.errors import StoreError
from rnncore.runs.races import RaceInfo, Races
from rnncore.runs.store import RunStore

OpenStore = Callable[[str], RunStore]


@pytest.fixture
def races(url: str, open_store: OpenStore) -> Races:
    return Races(open_store(url))


def race(races: Races, seeds: int = 2, **options: str) -> RaceInfo:
    wanted = [(n, RunConfig.of(cell=cell, seed=s)) for s in range(seeds) for n, cell in enumerate(("lstm", "gru"))]
    return races.create("which one", "{}", wanted, **options)


def states(found: RaceInfo) -> list[str]:
    return [run.state for run in found.runs]


def taken(races: Races) -> str:
    run = races.store.claim("1:0", "here")
    assert run is not None
    races.store.progress(run.id, run.attempt, state="running")
    return run.id


def test_a_race_is_there_with_all_its_runs_in_the_order_of_seeds(races: Races) -> None:
    found = race(races, owner="me")
    assert [(run.config.seed, run.contender, run.config.model.cell) for run in found.runs] == [
        (0, 0, "lstm"), (0, 1, "gru"), (1, 0, "lstm"), (1, 1, "gru"),
    ]  # fmt: skip
    assert {(run.race, run.owner) for run in found.runs} == {(found.id, "me")}
    assert races.get(found.id) == found
    assert [one.id for one in races.all()] == [found.id]
    assert [races.store.claim("1:0", "here").contender for _ in range(4)] == [0, 1, 0, 1]  # type: ignore[union-attr]


def test_a_second_press_gives_the_same_race(races: Races) -> None:
    first = race(races, token="press")
    assert race(races, token="press") == first
    assert len(races.store.runs()) == 4


def test_a_refused_configuration_leaves_no_half_a_race(races: Races) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield 0, RunConfig()
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        races.create("half", "{}", broken())
    assert (races.all(), races.store.runs()) == ([], [])


def test_a_single_run_does_not_wait_for_a_whole_race(races: Races) -> None:
    found = race(races)
    alone = races.store.create(RunConfig.of(cell="gru"))
    assert races.store.get(alone.id).queue_place == 1
    assert [races.store.get(run.id).queue_place for run in found.runs] == [2, 3, 4, 5]
    assert taken(races) == alone.id


def test_a_paused_race_stops_what_runs_and_hands_nothing_out_until_it_goes_on(races: Races) -> None:
    found = race(races)
    running = taken(races)
    races.store.create(RunConfig(), token="single")
    races.pause(found.id)
    assert [command.kind for command in races.store.take(running)] == ["stop"]
    races.store.set_state(running, "stopped")
    paused = races.get(found.id)
    assert (paused.paused, paused.over) == (True, False)
    assert [run.queue_place for run in paused.runs] == [None] * 4
    assert races.store.waiting() == 1  # the single run
    assert races.store.get(taken(races)).race == ""
    assert races.store.claim("1:0", "here") is None
    races.go_on(found.id)
    again = races.get(found.id)
    assert not again.paused
    assert states(again) == ["queued"] * 4
    assert races.store.waiting() == 4


def test_going_on_takes_up_what_was_interrupted_and_leaves_what_somebody_stopped(races: Races) -> None:
    found = race(races)
    first, second = taken(races), taken(races)
    races.store.set_state(first, "interrupted")
    races.store.send(second, "stop")
    races.store.set_state(second, "stopped")
    races.go_on(found.id)
    assert races.store.get(first).state == "queued"
    assert races.store.get(second).state == "stopped"


def test_a_cancelled_race_is_over_and_keeps_its_results(races: Races) -> None:
    found = race(races)
    done, running = taken(races), taken(races)
    races.store.set_state(done, "finished")
    races.pause(found.id)
    races.cancel(found.id)
    assert [command.kind for command in races.store.take(running)] == ["stop", "stop"]
    races.store.set_state(running, "stopped")
    over = races.get(found.id)
    assert over.over
    assert sorted(states(over)) == ["finished", "stopped", "stopped", "stopped"]


def test_a_race_that_finished_while_it_was_paused_is_over(races: Races) -> None:
    found = race(races, seeds=1)
    for _ in found.runs:
        taken(races)
    races.pause(found.id)
    for run in found.runs:
        races.store.set_state(run.id, "finished")
    assert races.get(found.id).over


def test_a_race_is_deleted_with_its_runs_but_not_while_one_is_at_work(races: Races) -> None:
    found, other = race(races), race(races)
    running = taken(races)
    with pytest.raises(StoreError, match="has 1 runs at work; cancel it before deleting it"):
        races.delete(found.id)
    races.store.set_state(running, "stopped")
    races.delete(found.id)
    assert [one.id for one in races.all()] == [other.id]
    assert {run.race for run in races.store.runs()} == {other.id}
    with pytest.raises(StoreError, match="choose another one"):
        races.get(found.id)


def test_only_its_owner_steers_a_race(races: Races) -> None:
    found = race(races, owner="me")
    for action in (races.pause, races.go_on, races.cancel, races.delete):
        with pytest.raises(StoreError, match="belongs to someone else"):
            action(found.id, "you")
    races.cancel(found.id, "me")


def test_tags_are_words_to_find_a_run_by(races: Races) -> None:
    run = races.store.create(RunConfig(), owner="me")
    races.store.tag(run.id, ["lecture 3", " lecture  3 ", "", "keep"], "me")
    assert races.store.get(run.id).tags == ("lecture 3", "keep")
    races.store.tag(run.id, [])
    assert races.store.get(run.id).tags == ()
    for tags, sentence in ((["x" * 41], "at most 40 characters"), (map(str, range(21)), "at most 20, got 21")):
        with pytest.raises(StoreError, match=sentence):
            races.store.tag(run.id, tags)
    with pytest.raises(StoreError, match="belongs to someone else"):
        races.store.tag(run.id, ["mine"], "you")


def test_a_race_s_mark_changes_with_each_of_its_runs_and_with_nothing_else(races: Races) -> None:
    first, second = race(races), race(races)
    before = races.marks()
    assert set(before) == {first.id, second.id}
    races.store.note(first.runs[0].id, "look")
    after = races.marks()
    assert after[first.id] != before[first.id]
    assert after[second.id] == before[second.id]
    races.store.delete(second.runs[0].id)
    assert races.marks()[second.id] != after[second.id]
    assert list(races.marks(1)) == [races.all(1)[0].id]

"""Races in the run store: what was asked for, and its runs, taken together.

A race is a document (see ``rnncore.comparison.Race``) and the runs that carry it out, ordinary ones each. It is
written in one transaction with all of them, so that nothing is lost between; its state is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rnncore.config import RunConfig
from rnncore.errors import StoreError
from rnncore.runs.database import plain, vacuum
from rnncore.runs.schema import races, runs
from rnncore.runs.states import ACTIVE, ENDED, INTERRUPTED, QUEUED, STOPPED, RunInfo
from rnncore.runs.store import RunStore, new_id

MOST_RUNS = 1000
"""Of one race."""


@dataclass(frozen=True)
class RaceInfo:
    """One race as the store knows it.

    Attributes:
        document: what was asked for, JSON.
        created: Unix seconds.
        runs: of all contenders and seeds, in the order in which they were asked for.
    """

    id: str
    name: str
    owner: str
    created: float
    document: str
    runs: tuple[RunInfo, ...] = ()

    @property
    def paused(self) -> bool:
        """Some runs wait for it to go on."""
        return any(run.waits_for_race for run in self.runs)

    @property
    def over(self) -> bool:
        """Nothing runs, waits or will go on."""
        return all(run.state in ENDED and not (run.waits_for_race or run.goes_on) for run in self.runs)


class Races:
    """The races of a store.

    Args:
        store: where their runs are too.
    """

    def __init__(self, store: RunStore):
        self.store = store

    def create(
        self,
        name: str,
        document: str,
        wanted: Iterable[tuple[int, RunConfig]],
        *,
        owner: str = "",
        token: str | None = None,
    ) -> RaceInfo:
        """A new race, and a run in the queue for each (contender, configuration).

        Args:
            token: whoever asks twice with the same token gets the same race.
        """
        race_id = new_id()
        values = {"id": race_id, "name": plain(name), "owner": owner, "created": time.time(), "token": token}
        with self.store.transaction() as connection:
            try:
                with connection.begin_nested():
                    connection.execute(insert(races).values(**values, document=document))
            except IntegrityError:
                known = select(races.c.id).where(races.c.token == token)
                return self.get(str(connection.execute(known).scalar_one()))
            for contender, config in wanted:
                self.store.create(config, owner=owner, race=race_id, contender=contender)
            return self.get(race_id)

    def get(self, race_id: str) -> RaceInfo:
        """A race with its runs.

        Raises:
            StoreError: there is no such race.
        """
        with self.store.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(races.c.id == race_id)).first()
        if row is None:
            raise StoreError(f"no race {race_id!r} in the run store; it may have been deleted: choose another one")
        found = self.store.runs(MOST_RUNS, race=race_id)
        return _race(row, sorted(found, key=lambda run: (run.config.seed, run.contender, run.created)))

    def all(self, limit: int = 100) -> list[RaceInfo]:
        """Races without their runs, the newest first."""
        with self.store.reading() as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(races.c.created.desc(), races.c.id).limit(limit))
            return [_race(row) for row in rows]

    def marks(self, limit: int = 100) -> dict[str, str]:
        """The newest races that have runs, the newest first, each with a mark that changes when one of them does."""
        count, revisions = func.count(runs.c.id), func.sum(runs.c.revision)
        statement = (
            select(races.c.id, count.label("count"), revisions.label("revisions"))
            .join(runs, runs.c.race == races.c.id)
            .group_by(races.c.id)
            .order_by(races.c.created.desc(), races.c.id)
            .limit(limit)
        )
        with self.store.reading() as connection:
            return {row.id: f"{row.count}.{row.revisions}" for row in connection.execute(statement)}

    def pause(self, race_id: str, owner: str | None = None) -> None:
        """Stop what runs, at its next step and with a checkpoint, and keep the rest waiting: ``go_on`` continues."""
        with self.store.transaction() as connection:
            race = self._mine(race_id, owner, "pause")
            unfinished = [run.id for run in race.runs if run.state not in ENDED]
            connection.execute(update(runs).where(runs.c.id.in_(unfinished)).values(held=1))
            for run in race.runs:
                if run.state in ACTIVE:
                    self.store.send(run.id, "stop")
                elif run.state == QUEUED:
                    self.store.touch(run.id)

    def go_on(self, race_id: str, owner: str | None = None) -> None:
        """Continue a paused race, and what was interrupted, where each run stood."""
        with self.store.transaction() as connection:
            race = self._mine(race_id, owner, "resume")
            connection.execute(update(runs).where(runs.c.race == race_id).values(held=0))
            for run in race.runs:
                if run.state == INTERRUPTED or (run.waits_for_race and run.state == STOPPED):
                    self.store.requeue(run.id)
                elif run.held:
                    self.store.touch(run.id)

    def cancel(self, race_id: str, owner: str | None = None) -> None:
        """Stop what runs and what waits; finished results stay."""
        with self.store.transaction() as connection:
            race = self._mine(race_id, owner, "cancel")
            connection.execute(update(runs).where(runs.c.race == race_id).values(held=0))
            for run in race.runs:
                if run.state not in ENDED:
                    self.store.send(run.id, "stop")
                elif run.state == INTERRUPTED:
                    self.store.set_state(run.id, STOPPED, "its race was cancelled")
                elif run.held:
                    self.store.touch(run.id)

    def delete(self, race_id: str, owner: str | None = None) -> None:
        """Remove an ended race with all its runs.

        Raises:
            StoreError: some of them are in a worker's hands, or it belongs to someone else.
        """
        with self.store.transaction() as connection:
            race = self._mine(race_id, owner, "delete")
            busy = [run.id for run in race.runs if run.state in ACTIVE]
            if busy:
                raise StoreError(f"race {race_id!r} has {len(busy)} runs at work; cancel it before deleting it")
            connection.execute(delete(runs).where(runs.c.race == race_id))
            connection.execute(delete(races).where(races.c.id == race_id))
        vacuum(self.store)

    def _mine(self, race_id: str, owner: str | None, what: str) -> RaceInfo:
        race = self.get(race_id)
        if owner and race.owner != owner:
            raise StoreError(
                f"race {race_id!r} belongs to someone else, who alone may {what} it; run it again to have your own"
            )
        return race


def _race(row: Row[Any], found: Iterable[RunInfo] = ()) -> RaceInfo:
    return RaceInfo(row.id, row.name, row.owner, row.created, row.document, tuple(found))


_COLUMNS = [races.c[name] for name in ("id", "name", "owner", "created", "document")]

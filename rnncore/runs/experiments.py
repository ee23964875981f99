"""The lecture's experiments in the run store: asked for by a page, measured by an experimenter process.

Each press is an experiment of its own, measured anew: what a page draws was computed for it. A page finds it again by
its id, which is in the address; the newest ones are kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from rnncore.errors import StoreError
from rnncore.records import Record
from rnncore.records.measured import Measured
from rnncore.runs.database import plain
from rnncore.runs.jobs import DONE, FAILED, MOST_TRIES, OPEN, RUNNING, WAITING
from rnncore.runs.schema import experiments
from rnncore.runs.store import RunStore, new_id

STOPPED = "stopped"
MOST_KEPT = 400
"""Experiments that have ended; those asked for longest ago go first."""
MOST_WAITING = 40
"""Of all readers together."""


@dataclass(frozen=True)
class ExperimentInfo:
    """One experiment as the store knows it. Times are Unix seconds.

    Attributes:
        name: which experiment of the lecture.
        state: waiting, running, done, failed or stopped.
        revision: rises with every change.
        settings: what it was told.
        predicted: the reader's answer before it began, '' for none.
        reason: why it failed, in a sentence.
        tries: how often a process has taken it.
        worker, host: who has it in hand, ``pid:start time``, and its machine.
    """

    id: str
    name: str
    owner: str
    state: str
    revision: int
    tries: int
    asked: float
    taken: float | None
    ended: float | None
    worker: str
    host: str
    predicted: str
    reason: str
    settings: dict[str, Any]

    @property
    def open(self) -> bool:
        """Neither measured nor failed nor stopped yet."""
        return self.state in OPEN

    @property
    def seconds(self) -> float:
        """How long it has been measured."""
        return 0.0 if self.taken is None else (self.ended or time.time()) - self.taken


class Experiments:
    """The experiments of a store.

    Args:
        store: where they are.
    """

    def __init__(self, store: RunStore):
        self.store = store

    def ask(self, name: str, settings: Mapping[str, Any], owner: str = "", predicted: str = "") -> ExperimentInfo:
        """Ask for an experiment.

        Args:
            settings: JSON values.
            predicted: what the reader expects, by the name of the answer.

        Raises:
            StoreError: too many wait.
        """
        with self.store.transaction() as connection:
            waiting = select(func.count()).select_from(experiments).where(experiments.c.state == WAITING)
            if (count := connection.execute(waiting).scalar() or 0) >= MOST_WAITING:
                raise StoreError(f"{count} experiments wait for their turn already; try again in a while")
            made = self._insert(connection, WAITING, name, settings, owner, predicted)
            self._thin()
            return self.get(made)

    def expect(self, name: str, owner: str, predicted: str) -> None:
        """Keep what a reader expects on a page whose results are those of runs: a row that waits for nothing."""
        with self.store.transaction() as connection:
            self._insert(connection, STOPPED, name, {}, owner, predicted)
            self._thin()

    def expected(self, owner: str) -> dict[str, str]:
        """What a reader said last that they expect, by the name of the page."""
        with self.store.reading() as connection:
            columns = select(experiments.c.name, experiments.c.predicted).where(experiments.c.owner == owner)
            return {row.name: row.predicted for row in connection.execute(columns.order_by(experiments.c.asked))}

    @staticmethod
    def _insert(
        connection: Connection, state: str, name: str, settings: Mapping[str, Any], owner: str, predicted: str
    ) -> str:
        made = new_id()
        row = {"id": made, "name": name, "owner": owner, "state": state, "revision": 0, "tries": 0}
        row |= {"asked": time.time(), "worker": "", "host": "", "reason": "", "predicted": plain(predicted)}
        connection.execute(insert(experiments).values(**row, settings=json.dumps(settings, sort_keys=True)))
        return made

    def get(self, experiment_id: str) -> ExperimentInfo:
        """What has become of an experiment.

        Raises:
            StoreError: there is none of that id.
        """
        with self.store.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(experiments.c.id == experiment_id)).first()
        if row is None:
            raise StoreError(f"experiment {experiment_id!r} is no longer kept, or never was; run it again")
        return _info(row)

    def record(self, experiment_id: str) -> Measured | None:
        """What it has measured so far; None while that is nothing."""
        with self.store.reading() as connection:
            data = connection.execute(select(experiments.c.data).where(experiments.c.id == experiment_id)).scalar()
        found = None if data is None else Record.from_bytes(data)
        return found if isinstance(found, Measured) else None

    def newest(self, owner: str) -> dict[str, ExperimentInfo]:
        """A reader's newest experiment of each name that has been measured to its end."""
        mine = (experiments.c.owner == owner) & (experiments.c.state == DONE)
        with self.store.reading() as connection:
            rows = connection.execute(select(*_COLUMNS).where(mine).order_by(experiments.c.asked))
            return {row.name: _info(row) for row in rows}

    def stop(self, experiment_id: str, owner: str | None = None) -> None:
        """End an experiment; its process notices at its next report. What was measured stays.

        Raises:
            StoreError: there is none of that id, or it belongs to someone else.
        """
        with self.store.transaction():
            info = self.get(experiment_id)
            if owner is not None and info.owner != owner:
                raise StoreError(f"experiment {experiment_id!r} belongs to someone else, who alone may stop it")
            self._settle(info, state=STOPPED, ended=time.time())

    def any_open(self, beyond: int = 0) -> bool:
        """Whether more than ``beyond`` experiments wait or are being measured; asked often, so cheap."""
        return self.store.found(
            f"SELECT 1 FROM experiments WHERE state IN ('waiting', 'running') LIMIT 1 OFFSET {beyond:d}"
        )

    def open_jobs(self) -> list[ExperimentInfo]:
        """What waits and what is being measured, the longest first."""
        statement = select(*_COLUMNS).where(experiments.c.state.in_(sorted(OPEN))).order_by(experiments.c.asked)
        with self.store.reading() as connection:
            return [_info(row) for row in connection.execute(statement)]

    def take(self, worker: str, host: str) -> ExperimentInfo | None:
        """Take the experiment that has waited longest; None where none does. Each goes to exactly one taker."""
        if not self.store.found("SELECT 1 FROM experiments WHERE state = 'waiting' LIMIT 1"):
            return None
        waiting = select(*_COLUMNS).where(experiments.c.state == WAITING).order_by(experiments.c.asked).limit(1)
        with self.store.transaction() as connection:
            row = connection.execute(waiting.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            now = time.time()
            self._settle(_info(row), state=RUNNING, worker=worker, host=host, taken=now, tries=row.tries + 1, data=None)
            return self.get(row.id)

    def report(self, info: ExperimentInfo, record: Measured) -> bool:
        """Keep what has been measured so far; False where nobody wants it any more."""
        return self._settle(info, data=record.to_bytes())

    def finish(self, info: ExperimentInfo, record: Measured) -> bool:
        """Keep the result; False where nobody wants it any more."""
        return self._settle(info, state=DONE, ended=time.time(), data=record.to_bytes())

    def fail_job(self, info: ExperimentInfo, reason: str) -> bool:
        """Say why an open experiment has no result; False where it is in other hands by now."""
        return self._settle(info, state=FAILED, ended=time.time(), reason=plain(reason))

    def give_back_job(self, info: ExperimentInfo, why: str) -> None:
        """Let another process begin it again, unless it has been the end of too many."""
        if info.tries < MOST_TRIES:
            self._settle(info, state=WAITING, worker="", host="", taken=None)
        else:
            self.fail_job(info, f"{why} while it measured this, {info.tries} times; choose smaller settings")

    def _settle(self, info: ExperimentInfo, **values: Any) -> bool:
        """Change an open experiment that is in the same hands."""
        mine = (experiments.c.id == info.id) & (experiments.c.worker == info.worker)
        mine &= (experiments.c.tries == info.tries) & experiments.c.state.in_(sorted(OPEN))
        changed = update(experiments).where(mine).values(revision=experiments.c.revision + 1, **values)
        with self.store.transaction() as connection:
            return connection.execute(changed).rowcount > 0

    def _thin(self) -> None:
        ended = experiments.c.state.not_in(sorted(OPEN))
        kept = select(experiments.c.id).where(ended).order_by(experiments.c.asked.desc()).limit(MOST_KEPT)
        with self.store.transaction() as connection:
            connection.execute(delete(experiments).where(ended, experiments.c.id.not_in(kept)))


_COLUMNS = [experiments.c[name] for name in ExperimentInfo.__dataclass_fields__]


def _info(row: Row[*tuple[Any, ...]]) -> ExperimentInfo:
    values = dict(row._mapping)
    return ExperimentInfo(**values | {"settings": json.loads(values["settings"])})

"""Questions about a checkpoint that need torch to be answered: asked by a page, answered by a desk process.

The server never imports torch. It writes a question down here and looks for its answer, a record, in the same place;
``python -m rnncore.runs.desk`` takes questions and answers them. The same question about the same checkpoint is the
same job, whoever asks, and is answered once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rnncore.errors import CheckpointError, StoreError
from rnncore.records import Record
from rnncore.runs.database import no_run, plain
from rnncore.runs.schema import checkpoints, jobs, runs
from rnncore.runs.snapshots import SnapshotStore

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
OPEN = frozenset({WAITING, RUNNING})

MOST_KEPT, BYTES_KEPT = 60, 8e6
"""Answers of one run that are kept: so many, and no more bytes than this; those asked longest ago go first."""
MOST_WAITING = 50
"""Questions of all runs that may wait at once."""
MOST_TRIES = 2
"""A question that a desk process does not survive is asked once more, and then no more."""
LONGEST_PAYLOAD = 30_000


@dataclass(frozen=True)
class Job:
    """One question and what has become of it. Times are Unix seconds.

    Attributes:
        run_id, key: which question; the key is a digest of kind, step and payload.
        kind: what is wanted: a name in ``desk.KINDS``.
        step: of the checkpoint.
        checkpoint: its SHA-256.
        state: waiting, running, done or failed.
        reason: what is being done, or why it failed, in a sentence; '' where there is nothing to say.
        tries: how often a desk process has taken it.
        worker, host: who has it in hand, ``pid:start time``, and its machine.
    """

    run_id: str
    key: str
    kind: str
    step: int
    checkpoint: str
    state: str
    reason: str
    payload: dict[str, Any]
    tries: int
    asked: float
    taken: float | None
    worker: str
    host: str

    @property
    def open(self) -> bool:
        """Neither answered nor failed yet."""
        return self.state in OPEN


_COLUMNS = [jobs.c[name] for name in Job.__dataclass_fields__]


class JobStore(SnapshotStore):
    """Part of the run store: questions and their answers, in bounded space; they go with their run."""

    def ask(
        self, run_id: str, kind: str, payload: Mapping[str, Any], step: int | None = None, *, again: bool = False
    ) -> Job:
        """Ask something of a checkpoint; anybody may. A question that was asked before is the same job.

        Args:
            run_id: whose checkpoint.
            kind: a name in ``desk.KINDS``.
            payload: JSON values.
            step: of the checkpoint; None for the newest.
            again: a failed one is tried anew.

        Raises:
            RunNotFound: there is no such run.
            CheckpointError: it has no checkpoint, or none of that step.
            StoreError: too many questions wait.
        """
        text = json.dumps(payload, sort_keys=True)
        if len(text) > LONGEST_PAYLOAD:
            raise StoreError(
                f"a question must have at most {LONGEST_PAYLOAD:,} characters, got {len(text):,}; ask for less"
            )
        with self.reading():
            saved = self._checkpoint(run_id, step)
            step = saved[0] if step is None and saved else step
            key = hashlib.sha256(json.dumps([kind, step, text]).encode()).hexdigest()
            known = self._found(run_id, key)
            current = known is not None and (saved is None or saved[1] == known.checkpoint)
            if known is not None and current and not (again and known.state == FAILED):
                return known
            if saved is None:
                raise self._no_checkpoint(run_id, step)
        with self.transaction() as connection:
            waiting = connection.execute(select(func.count()).where(jobs.c.state == WAITING)).scalar() or 0
            if waiting >= MOST_WAITING:
                raise StoreError(f"{waiting} questions wait for an answer already; try again in a while")
            asked = {"kind": kind, "step": saved[0], "checkpoint": saved[1], "payload": text, "asked": time.time()}
            fresh = {"state": WAITING, "tries": 0, "taken": None, "worker": "", "host": "", "reason": "", "data": None}
            row = asked | fresh | {"bytes": 0}
            here = (jobs.c.run_id == run_id) & (jobs.c.key == key)
            if connection.execute(update(jobs).where(here).values(**row)).rowcount == 0:
                try:
                    with connection.begin_nested():
                        connection.execute(insert(jobs).values(run_id=run_id, key=key, **row))
                except IntegrityError:  # someone else asked the same at this moment, or the run is gone
                    if self._found(run_id, key) is None:
                        raise no_run(run_id) from None
            return self.job(run_id, key)

    def job(self, run_id: str, key: str) -> Job:
        """What has become of a question.

        Raises:
            StoreError: it is no longer kept.
        """
        found = self._found(run_id, key)
        if found is None:
            raise StoreError(f"the answer for run {run_id!r} is no longer kept; ask again")
        return found

    def answer(self, run_id: str, key: str) -> Record | None:
        """The answer; None where there is none yet, or no longer."""
        statement = select(jobs.c.data).where(jobs.c.run_id == run_id, jobs.c.key == key, jobs.c.state == DONE)
        with self.reading() as connection:
            data = connection.execute(statement).scalar()
        return None if data is None else Record.from_bytes(data)

    def any_open(self, beyond: int = 0) -> bool:
        """Whether more than ``beyond`` questions wait or are being answered; asked often, so as cheap as can be."""
        return self.found(f"SELECT 1 FROM jobs WHERE state IN ('waiting', 'running') LIMIT 1 OFFSET {beyond:d}")

    def open_jobs(self) -> list[Job]:
        """What waits and what is being answered, the longest first."""
        statement = select(*_COLUMNS).where(jobs.c.state.in_(sorted(OPEN))).order_by(jobs.c.asked, jobs.c.key)
        with self.reading() as connection:
            return [_job(row) for row in connection.execute(statement)]

    def take_job(self, worker: str, host: str) -> Job | None:
        """Take the question that has waited longest; None where none does. Each goes to exactly one taker."""
        if not self.found("SELECT 1 FROM jobs WHERE state = 'waiting' LIMIT 1"):  # asking costs no lock
            return None
        waiting = select(*_COLUMNS).where(jobs.c.state == WAITING).order_by(jobs.c.asked, jobs.c.key).limit(1)
        with self.transaction() as connection:
            row = connection.execute(waiting.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            taken = {"state": RUNNING, "worker": worker, "host": host, "taken": time.time(), "tries": row.tries + 1}
            connection.execute(update(jobs).where(_same(_job(row))).values(**taken))
            return self.job(row.run_id, row.key)

    def say_of_job(self, job: Job, sentence: str) -> None:
        """What is being done about a question that was taken."""
        self._settle(job, reason=plain(sentence))

    def finish_job(self, job: Job, record: Record) -> bool:
        """Answer a question that was taken; False where it is no longer in the taker's hands."""
        data = record.to_bytes()
        with self.transaction():
            done = self._settle(job, state=DONE, reason="", data=data, bytes=len(data))
            self._thin(job.run_id)
            return done

    def fail_job(self, job: Job, reason: str) -> bool:
        """Say why an open question has no answer; False where it is in other hands by now."""
        return self._settle(job, state=FAILED, reason=plain(reason))

    def give_back_job(self, job: Job, why: str) -> None:
        """Let another desk process take a question whose taker is gone, unless it has been the end of too many."""
        if job.tries < MOST_TRIES:
            self._settle(job, state=WAITING, reason="", worker="", host="", taken=None)
        else:
            self.fail_job(job, f"{why} while it worked on this, {job.tries} times; ask for less, or ask again later")

    def _settle(self, job: Job, **values: Any) -> bool:
        with self.transaction() as connection:
            return connection.execute(update(jobs).where(_same(job)).values(**values)).rowcount > 0

    def _found(self, run_id: str, key: str) -> Job | None:
        with self.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(jobs.c.run_id == run_id, jobs.c.key == key)).first()
        return None if row is None else _job(row)

    def _checkpoint(self, run_id: str, step: int | None) -> tuple[int, str] | None:
        """Step and SHA-256 of a checkpoint, the newest for None; None where there is none."""
        wanted = select(checkpoints.c.step, checkpoints.c.sha256).where(checkpoints.c.run_id == run_id)
        if step is not None:
            wanted = wanted.where(checkpoints.c.step == step)
        with self.reading() as connection:
            row = connection.execute(wanted.order_by(checkpoints.c.step.desc()).limit(1)).first()
        return None if row is None else (row.step, row.sha256)

    def _no_checkpoint(self, run_id: str, step: int | None) -> StoreError | CheckpointError:
        with self.reading() as connection:
            if connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is None:
                return no_run(run_id)
        steps = self.checkpoint_steps(run_id)
        if steps and step is not None:
            return CheckpointError(
                f"run {run_id!r} has no checkpoint of step {step:,}, or no longer; choose one of "
                f"{', '.join(f'{one:,}' for one in steps)}"
            )
        return CheckpointError(f"run {run_id!r} has no checkpoint yet; it gets one when its training begins")

    def _thin(self, run_id: str) -> None:
        """Drop what was asked longest ago beyond the bounds; what is open stays."""
        closed = (jobs.c.run_id == run_id) & jobs.c.state.not_in(sorted(OPEN))
        with self.transaction() as connection:
            newest_first = select(jobs.c.key, jobs.c.bytes).where(closed).order_by(jobs.c.asked.desc())
            rows = connection.execute(newest_first).all()
            total, gone = 0, []
            for place, row in enumerate(rows):
                total += row.bytes
                if place and (place >= MOST_KEPT or total > BYTES_KEPT):  # the newest stays whatever it weighs
                    gone.append(row.key)
            connection.execute(delete(jobs).where(closed, jobs.c.key.in_(gone)))


def _same(job: Job) -> Any:
    """The row of a job, as long as it is open and in the same hands."""
    mine = (jobs.c.run_id == job.run_id) & (jobs.c.key == job.key)
    return mine & (jobs.c.worker == job.worker) & (jobs.c.tries == job.tries) & jobs.c.state.in_(sorted(OPEN))


def _job(row: Row[*tuple[Any, ...]]) -> Job:
    values = dict(row._mapping)
    return Job(**values | {"payload": json.loads(values["payload"])})

"""The run store: the only thing that a worker and a browser session share.

Everything that a page shows comes from here: configuration, state, scalars at each step, traces, samples,
checkpoints. SQLite in WAL mode by default, PostgreSQL by URL. It never imports torch.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Update, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rnncore.config import RunConfig, Training
from rnncore.errors import ConfigError, StoreError
from rnncore.runs.corpora import CorpusStore, Upload
from rnncore.runs.database import RunLost, RunNotFound, StoreUnavailable, home, no_run, plain, vacuum
from rnncore.runs.elsewhere import WATCHED, Elsewhere
from rnncore.runs.jobs import JobStore
from rnncore.runs.rows import EVERY, ONE, TURN, WAITING, info
from rnncore.runs.schema import checkpoints, commands, runs
from rnncore.runs.series import SeriesStore
from rnncore.runs.states import (
    ACTIVE,
    COMMANDS,
    ENDED,
    FAILED,
    QUEUED,
    RESUMABLE,
    RUNNING,
    STARTING,
    STATES,
    STOPPED,
    Command,
    RunInfo,
)

__all__ = [
    "ACTIVE",
    "ENDED",
    "RESUMABLE",
    "STATES",
    "Command",
    "RunInfo",
    "RunLost",
    "RunNotFound",
    "RunStore",
    "StoreUnavailable",
    "Upload",
    "home",
]

_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # none that are easily taken for another
_ID_LENGTH = 6
TAG_LENGTH, MOST_TAGS = 40, 20


def new_id() -> str:
    """Six letters and digits that no one mistakes for others."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


class RunStore(SeriesStore, JobStore, CorpusStore):
    """All runs, past and present. Safe to share among threads; processes open one each.

    Args:
        url: a SQLAlchemy address; None for RNNCORE_STORE, else a file in the home folder (RNNCORE_HOME).
        patience: seconds to wait for a lock.

    Raises:
        StoreError: the database cannot be opened, or was written by a newer version.
    """

    def create(
        self,
        config: RunConfig,
        *,
        owner: str = "",
        parent: str | None = None,
        resume_from: str | None = None,
        token: str | None = None,
        race: str = "",
        contender: int = 0,
    ) -> RunInfo:
        """A new run at the end of the queue.

        Args:
            owner: who may stop and delete it; '' for the command line.
            parent: the run that it repeats.
            resume_from: a run whose newest checkpoint the new one starts from.
            token: whoever asks twice with the same token gets the same run (a second press on Train).
            race, contender: what it is part of, see ``Races``.
        """
        with self.transaction():
            given: dict[str, Any] = {"state": QUEUED, "owner": owner, "parent": parent, "token": token}
            given |= {"race": race, "contender": contender, "config": config.to_json()}
            run_id, made = self._insert(given)
            if made and resume_from is not None:
                self.save_checkpoint(run_id, *self.load_checkpoint(resume_from))
            return self.get(run_id)

    def begin_elsewhere(self, config: Elsewhere, worker: str, host: str) -> RunInfo:
        """A run that a program of the user's own trains: under way from the first moment, never in the queue.

        No launcher takes, resumes or ends it; only its silence is noticed. ``worker`` is ``pid:start time``.
        """
        now = time.time()
        with self.transaction():
            given = {"state": RUNNING, "source": WATCHED, "config": config.to_json(), "worker": worker, "host": host}
            run_id, _ = self._insert(given | {"heartbeat": now, "started": now, "attempt": 1, "token": None})
            return self.get(run_id)

    def describe(self, run_id: str, config: Elsewhere) -> None:
        """Say more exactly what is trained elsewhere, once more is known."""
        self._change(run_id, config=config.to_json())

    def _insert(self, values: dict[str, Any]) -> tuple[str, bool]:
        """A row under a new id, unless its token has one already: the id, and whether it is new."""
        with self.transaction() as connection:
            while True:
                if values["token"] is not None:
                    known = connection.execute(select(runs.c.id).where(runs.c.token == values["token"])).scalar()
                    if known is not None:
                        return known, False
                run_id = new_id()
                times = {"created": time.time(), "queued": time.time_ns()}
                try:
                    with connection.begin_nested():
                        connection.execute(insert(runs).values(id=run_id, **times, **values))
                except IntegrityError:  # the id is taken, or the token is by now
                    continue
                return run_id, True

    def get(self, run_id: str) -> RunInfo:
        """What is known about a run.

        Raises:
            RunNotFound: there is no such run.
        """
        with self.reading() as connection:
            row = connection.execute(ONE, {"run": run_id}).first()
        if row is None:
            raise no_run(run_id)
        return info(row)

    def runs(
        self,
        limit: int = 200,
        states: Iterable[str] | None = None,
        owner: str | None = None,
        race: str | None = None,
    ) -> list[RunInfo]:
        """Runs, the newest first; those in some states, of one owner or of one race only, where given."""
        statement = EVERY.order_by(runs.c.created.desc(), runs.c.id).limit(limit)
        if states is not None:
            statement = statement.where(runs.c.state.in_(sorted(states)))
        if owner is not None:
            statement = statement.where(runs.c.owner == owner)
        if race is not None:
            statement = statement.where(runs.c.race == race)
        with self.reading() as connection:
            return [info(row) for row in connection.execute(statement)]

    def revision(self, run_id: str) -> int:
        """Goes up with every write that a reader could see; the cheapest question to ask of a run."""
        with self.reading() as connection:
            found = connection.execute(_REVISION, {"run": run_id}).scalar()
        if found is None:
            raise no_run(run_id)
        return found

    def delete(self, run_id: str, owner: str | None = None) -> None:
        """Remove an ended or waiting run and all that it measured; one trained elsewhere, even while it goes on.

        Raises:
            StoreError: a worker has it in hand, or it belongs to someone else.
        """
        with self.transaction() as connection:
            self._check_owner(run_id, owner, "delete")
            idle = (runs.c.id == run_id) & (runs.c.state.not_in(sorted(ACTIVE)) | (runs.c.source != ""))
            if connection.execute(delete(runs).where(idle)).rowcount == 0:
                raise StoreError(f"run {run_id!r} is {self.get(run_id).state}; stop it before deleting it")
        vacuum(self)

    def note(self, run_id: str, text: str, owner: str | None = None) -> None:
        """Write the user's own words beside a run."""
        with self.transaction():
            self._check_owner(run_id, owner, "annotate")
            self._change(run_id, note=plain(text))

    def tag(self, run_id: str, tags: Iterable[str], owner: str | None = None) -> None:
        """Words to find a run by, in place of those that it had.

        Raises:
            StoreError: a tag is too long, or there are too many; or the run belongs to someone else.
        """
        kept = list(dict.fromkeys(filter(None, (" ".join(plain(tag).split()) for tag in tags))))
        if long := next((tag for tag in kept if len(tag) > TAG_LENGTH), None):
            raise StoreError(f"tag must be at most {TAG_LENGTH} characters, got {long[:TAG_LENGTH]!r}…; shorten it")
        if len(kept) > MOST_TAGS:
            raise StoreError(f"tags must be at most {MOST_TAGS}, got {len(kept)}; take some away")
        with self.transaction():
            self._check_owner(run_id, owner, "tag")
            self._change(run_id, tags="\n".join(kept))

    def claim(self, worker: str, host: str, run_id: str | None = None) -> RunInfo | None:
        """Take the run that has waited longest, or a certain one; None where there is none to take.

        Each run goes to exactly one claimant. ``worker`` is ``pid:start time``, see ``worker.identity``.
        """
        waiting = select(runs.c.id).where(WAITING).order_by(*TURN).limit(1)
        if run_id is not None:
            waiting = waiting.where(runs.c.id == run_id)
        with self.reading() as connection:
            if connection.execute(waiting).scalar() is None:
                return None
        with self.transaction() as connection:
            # PostgreSQL: two claimants lock different rows. SQLite: the transaction is exclusive anyway.
            run_id = connection.execute(waiting.with_for_update(skip_locked=True)).scalar()
            if run_id is None:
                return None
            self._change(
                run_id,
                state=STARTING,
                reason="",
                worker=worker,
                host=host,
                heartbeat=time.time(),
                started=func.coalesce(runs.c.started, time.time()),
                ended=None,
                attempt=runs.c.attempt + 1,
            )
            return self.get(run_id)

    def release(self, run_id: str) -> None:
        """Give a claimed run back, at its old place in the queue: its worker could not take it."""
        with self.transaction() as connection:
            claimed = (runs.c.id == run_id) & (runs.c.state == STARTING)
            connection.execute(update(runs).where(claimed).values(state=QUEUED, worker="", host=""))
            self.touch(run_id)

    def waiting(self) -> int:
        """How many runs wait in the queue."""
        with self.reading() as connection:
            count = select(func.count()).where(WAITING)
            return connection.execute(count).scalar() or 0

    def attach(self, run_id: str, attempt: int, worker: str, host: str, step: int) -> None:
        """A worker process takes over a claimed run and goes on from ``step``.

        What an earlier attempt wrote beyond that step is removed, so that no step is there twice.

        Raises:
            RunLost: the run is not in this attempt's hands.
        """
        with self.transaction() as connection:
            self.progress(run_id, attempt, worker=worker, host=host, step=step, resume_step=None)
            self._truncate_series(connection, run_id, step)
            self._truncate_snapshots(connection, run_id, step)

    def set_state(self, run_id: str, state: str, reason: str = "", *, expect: Iterable[str] | None = None) -> bool:
        """Change the state; False, and nothing done, where it is not one of ``expect``.

        Commands that an ended run has not taken are dropped.
        """
        if state not in STATES:
            raise StoreError(f"state must be one of {', '.join(STATES)}, got {state!r}")
        values: dict[str, Any] = {"state": state, "reason": plain(reason)}
        if state in ENDED:
            values |= {"ended": time.time(), "steps_per_second": 0.0}
        else:
            values |= {"ended": None} | ({"queued": time.time_ns()} if state == QUEUED else {})
        where = runs.c.id == run_id
        if expect is not None:
            where &= runs.c.state.in_(sorted(expect))
        with self.transaction() as connection:
            done = connection.execute(update(runs).where(where).values(**values)).rowcount > 0
            if not done and expect is None:
                raise no_run(run_id)
            if done:
                if state in ENDED:
                    connection.execute(delete(commands).where(commands.c.run_id == run_id))
                self.touch(run_id)
            return done

    def progress(self, run_id: str, attempt: int, **values: Any) -> None:
        """What its worker has to say: step, seconds, steps_per_second, parameters, ...; and that it lives.

        Raises:
            RunLost: the run has ended, or another attempt has begun.
        """
        given = {"for_run": run_id, "for_attempt": attempt, "heartbeat": time.time(), **values}
        with self.transaction() as connection:
            if connection.execute(_progress(*values), given).rowcount == 0:
                run = self.get(run_id)
                raise RunLost(
                    f"run {run_id!r} is {run.state} in attempt {run.attempt}, so attempt {attempt} of it ends; "
                    "nothing needs to be done"
                )
            if values:  # a mere heartbeat is nothing that a page shows
                self.touch(run_id)

    def fail(self, run_id: str, attempt: int, reason: str, traceback: str = "") -> None:
        """The attempt ended with an error: one sentence for the page, the traceback for the command line."""
        with self.transaction():
            self.progress(run_id, attempt, traceback=plain(traceback))
            self.set_state(run_id, FAILED, reason)

    def traceback(self, run_id: str) -> str:
        """Where the last failure happened; '' where there was none. Not for a page."""
        with self.reading() as connection:
            found = connection.execute(select(runs.c.traceback).where(runs.c.id == run_id)).scalar()
        if found is None:
            raise no_run(run_id)
        return found

    def requeue(self, run_id: str, owner: str | None = None, step: int | None = None) -> RunInfo:
        """Put an ended run back into the queue, to go on from a checkpoint (the newest for None).

        One that ended before its first checkpoint begins again.

        Raises:
            StoreError: it has not ended, has nothing left to do, has no checkpoint of that step, is trained
                elsewhere, or is someone else's.
        """
        with self.transaction() as connection:
            self._check_owner(run_id, owner, "resume")
            run = self._ours(run_id, "resumed")
            if run.state not in RESUMABLE:
                remedy = "restart it instead" if run.state in ENDED else "it needs no resuming"
                raise StoreError(f"run {run_id!r} is {run.state} and cannot be resumed; {remedy}")
            known = select(checkpoints.c.step).where(checkpoints.c.run_id == run_id)
            steps = sorted(connection.execute(known).scalars())
            if step is not None and step not in steps:
                choice = f"choose one of {', '.join(map(str, steps))}" if steps else "it has none and begins again"
                raise StoreError(f"step must be one that run {run_id!r} has a checkpoint of, got {step}; {choice}")
            if self.set_state(run_id, QUEUED, expect=RESUMABLE):
                self._change(run_id, resume_step=step, traceback="")
            return self.get(run_id)

    def send(self, run_id: str, kind: str, owner: str | None = None, **payload: Any) -> None:
        """Ask something of a run: pause, resume, step, stop, or set(lr=..., clip_norm=...).

        A run that waits is taken out of the queue by stop; anything else reaches it when it starts.

        Raises:
            ConfigError: a value out of its range.
            StoreError: the run has ended, is trained elsewhere, or belongs to someone else.
        """
        _check_command(kind, payload)
        with self.transaction() as connection:
            self._check_owner(run_id, owner, kind if kind != "set" else "change")
            self._ours(run_id, "steered")
            if kind == "stop" and self.set_state(
                run_id, STOPPED, "stopped while it waited in the queue", expect={QUEUED}
            ):
                return
            state = self.get(run_id).state
            if state in ENDED:
                if kind == "stop":
                    return
                raise StoreError(f"run {run_id!r} is {state}, so {kind!r} cannot reach it; resume or restart it first")
            connection.execute(insert(commands).values(run_id=run_id, kind=kind, payload=json.dumps(payload)))
            self.touch(run_id)

    def take(self, run_id: str) -> list[Command]:
        """What was asked of a run since the last time, in order; each command is taken once."""
        if not self.found("SELECT 1 FROM commands WHERE run_id = ?", run_id):  # asking costs no lock
            return []
        with self.transaction() as connection:
            rows = connection.execute(_COMMANDS.with_for_update(), {"run": run_id}).all()
            connection.execute(delete(commands).where(commands.c.id.in_([row.id for row in rows])))
        return [Command(row.kind, json.loads(row.payload)) for row in rows]

    def _check_owner(self, run_id: str, owner: str | None, what: str) -> None:
        """Only the owner may; '' and None stand for the machine's own command line and may all."""
        if owner and self.get(run_id).owner != owner:
            raise StoreError(
                f"run {run_id!r} belongs to someone else, who alone may {what} it; restart it to have one of your own"
            )

    def _ours(self, run_id: str, what: str) -> RunInfo:
        """The run, if a worker trains it."""
        run = self.get(run_id)
        if run.elsewhere:
            raise StoreError(
                f"run {run_id!r} is trained elsewhere and cannot be {what} from here; use the program that trains it"
            )
        return run

    def _change(self, run_id: str, **values: Any) -> None:
        with self.transaction() as connection:
            statement: Update = update(runs).where(runs.c.id == run_id).values(**values)
            if connection.execute(statement).rowcount == 0:
                raise no_run(run_id)
            self.touch(run_id)


_REVISION = select(runs.c.revision).where(runs.c.id == bindparam("run"))
_COMMANDS = select(commands).where(commands.c.run_id == bindparam("run")).order_by(commands.c.id)


@lru_cache(maxsize=100)
def _progress(*columns: str) -> Update:
    """Built once: building a statement costs more than running it, and this one runs at each flush."""
    mine = (runs.c.id == bindparam("for_run")) & (runs.c.attempt == bindparam("for_attempt"))
    active = runs.c.state.in_(sorted(ACTIVE))
    values: dict[str, Any] = {name: bindparam(name) for name in ("heartbeat", *columns)}
    return update(runs).where(mine, active).values(values)


def _check_command(kind: str, payload: dict[str, Any]) -> None:
    if kind not in COMMANDS:
        raise StoreError(f"command must be one of {', '.join(COMMANDS)}, got {kind!r}")
    allowed = {"lr", "clip_norm"} if kind == "set" else set()
    if extra := set(payload) - allowed:
        name = sorted(extra)[0]
        raise ConfigError(f"{name} cannot be changed on the fly, got {payload[name]!r}; only lr and clip_norm can")
    Training(**payload)  # in range

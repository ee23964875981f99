"""What was measured at single steps (traces, samples, ...), and checkpoints: kept in bounded space."""

from __future__ import annotations

import hashlib
import time

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from rnncore.errors import CheckpointError
from rnncore.records import Record
from rnncore.runs.database import Database
from rnncore.runs.schema import checkpoint_parts as parts
from rnncore.runs.schema import checkpoints, records
from rnncore.runs.thinning import surplus

RECENT = 24
"""Newest records of a kind that stay."""
SPACED = {"sample": 400}
"""Older, log-spaced records that stay, by kind."""
SPACED_OTHERS = 200
SLACK = 16
"""Records beyond the bound before thinning is worth its while."""
RECORD_BYTES = 120e6
"""All records of one run."""
CHECKPOINTS, CHECKPOINT_BYTES = 8, 40e6
"""Older, log-spaced checkpoints that stay, and all of them together; the newest two stay whatever they weigh."""
PART_BYTES = 4 << 20

# Built once: building a statement costs more than running it, and these run at each flush of a worker.
_SUMS = (
    select(records.c.kind, func.count().label("number"), func.sum(records.c.bytes).label("bytes"))
    .where(records.c.run_id == bindparam("run"))
    .group_by(records.c.kind)
)
_PUT = {}
for _dialect in (sqlite, postgresql):
    _insert = _dialect.insert(records)
    _PUT[_dialect.__name__.rpartition(".")[2]] = _insert.on_conflict_do_update(
        index_elements=["run_id", "kind", "step"],
        set_={"bytes": _insert.excluded.bytes, "data": _insert.excluded.data},
    )


class SnapshotStore(Database):
    """Part of the run store: records and checkpoints by training step."""

    def put(self, run_id: str, record: Record) -> None:
        """Keep a record; one of the same kind and step is replaced. Older ones are thinned out in passing.

        Raises:
            RunNotFound: the run was deleted.
        """
        data = record.to_bytes()
        row = {"run_id": run_id, "kind": record.kind, "step": record.step, "bytes": len(data), "data": data}
        with self.transaction() as connection:
            connection.execute(_PUT[self.engine.dialect.name], row)
            self.later(("thin", run_id), lambda: self._thin_records(run_id))
            self.touch(run_id)

    def record(self, run_id: str, kind: str, at: int | None = None) -> Record | None:
        """The newest record of a kind, or the newest with step <= ``at``; None where there is none."""
        statement = select(records.c.data).where(records.c.run_id == run_id, records.c.kind == kind)
        if at is not None:
            statement = statement.where(records.c.step <= at)
        with self.reading() as connection:
            data = connection.execute(statement.order_by(records.c.step.desc()).limit(1)).scalar()
        return None if data is None else Record.from_bytes(data)

    def record_steps(self, run_id: str, kind: str) -> list[int]:
        """The steps that a record of this kind was kept of, ascending."""
        statement = select(records.c.step).where(records.c.run_id == run_id, records.c.kind == kind)
        with self.reading() as connection:
            return list(connection.execute(statement.order_by(records.c.step)).scalars())

    def record_kinds(self, run_id: str) -> list[str]:
        """The kinds of records that a run has."""
        statement = select(records.c.kind).where(records.c.run_id == run_id).distinct()
        with self.reading() as connection:
            return sorted(connection.execute(statement).scalars())

    def records(self, run_id: str, kind: str) -> list[Record]:
        """All kept records of a kind, ascending; meant for small ones, such as samples."""
        statement = select(records.c.data).where(records.c.run_id == run_id, records.c.kind == kind)
        with self.reading() as connection:
            found = connection.execute(statement.order_by(records.c.step)).scalars().all()
        return [Record.from_bytes(data) for data in found]

    def save_checkpoint(self, run_id: str, step: int, data: bytes) -> None:
        """Keep a checkpoint and its SHA-256; older ones are thinned out in passing."""
        digest = hashlib.sha256(data).hexdigest()
        with self.transaction() as connection:
            _forget_checkpoints(connection, run_id, [step])
            connection.execute(
                insert(checkpoints).values(
                    run_id=run_id, step=step, bytes=len(data), sha256=digest, created=time.time()
                )
            )
            for part, start in enumerate(range(0, len(data), PART_BYTES)):
                connection.execute(
                    insert(parts).values(run_id=run_id, step=step, part=part, data=data[start : start + PART_BYTES])
                )
            kept = connection.execute(
                select(checkpoints.c.step, checkpoints.c.bytes)
                .where(checkpoints.c.run_id == run_id)
                .order_by(checkpoints.c.step)
            ).all()
            older = surplus(
                [row.step for row in kept],
                [row.bytes for row in kept],
                recent=2,
                spaced=CHECKPOINTS,
                limit=CHECKPOINT_BYTES,
            )
            newest_two = {row.step for row in kept[-2:]}
            _forget_checkpoints(connection, run_id, [old for old in older if old not in newest_two])
            self.touch(run_id)

    def load_checkpoint(self, run_id: str, step: int | None = None) -> tuple[int, bytes]:
        """A checkpoint by its step, the newest for None: (step, bytes).

        Raises:
            CheckpointError: there is none, or it was edited or damaged since it was saved.
        """
        wanted = select(checkpoints).where(checkpoints.c.run_id == run_id)
        if step is not None:
            wanted = wanted.where(checkpoints.c.step == step)
        with self.reading() as connection:
            row = connection.execute(wanted.order_by(checkpoints.c.step.desc()).limit(1)).first()
            if row is None:
                which = "no checkpoint" if step is None else f"no checkpoint of step {step:,}"
                raise CheckpointError(f"run {run_id!r} has {which}; restart it from its beginning")
            pieces = connection.execute(
                select(parts.c.data).where(parts.c.run_id == run_id, parts.c.step == row.step).order_by(parts.c.part)
            ).scalars()
            # SQLite lets an editor put text where bytes were
            data = b"".join(piece if isinstance(piece, bytes) else str(piece).encode() for piece in pieces)
        if hashlib.sha256(data).hexdigest() != row.sha256:
            older = [kept for kept in self.checkpoint_steps(run_id) if kept < row.step]
            remedy = f"resume from step {older[-1]:,}, or restart the run" if older else "restart the run"
            raise CheckpointError(
                f"the checkpoint of step {row.step:,} of run {run_id!r} does not match its SHA-256: it was "
                f"edited or damaged; {remedy}"
            )
        return row.step, data

    def checkpoint_steps(self, run_id: str) -> list[int]:
        """The steps that a checkpoint was kept of, ascending."""
        statement = select(checkpoints.c.step).where(checkpoints.c.run_id == run_id)
        with self.reading() as connection:
            return list(connection.execute(statement.order_by(checkpoints.c.step)).scalars())

    def _truncate_snapshots(self, connection: Connection, run_id: str, step: int) -> None:
        """Remove all records and checkpoints beyond ``step``."""
        for table in (records, parts, checkpoints):
            connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))

    def _thin_records(self, run_id: str) -> None:
        """Delete what is beyond the bounds; looks at steps and sizes only, and mostly at their sums."""
        here = records.c.run_id == run_id
        with self.transaction() as connection:
            sums = connection.execute(_SUMS, {"run": run_id}).all()
            total = float(sum(row.bytes for row in sums))
            excess = total - 0.97 * RECORD_BYTES if total > RECORD_BYTES else 0.0
            for row in sorted(sums, key=lambda row: -row.bytes):
                spaced = SPACED.get(row.kind, SPACED_OTHERS)
                if excess <= 0 and row.number <= RECENT + spaced + SLACK:
                    continue
                kept = connection.execute(
                    select(records.c.step, records.c.bytes)
                    .where(here, records.c.kind == row.kind)
                    .order_by(records.c.step)
                ).all()
                limit = max(float(row.bytes) - max(excess, 0.0), 0.0)
                steps, sizes = [r.step for r in kept], [r.bytes for r in kept]
                gone = surplus(steps, sizes, recent=RECENT, spaced=spaced, limit=limit)
                weight = dict(zip(steps, sizes, strict=True))
                excess -= sum(weight[step] for step in gone)
                connection.execute(delete(records).where(here, records.c.kind == row.kind, records.c.step.in_(gone)))


def _forget_checkpoints(connection: Connection, run_id: str, steps: list[int]) -> None:
    for table in (parts, checkpoints):
        connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step.in_(steps)))

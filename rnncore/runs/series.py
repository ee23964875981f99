"""Scalars at every step, in chunks: many small ones are merged into fewer large ones as a run grows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from rnncore.errors import StoreError
from rnncore.records import Array, Columns, join
from rnncore.runs.database import Database
from rnncore.runs.packing import pack, type_of, unpack
from rnncore.runs.schema import series_chunks as chunks

FAN = 16
"""That many chunks of a level become one of the next."""
FULL = 32_768
"""A chunk with that many rows is not merged again."""
_DONE = 99

# Built once: building a statement costs more than running it, and these run at each flush of a worker.
_HERE = (chunks.c.run_id == bindparam("run")) & (chunks.c.series == bindparam("name"))
_NEWEST = select(func.max(chunks.c.last)).where(_HERE)
_COUNT = select(func.count()).where(_HERE, chunks.c.level == bindparam("at"))
_ADD = insert(chunks)


class SeriesStore(Database):
    """Part of the run store: series of numbers by training step."""

    def append(self, run_id: str, series: str, columns: Mapping[str, Array]) -> None:
        """Add rows to a series, e.g. ``append(id, "train", {"step": ..., "loss": ...})``.

        Columns are of shape (rows,). ``step`` must be among them and go up: float32, but for step (int64)
        and seconds (float64).

        Raises:
            StoreError: steps that do not go up, or columns of unequal length.
            RunNotFound: the run was deleted.
        """
        steps = np.asarray(columns["step"], np.int64)
        if steps.size == 0:
            return
        data, first, last = pack(columns), int(steps[0]), int(steps[-1])
        with self.transaction() as connection:
            newest = self.last_step(run_id, series)
            if (newest is not None and first <= newest) or np.any(np.diff(steps) <= 0):
                raise StoreError(
                    f"the steps of series {series!r} must go up, got {first:,} to {last:,} after "
                    f"{newest or 0:,}; truncate the run before writing a stretch again"
                )
            row = {"run_id": run_id, "series": series, "first": first, "last": last, "level": 0}
            connection.execute(_ADD, {**row, "rows": len(steps), "data": data})
            _merge(connection, run_id, series)
            self.touch(run_id)

    def series(self, run_id: str, series: str, since: int | None = None) -> Columns:
        """The rows with step > ``since``, all of them for None; an empty dict where there are none."""
        statement = (
            select(chunks.c.first, chunks.c.data)
            .where(chunks.c.run_id == run_id, chunks.c.series == series)
            .order_by(chunks.c.first)
        )
        if since is not None:
            statement = statement.where(chunks.c.last > since)
        with self.reading() as connection:
            found = connection.execute(statement).all()
        parts = [unpack(row.data) for row in found]
        if parts and since is not None and found[0].first <= since:
            parts[0] = _after(parts[0], since)
        return join(parts)

    def last_step(self, run_id: str, series: str) -> int | None:
        """The step of the newest row, None where there is none."""
        with self.reading() as connection:
            return connection.execute(_NEWEST, {"run": run_id, "name": series}).scalar()

    def series_names(self, run_id: str) -> list[str]:
        """The series that a run has, e.g. train and validation."""
        statement = select(chunks.c.series).where(chunks.c.run_id == run_id).distinct()
        with self.reading() as connection:
            return sorted(connection.execute(statement).scalars())

    def _truncate_series(self, connection: Connection, run_id: str, step: int) -> None:
        """Remove all rows beyond ``step``."""
        beyond = (chunks.c.run_id == run_id) & (chunks.c.last > step)
        cut = connection.execute(select(chunks).where(beyond & (chunks.c.first <= step))).all()
        connection.execute(delete(chunks).where(beyond))
        for row in cut:
            columns = unpack(row.data)
            kept = {name: values[columns["step"] <= step] for name, values in columns.items()}
            _write(connection, run_id, row.series, row.level, kept)


def _after(columns: Columns, since: int) -> Columns:
    start = int(np.searchsorted(columns["step"], since, side="right"))
    return {name: values[start:] for name, values in columns.items()}


def _write(connection: Connection, run_id: str, series: str, level: int, columns: Columns) -> None:
    steps = columns["step"]
    connection.execute(
        insert(chunks).values(
            run_id=run_id,
            series=series,
            first=int(steps[0]),
            last=int(steps[-1]),
            level=level,
            rows=len(steps),
            data=pack(columns),
        )
    )


def _merge(connection: Connection, run_id: str, series: str) -> None:
    """Merge full levels, smallest first; each row is rewritten two or three times in its life."""
    level = 0
    while True:
        if (connection.execute(_COUNT, {"run": run_id, "name": series, "at": level}).scalar() or 0) < FAN:
            return
        these = (chunks.c.run_id == run_id) & (chunks.c.series == series) & (chunks.c.level == level)
        found = connection.execute(select(chunks.c.data).where(these).order_by(chunks.c.first)).scalars()
        parts = [unpack(data) for data in found]
        connection.execute(delete(chunks).where(these))
        columns = _joined(parts)
        level = _DONE if len(columns["step"]) >= FULL else level + 1
        _write(connection, run_id, series, level, columns)
        if level == _DONE:
            return


def _joined(parts: list[Columns]) -> Columns:
    """One after the other; a column that some parts lack (a newer worker wrote them) is nan there."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    if all(len(part) == len(names) for part in parts):
        return join(parts)
    filled = [
        {name: part.get(name, np.full(len(part["step"]), np.nan, type_of(name))) for name in names} for part in parts
    ]
    return join(filled)

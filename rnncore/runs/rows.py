"""A run's row in the database, and the ``RunInfo`` that it becomes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, case, func, select, tuple_

from rnncore.config import RunConfig
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.schema import runs
from rnncore.runs.states import QUEUED, RunInfo


def _turn(table: Any) -> tuple[Any, ...]:
    """What the queue is in the order of: whoever trains a single run need not wait for a whole race."""
    return case((table.c.race == "", 0), else_=1), table.c.queued, table.c.id


TURN = _turn(runs)
WAITING = (runs.c.state == QUEUED) & (runs.c.held == 0)
_other = runs.alias("other")
_ahead = (
    select(func.count())
    .select_from(_other)
    .where(_other.c.state == QUEUED, _other.c.held == 0)
    .where(tuple_(*_turn(_other)) <= tuple_(*TURN))
    .scalar_subquery()
)
EVERY = select(
    *(column for column in runs.c if column.name not in ("token", "traceback", "queued")),
    _ahead.label("place"),
)
ONE = EVERY.where(runs.c.id == bindparam("run"))


def info(row: Row[*tuple[Any, ...]]) -> RunInfo:
    """The row of ``EVERY`` or ``ONE`` as a value."""
    values = dict(row._mapping)
    place = values.pop("place")
    config = _config(values.pop("config"), values["source"])
    values["held"], values["tags"] = bool(values["held"]), tuple(values["tags"].split("\n")) if values["tags"] else ()
    queue_place = place if values["state"] == QUEUED and not values["held"] else None
    return RunInfo(name=config.label, config=config, queue_place=queue_place, **values)


@lru_cache(maxsize=1000)
def _config(text: str, source: str) -> RunConfig:
    return (Elsewhere if source else RunConfig).from_store(text)

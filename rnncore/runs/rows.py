"""A run's row in the database, and the ``RunInfo`` that it becomes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from rnncore.config import RunConfig
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.schema import runs
from rnncore.runs.states import QUEUED, RunInfo

_other = runs.alias("other")
_ahead = (
    select(func.count())
    .select_from(_other)
    .where(_other.c.state == QUEUED)
    .where((_other.c.queued < runs.c.queued) | ((_other.c.queued == runs.c.queued) & (_other.c.id <= runs.c.id)))
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
    queue_place = place if values["state"] == QUEUED else None
    return RunInfo(name=config.label, config=config, queue_place=queue_place, **values)


@lru_cache(maxsize=1000)
def _config(text: str, source: str) -> RunConfig:
    return (Elsewhere if source else RunConfig).from_json(text)

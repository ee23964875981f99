"""The tables of the run store, for SQLite and PostgreSQL alike. Large values come last in a row."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

VERSION = 2
"""Of the tables and of what is in them. Raise it with every change, and add the step to ``UPGRADES``."""

UPGRADES: dict[int, tuple[str, ...]] = {
    2: ("ALTER TABLE runs ADD COLUMN source VARCHAR(16) NOT NULL DEFAULT ''",),
}
"""Version → the statements that bring the one before to it, on SQLite and PostgreSQL alike."""

metadata = MetaData()
_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself for INTEGER only


def _run() -> Column[str]:
    return Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("revision", BigInteger, nullable=False, default=0),
    Column("attempt", Integer, nullable=False, default=0),
    Column("step", BigInteger, nullable=False, default=0),
    Column("seconds", Double, nullable=False, default=0.0),
    Column("steps_per_second", Double, nullable=False, default=0.0),
    Column("heartbeat", Double),
    Column("created", Double, nullable=False),
    Column("queued", BigInteger, nullable=False),  # nanoseconds: the order of the queue
    Column("started", Double),
    Column("ended", Double),
    Column("owner", String(64), nullable=False, default=""),
    Column("parent", String(16)),  # no foreign key: a parent may be deleted
    Column("token", String(100), unique=True),
    Column("worker", String(64), nullable=False, default=""),
    Column("host", String(255), nullable=False, default=""),
    Column("resume_step", BigInteger),
    Column("parameters", BigInteger),
    Column("vocab_size", Integer),
    Column("device", String(64), nullable=False, default=""),
    Column("source", String(16), nullable=False, server_default=""),  # '' for a run that a worker trains
    Column("reason", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("config", Text, nullable=False),
    Column("traceback", Text, nullable=False, default=""),
    Index("runs_state", "state", "queued"),
    Index("runs_created", "created"),
)

commands = Table(
    "commands",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    Index("commands_run", "run_id", "id"),
)

series_chunks = Table(
    "series_chunks",
    metadata,
    _run(),
    Column("series", String(32), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),  # how often its rows have been merged
    Column("rows", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

records = Table(
    "records",
    metadata,
    _run(),
    Column("kind", String(64), primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("bytes", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("records_sizes", "run_id", "kind", "step", "bytes"),  # thinning reads sizes, never the data
)

checkpoints = Table(
    "checkpoints",
    metadata,
    _run(),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", Double, nullable=False),
)

checkpoint_parts = Table(
    "checkpoint_parts",
    metadata,
    _run(),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

corpora = Table(
    "corpora",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("characters", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

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

VERSION = 5
"""Of the tables and of what is in them. Raise it with every change, and add the step to ``UPGRADES``."""

UPGRADES: dict[int, tuple[str, ...]] = {
    2: ("ALTER TABLE runs ADD COLUMN source VARCHAR(16) NOT NULL DEFAULT ''",),
    3: (
        "CREATE TABLE jobs (run_id VARCHAR(16) NOT NULL REFERENCES runs (id) ON DELETE CASCADE, "
        "key VARCHAR(64) NOT NULL, kind VARCHAR(32) NOT NULL, step BIGINT NOT NULL, checkpoint VARCHAR(64) NOT NULL, "
        "state VARCHAR(16) NOT NULL, tries INTEGER NOT NULL, asked DOUBLE PRECISION NOT NULL, taken DOUBLE PRECISION, "
        "worker VARCHAR(64) NOT NULL, host VARCHAR(255) NOT NULL, bytes BIGINT NOT NULL, reason TEXT NOT NULL, "
        "payload TEXT NOT NULL, data BYTES, PRIMARY KEY (run_id, key))",
        "CREATE INDEX jobs_state ON jobs (state, asked)",
    ),
    4: (
        "ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE runs ADD COLUMN race VARCHAR(16) NOT NULL DEFAULT ''",
        "ALTER TABLE runs ADD COLUMN contender INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX runs_race ON runs (race)",
        "CREATE TABLE races (id VARCHAR(16) NOT NULL PRIMARY KEY, name TEXT NOT NULL, owner VARCHAR(64) NOT NULL, "
        "created DOUBLE PRECISION NOT NULL, token VARCHAR(100) UNIQUE, document TEXT NOT NULL)",
    ),
    5: (
        "CREATE TABLE experiments (id VARCHAR(16) NOT NULL PRIMARY KEY, name VARCHAR(64) NOT NULL, "
        "owner VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, revision BIGINT NOT NULL, tries INTEGER NOT NULL, "
        "asked DOUBLE PRECISION NOT NULL, taken DOUBLE PRECISION, ended DOUBLE PRECISION, "
        "worker VARCHAR(64) NOT NULL, host VARCHAR(255) NOT NULL, predicted VARCHAR(64) NOT NULL, "
        "reason TEXT NOT NULL, settings TEXT NOT NULL, data BYTES)",
        "CREATE INDEX experiments_state ON experiments (state, asked)",
        "CREATE INDEX experiments_owner ON experiments (owner, asked)",
    ),
}
"""Version → the statements that bring the one before to it, on SQLite and PostgreSQL alike; BYTES stands for what
``BYTES`` says."""
BYTES = {"sqlite": "BLOB", "postgresql": "BYTEA"}
"""The type of a large binary value."""

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
    Column("race", String(16), nullable=False, server_default=""),  # no foreign key: its race may be deleted
    Column("contender", Integer, nullable=False, server_default="0"),  # of the race, from 0
    Column("held", Integer, nullable=False, server_default="0"),  # 1: its race is paused, no worker takes it
    Column("tags", Text, nullable=False, server_default=""),  # one a line
    Column("reason", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("config", Text, nullable=False),
    Column("traceback", Text, nullable=False, default=""),
    Index("runs_state", "state", "queued"),
    Index("runs_created", "created"),
    Index("runs_race", "race"),
)

races = Table(
    "races",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("token", String(100), unique=True),
    Column("document", Text, nullable=False),
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

jobs = Table(
    "jobs",
    metadata,
    _run(),
    Column("key", String(64), primary_key=True),  # of the question
    Column("kind", String(32), nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("checkpoint", String(64), nullable=False),  # SHA-256: a resumed run may save another of the same step
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("asked", Double, nullable=False),
    Column("taken", Double),
    Column("worker", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("data", LargeBinary),
    Index("jobs_state", "state", "asked"),
)

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),  # of the lecture's experiment
    Column("owner", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("asked", Double, nullable=False),
    Column("taken", Double),
    Column("ended", Double),
    Column("worker", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("predicted", String(64), nullable=False),  # the reader's answer, '' for none
    Column("reason", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("data", LargeBinary),  # the newest record
    Index("experiments_state", "state", "asked"),
    Index("experiments_owner", "owner", "asked"),
)

"""The database under the run store: SQLite in WAL mode or PostgreSQL, transactions, errors in sentences."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, func, insert, inspect, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from rnncore.errors import StoreError
from rnncore.runs import schema

FILE_NAME = "runs.sqlite"
WAL_SECONDS = 1.0
"""For others that open a new file at the same moment."""
_GROWTH_LOCK = 0x524E4E  # PostgreSQL advisory lock: one process at a time makes the tables

_TOUCH = update(schema.runs).where(schema.runs.c.id == bindparam("run")).values(revision=schema.runs.c.revision + 1)


class StoreUnavailable(StoreError):
    """The database cannot take the write now: full disk, lock, lost connection. Later it may."""


class RunNotFound(StoreError):
    """There is no such run, or no longer."""


class RunLost(StoreError):
    """The run is no longer in this worker's hands: it has ended, or another attempt has begun."""


T = TypeVar("T")


def patiently(ask: Callable[[], T], say: Callable[[str], None]) -> T:
    """Ask the store; while it is unavailable, say so and try again; '' is said when it is there again."""
    delay, waited = 0.1, False
    while True:
        try:
            found = ask()
            break
        except StoreUnavailable as error:
            say(str(error))
            waited = True
            time.sleep(delay)
            delay = min(2 * delay, 5.0)
    if waited:
        say("")
    return found


def home() -> Path:
    """The folder for runs and logs: RNNCORE_HOME, else the user's data folder."""
    given = os.environ.get("RNNCORE_HOME")
    if given:
        return Path(given)
    from platformdirs import user_data_dir

    return Path(user_data_dir("rnncore"))


def store_url(url: str | None = None) -> URL:
    """The address of the run store: as given, else RNNCORE_STORE, else a file in the home folder.

    Raises:
        StoreError: the address is none, or of a database that the store does not speak.
    """
    given = url or os.environ.get("RNNCORE_STORE")
    if not given:
        return URL.create("sqlite", database=str(home() / FILE_NAME))
    try:
        parsed = make_url(given)
    except ArgumentError:
        raise StoreError(_ADDRESS.format(shown="something else")) from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreError(_ADDRESS.format(shown=repr(parsed.render_as_string())))
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError(
            "the run store must be a file, got a SQLite database in memory; workers are processes of their "
            "own and could not see it: use sqlite:////path/to/runs.sqlite"
        )
    return parsed


_ADDRESS = (
    "the run store's address must be sqlite:////path/to/runs.sqlite or "
    "postgresql+psycopg://user@host/database, got {shown}; check RNNCORE_STORE"
)


class Database:
    """Connections and transactions; safe to share among threads.

    Args:
        url: see ``store_url``.
        patience: seconds to wait for a lock before StoreUnavailable.
    """

    def __init__(self, url: str | None = None, *, patience: float = 10.0):
        self.url = store_url(url)
        self._local = threading.local()
        self.engine = _engine(self.url, patience)
        try:
            self.version = self._open()
        except BaseException:
            self.engine.dispose()
            raise

    @property
    def address(self) -> str:
        """The full address, password included: for a worker's environment, never for a page."""
        return self.url.render_as_string(hide_password=False)

    @property
    def place(self) -> str:
        """The address without its password, for messages."""
        if self.url.drivername == "sqlite":
            return str(self.url.database)
        return self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Several writes in one commit: all of them happen or none. Nested ones join the outermost.

        Raises:
            StoreUnavailable: disk full, database locked, connection lost. Nothing was written.
        """
        current = getattr(self._local, "connection", None)
        if current is not None:
            yield current
            return
        with self.in_words(), self.engine.connect() as plain:
            connection = plain.execution_options(rnncore_write=True)
            with connection.begin():
                self._local.connection, self._local.later = connection, {}
                try:
                    yield connection
                    for action in tuple(self._local.later.values()):
                        action()
                finally:
                    del self._local.connection, self._local.later

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from: the present transaction's own, or a new one."""
        current = getattr(self._local, "connection", None)
        if current is not None:
            yield current
            return
        with self.in_words(), self.engine.connect() as connection:
            yield connection

    def found(self, query: str, *values: Any) -> bool:
        """Whether a query with ``?`` for each value finds a row.

        For the question that a worker asks twenty times a second: on SQLite it goes past SQLAlchemy, which
        takes a quarter of the time.
        """
        with self.in_words():
            if self.url.drivername != "sqlite":  # the way to the server is what takes time there
                with self.engine.connect() as connection:
                    return connection.exec_driver_sql(query.replace("?", "%s"), values).first() is not None
            raw: Any = self.engine.raw_connection()
            try:
                return raw.execute(query, values).fetchone() is not None
            except sqlite3.Error as error:
                raise DBAPIError(query, values, error) from error
            finally:
                raw.close()

    def later(self, key: object, action: Callable[[], None]) -> None:
        """Do this once, just before the present transaction commits."""
        self._local.later.setdefault(key, action)

    def touch(self, run_id: str) -> None:
        """Raise the run's revision with the present transaction."""

        def raise_revision() -> None:
            with self.transaction() as connection:
                if connection.execute(_TOUCH, {"run": run_id}).rowcount == 0:
                    raise no_run(run_id)

        self.later(("revision", run_id), raise_revision)

    def _open(self) -> int:
        with self.in_words(), self.engine.connect() as connection:
            found = self._found_version(connection)
        if found is None or found < schema.VERSION:
            with self.transaction() as connection:
                if self.url.drivername != "sqlite":
                    connection.execute(select(func.pg_advisory_xact_lock(_GROWTH_LOCK)))
                found = self._found_version(connection)  # another process may have been faster
                if found is None:
                    schema.metadata.create_all(connection)
                    connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
                    found = schema.VERSION
                for version in range(found + 1, schema.VERSION + 1):
                    for statement in schema.UPGRADES[version]:
                        kind = schema.BYTES[self.engine.dialect.name]
                        connection.exec_driver_sql(statement.replace("BYTES", kind))
                    connection.execute(update(schema.schema_version).values(version=version))
                    found = version
        if found > schema.VERSION:
            raise StoreError(
                f"the run store {self.place} was written by a newer version of this project (layout {found}, "
                f"this version reads {schema.VERSION}); update the project, or point RNNCORE_HOME elsewhere"
            )
        return found

    @staticmethod
    def _found_version(connection: Connection) -> int | None:
        if not inspect(connection).has_table(schema.schema_version.name):
            return None
        return connection.execute(select(func.max(schema.schema_version.c.version))).scalar()

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Errors of the database as StoreErrors, in sentences."""
        try:
            yield
        except IntegrityError as error:
            if "foreign key" in str(error.orig).lower():
                raise RunNotFound("the run is gone: it was deleted while it was written to") from error
            raise StoreError(f"the run store refused a write: {_first_line(error)}") from error
        except DBAPIError as error:
            raise self._failure(error) from error
        except SQLAlchemyError as error:
            raise StoreUnavailable(
                f"the run store {self.place} cannot be used now ({_first_line(error)}); try again"
            ) from error

    def _failure(self, error: DBAPIError) -> StoreError:
        words = str(error.orig).lower()
        for sign, sentence in _SENTENCES.items():
            if sign in words:
                kind = StoreError if sign in _LASTING else StoreUnavailable
                return kind(sentence.format(place=self.place))
        lost = isinstance(error, OperationalError) and self.url.drivername != "sqlite"
        if lost or error.connection_invalidated:
            return StoreUnavailable(
                f"the run store {self.place} does not answer; check that the database server is running and "
                "reachable: what is running goes on when it is back"
            )
        return StoreError(f"the run store {self.place} failed: {_first_line(error)}")


_SENTENCES = {
    "disk is full": "the disk of the run store {place} is full; free some space or delete runs: "
    "what is running goes on then",
    "no space left": "the disk of the run store {place} is full; free some space or delete runs: "
    "what is running goes on then",
    "is locked": "the run store {place} is locked by another process; close the program that has it open: "
    "what is running goes on then",
    "disk i/o error": "the disk of the run store {place} cannot be read or written; check it",
    "unable to open": "the run store {place} cannot be opened; check that its folder exists and may be "
    "written to, or point RNNCORE_HOME elsewhere",
    "readonly database": "the run store {place} may not be written to; change its permissions, or point "
    "RNNCORE_HOME elsewhere",
    "not a database": "the run store {place} is not a database of this project; move it away, or point "
    "RNNCORE_HOME elsewhere",
    "malformed": "the run store {place} is damaged; move it away, or bring back a copy",
    "password authentication failed": "the run store {place} refused the sign-in; check user and password "
    "in RNNCORE_STORE",
    "does not exist": "the run store {place} was not found on the server; create the database first, or "
    "check RNNCORE_STORE",
}
_LASTING = frozenset({"not a database", "malformed", "password authentication failed", "does not exist"})


def no_run(run_id: str) -> RunNotFound:
    """The error for an unknown run."""
    return RunNotFound(f"no run {run_id!r} in the run store; it may have been deleted: choose another one")


def plain(text: str) -> str:
    """Text that both databases take: no NUL, no lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _first_line(error: SQLAlchemyError) -> str:
    said = str(getattr(error, "orig", None) or error)
    return said.splitlines()[0] if said else type(error).__name__


def _engine(url: URL, patience: float) -> Engine:
    options: dict[str, Any] = {"pool_size": 8, "max_overflow": 56, "pool_timeout": patience}
    if url.drivername != "sqlite":
        connect = {"connect_timeout": max(2, round(patience)), "application_name": "rnncore"}
        engine = create_engine(url, pool_pre_ping=True, connect_args=connect, **options)
        wait = f"SET lock_timeout = {int(1000 * patience)}"
        event.listen(engine, "connect", lambda raw, _: _run_once(raw, wait))
        return engine
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder of the run store {url.database} cannot be made: {error.strerror}; point "
            "RNNCORE_HOME to a folder that may be written to"
        ) from None
    engine = create_engine(url, connect_args={"timeout": patience}, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _run_once(raw: Any, statement: str) -> None:
    with raw.cursor() as cursor:
        cursor.execute(statement)
    raw.commit()


def _prepare_sqlite(raw: Any, _: Any) -> None:
    raw.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver guesses
    for pragma in (
        "auto_vacuum = incremental",
        "journal_mode = wal",
        "synchronous = normal",
        "foreign_keys = on",
        "journal_size_limit = 33554432",
    ):
        _set_pragma(raw, pragma)


def _set_pragma(raw: Any, pragma: str) -> None:
    """SQLite waits for no lock while another connection turns the same new file to WAL: it is asked again."""
    deadline = time.monotonic() + WAL_SECONDS
    while True:
        try:
            raw.execute(f"PRAGMA {pragma}").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: a reader that turns writer later could not wait for it."""
    writes = connection.get_execution_options().get("rnncore_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def vacuum(database: Database) -> None:
    """Give the space of deleted runs back to the system (PostgreSQL does so by itself)."""
    if database.url.drivername != "sqlite":
        return
    with database.in_words(), database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.executescript("PRAGMA incremental_vacuum")  # execute() would free one page only

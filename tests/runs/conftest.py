"""Stores on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnncore.runs.store import RunStore
from tests.runs.postgres import Cluster, server_programs

PROGRAMS = server_programs()
_NOT_TESTED = (
    "PostgreSQL is not installed: the run store was tested on SQLite only. "
    "Debian and Ubuntu: apt-get install postgresql"
)
KINDS = [pytest.param("sqlite", id="sqlite")]
if PROGRAMS is not None or os.environ.get("CI"):
    KINDS.append(pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if PROGRAMS is None:
        terminalreporter.write_sep("!", _NOT_TESTED, red=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The PostgreSQL server of this test session."""
    if PROGRAMS is None:
        raise RuntimeError(_NOT_TESTED)
    server = Cluster(PROGRAMS)
    yield server
    server.remove()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own."""
    monkeypatch.setenv("RNNCORE_HOME", str(tmp_path))
    for other in ("RNNCORE_STORE", "RNNCORE_SCHEDULER"):
        monkeypatch.delenv(other, raising=False)
    return tmp_path


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store, on each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.sqlite'}"
    return request.getfixturevalue("cluster").new_database()


@pytest.fixture
def open_store() -> Iterator[Callable[[str], RunStore]]:
    """Opens stores, and closes them after the test."""
    opened: list[RunStore] = []

    def open_one(url: str, patience: float = 10.0) -> RunStore:
        opened.append(RunStore(url, patience=patience))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(url: str, open_store: Callable[[str], RunStore]) -> RunStore:
    """An empty store, on each kind of database."""
    return open_store(url)


@pytest.fixture
def sqlite_store(tmp_path: Path, open_store: Callable[[str], RunStore]) -> RunStore:
    """An empty store in a file."""
    return open_store(f"sqlite:///{tmp_path / 'runs.sqlite'}")

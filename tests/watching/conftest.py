"""A home folder of each test's own."""

import logging

import pytest

from rnncore.runs.store import RunStore


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_HOME", str(tmp_path))
    monkeypatch.delenv("RNNCORE_STORE", raising=False)
    return tmp_path


@pytest.fixture
def store(home):
    with RunStore() as opened:
        yield opened


@pytest.fixture
def said(caplog):
    """What the watch logged, one text a line."""
    caplog.set_level(logging.WARNING, "rnncore.watch")
    return lambda: [record.getMessage() for record in caplog.records]

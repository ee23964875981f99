"""A store of the test's own, and the command line in this process."""

import json

import pytest
from click.testing import CliRunner

from rnncore.cli import cli
from rnncore.runs.store import RunStore


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RNNCORE_STORE", raising=False)
    return tmp_path / "home"


@pytest.fixture
def store(home):
    with RunStore() as opened:
        yield opened


@pytest.fixture
def call():
    """Runs a command; gives its exit code, its output and what it said beside."""

    def run(*words):
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


@pytest.fixture
def lines(call):
    """Runs a command with ``--json``; gives its lines as values."""

    def run(*words):
        done = call(*words, "--json")
        assert done.exit_code == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run

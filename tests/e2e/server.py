"""The real server in a process of its own, which may be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from rnncore.runs.experiments import Experiments
from rnncore.runs.store import RunInfo, RunStore

ROOT = Path(__file__).parents[2]
START_SECONDS, END_SECONDS = 60.0, 30.0


def until(true: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition; an AssertionError that says what did not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.1)  # each look asks the store, and takes its time from what is waited for


class Server:
    """``streamlit run dashboard/app.py`` with a home folder of its own.

    Attributes:
        url: where it answers, without a slash at the end; the same after a restart.
        store: the run store, read and written past the server.
    """

    def __init__(self, folder: Path, cache: Path | None = None):
        """``cache`` is what servers may share: texts that were fetched and counted once."""
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RNNCORE_", "STREAMLIT_"))},
            "RNNCORE_HOME": str(self.home),
            "RNNCORE_CACHE": str(cache or folder / "cache"),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[psutil.Process] = []
        self.start()
        self.store = RunStore(f"sqlite:///{self.home / 'runs.sqlite'}")

    @property
    def process(self) -> psutil.Process:
        """The server's process."""
        assert self._process is not None, "the server does not run"
        return psutil.Process(self._process.pid)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self._answers, f"the server, see {self.log}", START_SECONDS)

    def _answers(self) -> bool:
        self.check()
        try:
            with urllib.request.urlopen(self.url + "/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def said(self) -> str:
        """What it wrote to its terminal."""
        return self.log.read_text("utf-8", "replace")

    def workers(self) -> list[psutil.Process]:
        """Its worker processes, with a run or without."""
        found = []
        for one in self.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile
                if "rnncore.runs.worker" in " ".join(one.cmdline()):
                    found.append(one)
        return found

    def kill(self) -> list[psutil.Process]:
        """kill -9; the workers that it leaves behind."""
        left = self.workers()
        self._started += left
        self._end(signal.SIGKILL)
        return left

    def stop(self) -> list[psutil.Process]:
        """Ctrl-C; the workers that still live afterwards."""
        workers = self.workers()
        self._started += workers
        self._end(signal.SIGINT)
        return [one for one in workers if one.is_running()]

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"the server did not end within {END_SECONDS:g} s: {self.said()}") from None
        finally:
            self._process = None

    def run(self, state: str | None = None) -> RunInfo:
        """The newest run, once there is one, and once it is in a state."""
        until(lambda: self._newest(state), f"a run that is {state or 'there'}")
        found = self._newest(state)
        assert found is not None
        return found

    def _newest(self, state: str | None) -> RunInfo | None:
        found = self.store.runs(limit=1)
        return found[0] if found and state in (None, found[0].state) else None

    def check(self) -> None:
        """It must not have ended by itself."""
        status = None if self._process is None else self._process.poll()
        assert status is None, f"the server ended with status {status}: {self.said()}"

    def clear(self) -> None:
        """Stop every run and forget them all, so that the next test begins with an empty page."""
        self.check()
        for info in Experiments(self.store).open_jobs():
            Experiments(self.store).stop(info.id)
        for run in self.store.runs(limit=1000):
            self.store.send(run.id, "stop")
        until(lambda: not any(run.active for run in self.store.runs(limit=1000)), "the runs' end")
        for run in self.store.runs(limit=1000):
            self.store.delete(run.id)

    def close(self) -> None:
        """End it and every worker that it ever had."""
        try:
            if self._process is not None:
                self.stop()
        finally:
            self.store.close()
            for one in self._started:
                if one.is_running():  # of the same pid and start time
                    one.kill()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

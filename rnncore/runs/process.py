"""One worker process as the launcher sees it: its pipes, its words, its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO

LOG_BYTES = 1_000_000
CLOCK_SLACK = 2.0  # seconds by which a start time may seem to move when the system's clock is set


class Log:
    """What workers write to standard error, in a file that starts anew when it is full; the last one is kept."""

    def __init__(self, path: Path):
        self.path, self._lock = path, threading.Lock()

    def write(self, line: str) -> None:
        """Add a line. A log that cannot be written to must not end a run, so that is not an error."""
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if self.path.exists() and self.path.stat().st_size > LOG_BYTES:
                    self.path.replace(self.path.with_suffix(".old.log"))
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(line[:2000].rstrip("\n") + "\n")
            except OSError:
                return


class WorkerProcess:
    """A worker or a desk, started on construction, idle until it is given a run and when it says that this is done.

    Args:
        without: variables of this process's environment that it is not to have.

    Attributes:
        ready: it is warm.
        run_id: what it was given; None while idle.
        note: what it waits for, '' for nothing.
        idle_since: when it was started, or was done with its last run (monotonic seconds).
        killed: ``wait_or_kill`` had to kill it.
    """

    def __init__(
        self,
        command: Sequence[str],
        store_address: str,
        wake: threading.Event,
        log: Log,
        without: Collection[str] = (),
    ):
        self.ready, self.killed, self.note, self._asked_to_end = False, False, "", False
        self.run_id: str | None = None
        self.idle_since = time.monotonic()
        self._tail: deque[str] = deque(maxlen=20)
        self._wake, self._log = wake, log
        environment = {name: value for name, value in os.environ.items() if name not in without} | {
            "RNNCORE_STORE": store_address,  # not an argument: it may hold a password, which ps would show
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C in the terminal is for the server, which then ends its workers
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._keep, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def idle(self) -> bool:
        """It has no run, and may be given one."""
        return self.run_id is None and not self._asked_to_end

    @property
    def ended(self) -> bool:
        """The process has ended."""
        return self._process.poll() is not None

    @property
    def status(self) -> int:
        """The exit status of an ended process, -n for signal n."""
        return self._process.wait()

    @property
    def last_words(self) -> str:
        """The last line that it wrote to standard error."""
        return next((line for line in reversed(self._tail) if line.strip()), "").strip()[:300]

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def give(self, run_id: str) -> bool:
        """Hand it a run; False where it can no longer take one."""
        assert self._process.stdin is not None
        before, self.run_id = self.run_id, run_id  # a short run may be done before this returns
        try:
            self._process.stdin.write(json.dumps({"run": run_id}).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended, and its pipe may be closed
            self.run_id = before
            return False
        return True

    def ask_to_end(self) -> None:
        """SIGTERM: a worker with a run saves a checkpoint first."""
        self._asked_to_end = True
        if not self.ended:
            self._process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait for its end until ``deadline`` (monotonic seconds), then kill it."""
        try:
            self._process.wait(max(deadline - time.monotonic(), 0.05))
        except subprocess.TimeoutExpired:
            self.killed = True
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Close the pipes of an ended process."""
        for reader in self._readers:
            reader.join(2.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still to be written to it has no reader any more
                    continue

    def _listen(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            try:
                said = json.loads(line)
                self.ready = self.ready or bool(said.get("ready"))
                self.note = str(said.get("note", self.note))
                if "done" in said:
                    self.idle_since, self.note, self.run_id = time.monotonic(), "", None
            except (ValueError, AttributeError):  # a library printed something
                self._log.write(f"worker {self.pid}: {line.decode(errors='replace')}")
            self._wake.set()
        self._wake.set()

    def _keep(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            text = line.decode(errors="replace")
            self._tail.append(text)
            self._log.write(f"worker {self.pid}: {text}")


def is_alive(worker: str) -> bool:
    """Whether the process ``pid:start time`` still runs on this machine."""
    import psutil

    pid, _, started = worker.partition(":")
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - float(started)) < CLOCK_SLACK
    except (psutil.NoSuchProcess, ValueError):
        return False


def death(status: int, killed_here: bool, who: str = "worker") -> str:
    """Why a process ended without a word of its own, from its exit status."""
    if killed_here:
        return f"the {who} did not end in time when the server stopped"
    if status == -signal.SIGKILL:
        return f"the {who} was killed (signal 9), perhaps by the system for want of memory"
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "unknown"
        return f"the {who} crashed (signal {-status}, {name})"
    return f"the {who} ended without a word (exit status {status})"

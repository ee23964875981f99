"""A real Dask scheduler and workers for the tests, each a process of its own, to be killed and started again."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil

from tests.runs.fakes import until


class DaskCluster:
    """A scheduler on a free port of this machine, and workers of one thread each.

    Attributes:
        address: of the scheduler.
        workers: process by address.
    """

    def __init__(self, folder: Path):
        self.folder, self._numbers = folder, itertools.count()
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.address = ""
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """At the same address as the one before, of which it knows nothing."""
        port = self.address.rpartition(":")[2] or "0"
        self.scheduler, log = self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        self.address = _said(self.scheduler, log, r"Scheduler at: +(\S+)")

    def fill(self, number: int) -> None:
        """Have so many workers, those that still live among them."""
        self.workers = {address: process for address, process in self.workers.items() if process.poll() is None}
        for address in list(self.workers)[number:]:
            self.kill(address, all_of_it=True)
        arguments = ("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        begun = [self._start(*arguments) for _ in range(number - len(self.workers))]
        for process, log in begun:
            self.workers[_said(process, log, r"(?s)Start worker at: +(\S+).*Registered to")] = process

    def kill(self, address: str, *, all_of_it: bool = False) -> None:
        """Kill -9 a Dask worker; with the processes that it started, as a machine that goes dark, where asked for."""
        process = self.workers.pop(address)
        children = psutil.Process(process.pid).children(recursive=True) if all_of_it else []
        for one in (psutil.Process(process.pid), *children):
            one.kill()
        process.wait()

    def remove(self) -> None:
        """Kill what is left."""
        for address in list(self.workers):
            self.kill(address, all_of_it=True)
        self.stop_scheduler()

    def stop_scheduler(self) -> None:
        """Kill -9 the scheduler; its workers end by themselves then."""
        self.scheduler.kill()
        for process in (self.scheduler, *self.workers.values()):
            process.wait(30)
        self.workers.clear()

    def _start(self, *arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
        log = self.folder / f"dask-{next(self._numbers)}.log"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "dask", *arguments]
            there = os.environ | {"DASK_TEMPORARY_DIRECTORY": str(self.folder)}
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=there), log


def _said(process: subprocess.Popen[bytes], log: Path, what: str) -> str:
    """Wait for what a process says of itself."""

    def found() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return re.search(what, log.read_text())

    until(found, 30)
    match = found()
    assert match is not None
    return match[1]

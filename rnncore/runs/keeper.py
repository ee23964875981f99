"""A process that answers questions, as the launcher sees it: started when one waits, seen to when it ends or hangs.

Questions about checkpoints are answered by a desk, the lecture's experiments are measured by experimenters.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from rnncore.errors import StoreError
from rnncore.runs.jobs import RUNNING, WAITING
from rnncore.runs.process import Log, WorkerProcess, death, is_alive

LONGEST_SECONDS = 120.0
"""A question that takes longer is given up."""
SLOWEST_RETRY = 30.0


class Question(Protocol):
    """What a keeper has to know of a question; see ``jobs.Job``."""

    @property
    def state(self) -> str:
        """Waiting, running, or ended."""

    @property
    def worker(self) -> str:
        """Who has it in hand, ``pid:start time``."""

    @property
    def host(self) -> str:
        """Its machine."""

    @property
    def taken(self) -> float | None:
        """When it was taken, Unix seconds."""


Q = TypeVar("Q", bound=Question)


class Questions(Protocol[Q]):
    """Where questions are kept; see ``jobs.JobStore``."""

    def any_open(self, beyond: int = 0) -> bool:
        """Whether more than ``beyond`` wait or are being answered."""

    def open_jobs(self) -> list[Q]:
        """Those, the longest first."""

    def fail_job(self, job: Q, reason: str) -> bool:
        """Say why one has no answer."""

    def give_back_job(self, job: Q, why: str) -> None:
        """Let another process take it."""


class Keeper(Generic[Q]):
    """Keeps a process while there are questions, and sees to it that each has an answer or a sentence.

    Args:
        questions: where they are.
        address: of the store, for the process.
        command: how to start it.
        wake: set when it has said something or ended.
        log: of what it writes to standard error.
        noun: what to call it.
        beyond: it is wanted when more questions than this are open: the second process of a kind has 1.
    """

    def __init__(
        self, questions: Questions[Q], address: str, command: Sequence[str], wake: threading.Event, log: Log,
        *, noun: str = "desk process", beyond: int = 0,
    ):  # fmt: skip
        self.questions, self.noun = questions, noun
        self._address, self._command, self._wake, self._log = address, tuple(command), wake, log
        self._beyond, self._early = beyond, False
        self._host = socket.gethostname()
        self._desk: WorkerProcess | None = None
        self._bad_starts, self._next_start, self._started = 0, 0.0, 0.0

    @property
    def pid(self) -> int | None:
        """The desk's process number; None while there is none."""
        desk = self._desk
        return None if desk is None else desk.pid

    def call(self, about: str) -> None:
        """A question waits."""
        desk = self._desk
        if desk is None or not desk.give(about):
            self._wake.set()

    def warm_up(self) -> None:
        """A question is likely to come soon: have the process there by then."""
        if self._desk is None:
            self._early = True
            self._wake.set()

    def tick(self) -> None:
        """Start a desk where one is wanted; see to the questions of one that has ended, and to those that take long."""
        if self._desk is not None and self._desk.ended:
            ended, self._desk = self._desk, None
            self._bury(ended)
        asked = self.questions.any_open(self._beyond)
        if self._desk is None:
            if (asked or self._early) and time.monotonic() >= self._next_start:
                self._started, self._early = time.monotonic(), False
                self._desk = WorkerProcess(self._command, self._address, self._wake, self._log)
        elif asked:
            self._give_up_what_hangs(self._desk)

    def recover(self, why: str) -> None:
        """Let questions whose desk is gone be asked once more."""
        if not self.questions.any_open():
            return
        for job in self.questions.open_jobs():
            if job.state == RUNNING and not self._in_hand(job):
                self.questions.give_back_job(job, why)

    def stop(self) -> None:
        """End the desk at once: it has nothing to save, and what it was asked waits for the next one."""
        if self._desk is not None:
            self._desk.wait_or_kill(time.monotonic())
            self._desk.close()
            self._desk = None
            with contextlib.suppress(StoreError):
                self.recover("the server stopped")

    def _in_hand(self, job: Question) -> bool:
        if job.host == self._host:
            return is_alive(job.worker)
        return time.time() - (job.taken or 0.0) < 2 * LONGEST_SECONDS  # its own launcher gives it up before

    def _bury(self, desk: WorkerProcess) -> None:
        desk.close()
        if desk.ready:
            self._bad_starts = 0
            self.recover(death(desk.status, False, self.noun))
            return
        self._bad_starts += 1
        self._next_start = time.monotonic() + min(2.0**self._bad_starts, SLOWEST_RETRY)
        why = desk.last_words or death(desk.status, False, self.noun)
        for job in self.questions.open_jobs():
            if job.state == WAITING:
                self.questions.fail_job(
                    job, f"no {self.noun} could start: {why}; workers.log in the home folder says more"
                )

    def _give_up_what_hangs(self, desk: WorkerProcess) -> None:
        if not desk.ready:
            hangs = time.monotonic() - self._started > LONGEST_SECONDS
        else:
            late = [job for job in self.questions.open_jobs() if self._is_late(job, desk)]
            for job in late:
                self.questions.fail_job(
                    job, f"this took longer than {LONGEST_SECONDS:g} s and was given up; ask for less of it"
                )
            hangs = bool(late)
        if hangs:
            desk.wait_or_kill(time.monotonic())

    @staticmethod
    def _is_late(job: Question, desk: WorkerProcess) -> bool:
        in_hand = job.state == RUNNING and job.worker.partition(":")[0] == str(desk.pid)
        return in_hand and time.time() - (job.taken or 0.0) > LONGEST_SECONDS

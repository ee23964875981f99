"""One run in a worker: events of the trainer into the store, commands from the store to the trainer.

Training and the store are handed in, so this file needs no torch.
"""

from __future__ import annotations

import contextlib
import math
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncore.config import RunConfig
from rnncore.errors import RnncoreError, StoreError
from rnncore.records import FEEDING_SERIES, SCORE_SERIES, TRAIN_SERIES, VALIDATION_SERIES, Columns, Record
from rnncore.runs import footprint
from rnncore.runs.corpora import PREFIX
from rnncore.runs.database import patiently
from rnncore.runs.states import ACTIVE, INTERRUPTED, PAUSED, RUNNING, STOPPED, Command, RunInfo
from rnncore.runs.store import RunLost, RunNotFound, RunStore, StoreUnavailable

FLUSH_SECONDS, FLUSH_LONGEST = 0.3, 1.0
FLUSH_SHARE = 0.008
"""Writing is spread out so far that it takes this share of the time, within the bounds above."""
POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0
RATE_SECONDS = 3.0
"""The steps per second are those of the last seconds of training."""

Beside = Callable[[RunConfig, str | None], Callable[[], Record | None]]
"""Work beside a run: begun once it has started, with its configuration and its uploaded text (None for a
corpus by name). It returns a question that is asked at each flush, whose answer is a record or, so far, None."""


def nothing_beside(config: RunConfig, text: str | None) -> Callable[[], Record | None]:
    """No work beside the run."""
    return lambda: None


@dataclass(frozen=True)
class Tools:
    """What a session trains with: ``train``, ``Controls`` and ``Checkpoint.from_bytes`` of rnncore.training,
    ``live_measures`` of rnncore.diagnostics, and the work beside."""

    train: Callable[..., Iterator[Any]]
    controls: Callable[[], Any]
    read_checkpoint: Callable[[bytes], Any]
    measures: Callable[[RunConfig], Any]
    beside: Beside = nothing_beside


@dataclass(frozen=True)
class Surroundings:
    """Where a session runs: who it is, why it must end (None while it need not), whom it tells, and how many bytes
    the run has taken at its peak (nan where that is not known)."""

    worker: str
    host: str
    ending: Callable[[], str | None]
    say: Callable[[str], None]
    memory: Callable[[], float] = footprint.unknown


@dataclass
class _Buffer:
    """What the store has not seen yet."""

    series: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    checkpoints: list[tuple[int, Any]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)  # columns of the run itself
    state: tuple[str, str] | None = None

    def add(self, series: str, row: tuple[float, ...]) -> None:
        self.series.setdefault(series, []).append(row)


_NAMES = {"train": TRAIN_SERIES, "feeding": FEEDING_SERIES, "score": SCORE_SERIES, "validation": VALIDATION_SERIES,
          footprint.SERIES: footprint.COLUMNS}  # fmt: skip


class Session:
    """Runs one claimed run to its end. See ``run``."""

    def __init__(self, store: RunStore, run: RunInfo, tools: Tools, around: Surroundings):
        self.store, self.info, self.tools, self.around = store, run, tools, around
        self.controls = tools.controls()
        self.buffer = _Buffer()
        self.mode = "run"  # or pausing (until a checkpoint), paused, stepping
        self.steps_wanted = 0
        self.stopping = False
        self.step, self.seconds = 0, 0.0
        self.seen: set[str] = set()  # what has been written once: the first of each goes out at once
        self.marks: deque[tuple[float, int]] = deque()
        self.next_poll = self.next_flush = self.next_beat = 0.0
        self.ask_beside: Callable[[], Record | None] = lambda: None
        self.text: str | None = None  # of an upload

    def run(self) -> bool:
        """Train, and keep the store informed, until the run has an end of whatever kind.

        An error of the training is recorded as the run's end, with its traceback, and not raised.

        Returns:
            Whether the training came to an end of its own, which is in the store: this process may train another run.
        """
        try:
            with contextlib.closing(self._training()) as events:
                for event in events:
                    if self._take_in(event):
                        return True
                    self._attend()
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, Exception):
                raise
        return False

    def _training(self) -> Any:
        """Load what the run needs, take it over, and begin."""
        run = self.info
        checkpoint = patiently(self._read, self.around.say)
        self._patiently(self._attach)
        return self.tools.train(
            run.config,
            text=self.text,
            resume=checkpoint,
            controls=self.controls,
            measures=self.tools.measures(run.config),
        )

    def _read(self) -> Any:
        """The uploaded text, and the checkpoint to go on from; None where there is none."""
        run, store, corpus = self.info, self.store, self.info.config.corpus or ""
        self.text = store.corpus(corpus)[1] if corpus.startswith(PREFIX) else None
        if not store.checkpoint_steps(run.id):
            return None
        self.step, data = store.load_checkpoint(run.id, run.resume_step)
        return self.tools.read_checkpoint(data)

    def _attach(self) -> None:
        around, run = self.around, self.info
        self.store.attach(run.id, run.attempt, around.worker, around.host, self.step)

    def _take_in(self, event: Any) -> bool:
        """Note an event; whether it was the last."""
        buffer = self.buffer
        match type(event).__name__:
            case "Step":
                buffer.add("train", tuple(event))
                self.step, self.seconds = event.step, event.seconds
                if self.mode == "stepping":
                    self.steps_wanted -= 1
                    if self.steps_wanted <= 0:  # the checkpoint tells that all of the step is done
                        self.mode = "pausing"
                        self.controls.checkpoint()
                self._first("step")
            case "Fed":
                buffer.add("feeding", tuple(event))
            case "Measured":
                buffer.records.append(event.record)
                self._first(event.record.kind)
            case "Validation":
                buffer.add("validation", tuple(event))
                self._first("validation")
            case "Scored":
                buffer.add("score", tuple(event))
            case "Saved":
                buffer.checkpoints.append((event.step, event.checkpoint))
                if event.step > 0:  # written before the training goes on: it counts what saving costs
                    self.next_flush = 0.0
                if self.mode == "pausing":
                    self.mode = "paused"
            case "Started":
                buffer.values |= {
                    "parameters": event.parameters,
                    "vocab_size": event.vocab_size,
                    "device": event.device,
                }
                buffer.state = (RUNNING, "")
                self.ask_beside = self.tools.beside(self.info.config, self.text)
                self._flush(hasty=True)
            case "Finished":
                self._finish(event)
                return True
        return False

    def _first(self, what: str) -> None:
        """The first of each kind is written at once, so that the first charts come fast."""
        if what not in self.seen:
            self.seen.add(what)
            self._flush(hasty=True)

    def _attend(self) -> None:
        """Between two events: commands, writing, and waiting while paused."""
        now = time.perf_counter()
        if now >= self.next_poll:
            self._poll()
        if self.mode == "paused":
            self._wait()
        elif now >= self.next_flush:
            self._flush()

    def _wait(self) -> None:
        self.buffer.state = (PAUSED, f"paused at step {self.step:,}")
        self._flush()
        while self.mode == "paused":
            time.sleep(POLL_SECONDS)
            self._poll()
            if record := self.ask_beside():
                self.buffer.records.append(record)
                self._flush()
            elif time.perf_counter() >= self.next_beat:
                self._patiently(lambda: self.store.progress(self.info.id, self.info.attempt))
                self.next_beat = time.perf_counter() + HEARTBEAT_SECONDS
        if self.mode == "run" and not self.stopping:
            self.buffer.state = (RUNNING, "")
            self._flush()

    def _poll(self) -> None:
        self.next_poll = time.perf_counter() + POLL_SECONDS
        if self.around.ending() is not None:
            self._stop()
            return
        try:
            asked = self.store.take(self.info.id)
        except StoreUnavailable as error:  # the next flush waits for it
            self.around.say(str(error))
            return
        for command in asked:
            self._obey(command)

    def _obey(self, command: Command) -> None:
        match command.kind:
            case "set":
                self.controls.set(**command.payload)
            case "stop":
                self._stop()
            case "measure":
                self.controls.measure()
            case "resume":
                self.mode, self.steps_wanted = "run", 0
            case "step" if self.mode != "run":
                self.steps_wanted += 1
                self.mode = "stepping"
                self.controls.measure()
            case "pause" | "step":
                self.mode, self.steps_wanted = "pausing", 0
                self.controls.checkpoint()

    def _stop(self) -> None:
        self.mode, self.stopping = "run", True
        self.controls.stop()

    def _finish(self, event: Any) -> None:
        state, reason = event.state, event.reason
        why = self.around.ending()
        if state == STOPPED and why is not None:
            state, reason = INTERRUPTED, f"{why}; resume from step {event.step:,}"
        self.buffer.state = (state, reason)
        taken = self.around.memory()
        if math.isfinite(taken) and "step" in self.seen:  # else this step may have its row
            self.buffer.add(footprint.SERIES, (event.step, self.seconds, taken))
        self._flush()

    def _flush(self, *, hasty: bool = False) -> None:
        """Write everything noted so far in one transaction; ``hasty`` leaves checkpoints for later."""
        start = time.perf_counter()
        if record := self.ask_beside():
            self.buffer.records.append(record)
        buffer, self.buffer = self.buffer, _Buffer()
        if hasty:
            self.buffer.checkpoints, buffer.checkpoints = buffer.checkpoints, []
        buffer.checkpoints = [(step, saved.to_bytes()) for step, saved in buffer.checkpoints]
        buffer.values |= {"step": self.step, "seconds": self.seconds, "steps_per_second": self._rate()}
        try:
            self._patiently(lambda: self._write(buffer), lambda: self._drop_written(buffer))
        except BaseException:
            self.buffer = buffer
            raise
        now = time.perf_counter()
        pause = min(max((now - start) / FLUSH_SHARE, FLUSH_SECONDS), FLUSH_LONGEST)
        self.next_flush, self.next_beat = now + pause, now + HEARTBEAT_SECONDS

    def _write(self, buffer: _Buffer) -> None:
        store, run_id = self.store, self.info.id
        with store.transaction():
            store.progress(run_id, self.info.attempt, **buffer.values)
            for series, rows in buffer.series.items():
                store.append(run_id, series, _columns(_NAMES[series], rows))
            for record in buffer.records:
                store.put(run_id, record)
            for step, data in buffer.checkpoints:
                store.save_checkpoint(run_id, step, data)
            if buffer.state is not None:
                store.set_state(run_id, *buffer.state, expect=ACTIVE)

    def _drop_written(self, buffer: _Buffer) -> bool:
        """After a failed commit: a lost connection doesn't tell whether it was done. Whether all was."""
        run = self.store.get(self.info.id)
        if buffer.state is not None and run.attempt == self.info.attempt and run.state == buffer.state[0]:
            return run.state not in ACTIVE
        for series, rows in buffer.series.items():
            newest = self.store.last_step(run.id, series)
            rows[:] = [row for row in rows if newest is None or row[0] > newest]
        return False

    def _patiently(self, write: Callable[[], None], already: Callable[[], bool] = lambda: False) -> None:
        """Write; while the store cannot take it, say so and try again: nothing is lost, training waits."""
        tried = False

        def once() -> None:
            nonlocal tried
            if not (tried and already()):
                tried = True
                write()

        patiently(once, self.around.say)

    def _rate(self) -> float:
        marks = self.marks
        marks.append((self.seconds, self.step))
        while len(marks) > 2 and marks[1][0] < self.seconds - RATE_SECONDS:
            marks.popleft()
        span = self.seconds - marks[0][0]
        return (self.step - marks[0][1]) / span if span > 0 else 0.0

    def _fail(self, error: BaseException) -> None:
        """The run's end by an error: what was measured before it is kept, then the reason."""
        if isinstance(error, RunLost | RunNotFound):  # someone else decides about this run by now
            self.around.say(str(error))
            return
        words = "".join(traceback.format_exception(error))
        run, self.buffer.state = self.info, None
        if not isinstance(error, StoreError):
            with contextlib.suppress(StoreError):  # the reason below matters more than the last few rows
                self._flush()
        with contextlib.suppress(RunLost, RunNotFound):
            self._patiently(lambda: self.store.fail(run.id, run.attempt, in_words(error), words))


def in_words(error: BaseException) -> str:
    """One sentence for the page."""
    if isinstance(error, RnncoreError):
        return str(error)
    said = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if isinstance(error, MemoryError) or "out of memory" in said or "can't allocate memory" in said:
        return (
            "the run needed more memory than this machine has free; lower hidden_size, num_layers, batch_size "
            "or sequence_length, or stop other runs"
        )
    if isinstance(error, OSError) and error.strerror:
        return f"the system refused: {error.strerror}; the command line shows where"
    return f"an error in the program: {type(error).__name__}{': ' + said if said else ''}; the command line shows where"


def _columns(names: tuple[str, ...], rows: list[tuple[float, ...]]) -> Columns:
    return {name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}

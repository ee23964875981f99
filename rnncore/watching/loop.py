"""``with rnncore.watch(model) as watch``: a loop of the user's own, live in the dashboard."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.config import Watch as WatchConfig
from rnncore.diagnostics.findings import ANY_LOSS, Evidence, Finding, Floor, found_in
from rnncore.diagnostics.findings.loss import START, WINDOW
from rnncore.diagnostics.opened import directions, opened_records
from rnncore.errors import ProbeError
from rnncore.probe.call import refuse_what_cannot_be_replayed
from rnncore.records import TRAIN_SERIES, GradientFlow, MemoryTimescale, Record
from rnncore.runs.states import FAILED, FINISHED, INTERRUPTED, STOPPED
from rnncore.training.measuring import Budget
from rnncore.watching.described import described, facts
from rnncore.watching.further import LOOKS, PATIENCE, SHARES, only_call
from rnncore.watching.harmless import HarmlessProbe
from rnncore.watching.rows import Row, number, numbers, thinned
from rnncore.watching.writer import Parcel, Writer

log = logging.getLogger("rnncore.watch")

PROBE_SHARE, NORM_SHARE = 0.33, 0.12
"""Of the budget: opening the layers, and the gradient norm. The rest is left for what is looked at more seldom, hooks,
handing over and writing; a step of a millisecond has 2 % of fixed cost."""
CHECK_SECONDS = 0.01
"""Asking whether a turn has come costs some microseconds, too."""
RATE_SECONDS = 3.0

Tokens = Sequence[str] | Callable[[], Sequence[str]]


def watch(
    model: nn.Module,
    name: str = "",
    *,
    optimizer: torch.optim.Optimizer | None = None,
    steps: int = 0,
    floor: float | None = None,
    budget: float = 0.03,
    sequences: int = 8,
    store: str | None = None,
) -> Watch:
    """Write traces from a training loop of your own into the run store, where an open dashboard shows them live.

    >>> with rnncore.watch(model, name="my tagger") as watch:
    ...     for batch in loader:
    ...         optimizer.zero_grad()
    ...         with watch.step():  # forward and backward pass inside
    ...             loss = criterion(model(batch.x), batch.y)
    ...             loss.backward()
    ...         optimizer.step()
    ...         watch.log(loss=loss)

    Every ``nn.RNN``, ``nn.LSTM`` and ``nn.GRU`` of the model is opened, in all its layers and directions, on those
    steps that the budget allows. Training is the same with and without it, and goes on where the run store does not
    answer (the logger ``rnncore.watch`` says so, once). Layers, not weights, are kept: such a run cannot be resumed.

    Args:
        model: any module that holds recurrent layers, or is one.
        name: what the dashboard calls the run; by default the model's class.
        optimizer: where the learning rate is read from; without it, log it.
        steps: how many steps there will be, for the progress bar; 0 where it is not known.
        floor: the loss of knowing nothing, e.g. ln 2 for a fair coin: lets a finding say that nothing is learned.
        budget: share of the loop's time that measuring may take.
        sequences: of each batch, the first so many are opened.
        store: SQLAlchemy address of the run store; by default RNNCORE_STORE, else a file in RNNCORE_HOME.

    Raises:
        ProbeError: the model has no recurrent layer, or one that cannot be opened, with what to do instead.
        ConfigError: an argument is out of its range.
    """
    return Watch(model, name, optimizer, steps, floor, WatchConfig(budget=budget, probe_sequences=sequences), store)


class Watch:
    """A watched loop. Made by ``watch``; use it in a with-block, or ``close`` it.

    Attributes:
        steps: completed training steps.
        records: the newest of each kind.
    """

    def __init__(
        self,
        model: nn.Module,
        name: str,
        optimizer: torch.optim.Optimizer | None,
        steps: int,
        floor: float | None,
        config: WatchConfig,
        store: str | None,
    ):
        self._probe = HarmlessProbe(model, slice(0, config.probe_sequences), lazy=True)
        for path, module in self._probe.modules.items():
            refuse_what_cannot_be_replayed(path, module)
        self._where = directions(self._probe.modules)
        self._alone = len(self._probe.modules) == 1
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer = optimizer
        self._config = described(type(model).__name__, self._probe.modules, name, self._where, steps, floor, config)
        self._budget = Budget(config.budget)
        self._norm_share = config.budget * NORM_SHARE
        self.steps = self._validated = 0
        self.records: dict[str, Record] = {}
        self._start = time.perf_counter()
        self._rows: list[Row] = []
        self._first: list[Row] = []
        self._recent: deque[Row] = deque(maxlen=2 * WINDOW)  # for findings, with the first few
        self._lr = self._clip_norm = math.nan
        self._norm_given = self._loss_given = self._warned = False
        self._marks: list[tuple[float, int]] = []
        self._next_parcel = self._next_check = self._next_norm = 0.0
        self._out = Parcel(values=facts(model))
        self._writer = Writer(store, self._config)
        # Only the writer is held on to: a loop that is dropped, or a program that ends, is noticed.
        self._ending = weakref.finalize(self, self._writer.close, INTERRUPTED, "the loop ended without watch.close()")

    @property
    def run_id(self) -> str | None:
        """The run's id in the store; None while the store has not taken it yet."""
        return self._writer.run_id

    def step(self, tokens: Tokens = ()) -> AbstractContextManager[None]:
        """A context around forward and backward pass of one training step; ``optimizer.step()`` comes after it.

        Clip after it, too, or log ``grad_norm``: the norm that is measured at its end is to be that before clipping.

        Args:
            tokens: what the batch's first sequence reads, one text per step, for the axis under the heatmaps; or a
                function that gives it, called only where the step is looked at. Step numbers stand in for it.
        """
        return _Step(self, tokens)

    def log(
        self,
        *,
        loss: float | Tensor | None = None,
        validation_loss: float | Tensor | None = None,
        lr: float | None = None,
        grad_norm: float | Tensor | None = None,
        clip_norm: float | None = None,
    ) -> None:
        """Note numbers of the step that has just been taken. Tensors are read later, without waiting for a GPU.

        Args:
            loss: of this step's batch.
            validation_loss: on held-out data, whenever it was measured.
            lr: the learning rate in force from now on; not needed where ``watch`` was given the optimiser.
            grad_norm: the global gradient norm before clipping, as ``clip_grad_norm_`` returns it.
            clip_norm: the threshold in force from now on.

        Raises:
            WatchError: a loss or a norm is no single number.
        """
        loss, grad_norm = number("loss", loss), number("grad_norm", grad_norm)
        validation_loss = number("validation_loss", validation_loss)
        if not self._ending.alive:
            return
        self._writer.seen = time.monotonic()
        if loss is not None and (not self._rows or self._rows[-1].loss is not None):
            self._next_row(self._elapsed())
        row = self._rows[-1] if self._rows else None
        self._lr = self._lr if lr is None else float(lr)
        self._clip_norm = self._clip_norm if clip_norm is None else float(clip_norm)
        if row is not None:
            row.lr, row.clip_norm = self._lr, self._clip_norm
            row.loss = row.loss if loss is None else loss
            self._loss_given = self._loss_given or loss is not None
            if grad_norm is not None:
                row.grad_norm, self._norm_given = grad_norm, True
        if validation_loss is not None:
            self._note_validation(float(validation_loss))

    def findings(self) -> list[Finding]:
        """Plain-language verdicts on what was recorded so far; see ``rnncore.findings``."""
        rows = [row for row in [*self._first, *self._recent] if row.loss is not None or not self._loss_given]
        train = dict(zip(TRAIN_SERIES, np.array(numbers(rows)).T, strict=True)) if rows else {}
        names = self._config.model.layer_names
        floor = None if self._config.floor is None else Floor(self._config.floor, "knowing nothing")
        evidence = Evidence(tuple(self.records.values()), train, floor=floor, unit=ANY_LOSS, names=names)
        return found_in(evidence)

    def _note_validation(self, loss: float) -> None:
        """One row per step: of several, the last that comes in time."""
        at, rows = max(self.steps, 1), self._out.validation
        if at > self._validated:
            self._validated = at
        elif rows and rows[-1][0] == at:
            rows.pop()
        else:
            return
        rows.append((at, self._elapsed(), loss))

    def close(self) -> None:
        """The loop is done: write what is left."""
        self._end(FINISHED, f"the loop ended after {self.steps:,} steps")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif issubclass(kind, KeyboardInterrupt | SystemExit):
            self._end(STOPPED, f"stopped at step {self.steps:,}")
        else:
            said = f": {error}" if str(error) else ""
            self._end(FAILED, f"the loop ended at step {self.steps:,} with {kind.__name__}{said}")

    def _end(self, state: str, reason: str) -> None:
        if self._ending.detach() is not None:
            self._hand_over()
            self._writer.close(state, reason)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._start

    def _begin_step(self) -> list[str]:
        """What of this step is looked at."""
        self._writer.seen = time.monotonic()
        elapsed = self._elapsed()
        if elapsed >= self._next_parcel:
            self._hand_over()
        due = [] if self._writer.gone else self._due(elapsed)
        if not due:
            return due
        try:
            for path, module in self._probe.modules.items():
                refuse_what_cannot_be_replayed(path, module)
            self._probe.__enter__()
        except ProbeError as error:
            self._warn(error)
            return []
        return due

    def _due(self, elapsed: float) -> list[str]:
        if elapsed < self._next_check:
            return []
        self._next_check = elapsed + CHECK_SECONDS
        due = ["probe"] if self._budget.due("probe", PROBE_SHARE, elapsed) else []
        if self._alone:
            due += [
                name
                for name, share in SHARES.items()
                if elapsed >= PATIENCE[name] and self._budget.due(name, share, elapsed)
            ]
        return due

    def _finish_step(self, due: list[str], tokens: Tokens) -> None:
        if due:
            self._look(due, tokens)
        now = self._elapsed()
        wanted = now >= self._next_norm and not self._norm_given and self._norm_share > 0 and not self._writer.gone
        norm = self._norm(now) if wanted else None
        self._next_row(now)
        self._rows[-1].grad_norm = norm

    def _look(self, due: list[str], tokens: Tokens) -> None:
        """Replay the step that was caught. What goes wrong here is none of the loop's trouble."""
        for device in {parameter.device for parameter in self._parameters if parameter.is_cuda}:
            torch.cuda.synchronize(device)  # the step's own work is not what measuring costs
        start = time.perf_counter()
        self._probe.__exit__(None, None, None)
        for name in due:
            found: list[Record] = []
            try:
                self._probe.raise_caught()
                text = list(tokens() if callable(tokens) else tokens)
                found = self._records(text, start) if name == "probe" else self._further(name, text)
            except Exception as error:
                self._warn(error)
            for record in found:
                self.records[record.kind] = record
                self._out.records.append(record)
            now = time.perf_counter()
            self._budget.book(name, now - start, self._elapsed())
            start = now
        self._probe.release()

    def _records(self, text: list[str], start: float) -> list[Record]:
        found = opened_records(self._probe, self._where, step=self.steps + 1, tokens=text)
        cost = 1000 * (time.perf_counter() - start)
        for index, record in enumerate(found):
            if isinstance(record, GradientFlow):
                found[index] = dataclasses.replace(record, cost_ms=cost)
            elif isinstance(record, MemoryTimescale) and record.window > self._config.task.sequence_length:
                longer = self._config.task.model_copy(update={"sequence_length": record.window})
                self._config = self._out.config = self._config.model_copy(update={"task": longer})
        if not any(isinstance(record, GradientFlow) for record in found):
            self._warn(
                ProbeError("no loss.backward() ran inside watch.step(), so there are no gradients; call it there")
            )
        return found

    def _further(self, name: str, text: list[str]) -> list[Record]:
        layers = only_call(self._probe)
        return LOOKS[name](layers, self.steps + 1, text) if layers else []

    def _norm(self, now: float) -> Tensor | None:
        """The global gradient norm, on the device where the gradients are; the next one when the budget allows it."""
        norm: Tensor | None = None
        try:
            norm = nn.utils.get_total_norm([p.grad for p in self._parameters if p.grad is not None])
        except Exception as error:  # sparse gradients, for instance
            self._warn(error)
            self._norm_given = True
        self._next_norm = now + (self._elapsed() - now) / self._norm_share
        return norm

    def _next_row(self, now: float) -> None:
        if self._rows and now >= self._next_parcel:
            self._hand_over()
        self.steps += 1
        if self._optimizer is not None:
            self._lr = float(self._optimizer.param_groups[0]["lr"])
        row = Row(self.steps, now, self._clip_norm, self._lr)
        self._rows.append(row)
        (self._first if len(self._first) < START else self._recent).append(row)

    def _hand_over(self) -> None:
        """Give the writer what there is; it is there at once, and writes when it can."""
        if self._writer.gone:
            self._rows, self._out = [], Parcel()
            return
        elapsed = self._elapsed()
        # A step whose loss was not logged is no step with a lost one.
        rows, self._rows = [row for row in self._rows if row.loss is not None or not self._loss_given], []
        out, self._out = self._out, Parcel()
        if rows:
            out.train = thinned(numbers(rows), elapsed - rows[0].seconds)
            out.values |= {"step": self.steps, "seconds": elapsed, "steps_per_second": self._rate(elapsed)}
        if not out.empty:
            self._writer.send(out)
        self._next_parcel = elapsed + self._writer.pause

    def _rate(self, elapsed: float) -> float:
        marks = self._marks
        marks.append((elapsed, self.steps))
        while len(marks) > 2 and marks[1][0] < elapsed - RATE_SECONDS:
            marks.pop(0)
        span = elapsed - marks[0][0]
        return (self.steps - marks[0][1]) / span if span > 0 else 0.0

    def _warn(self, error: Exception) -> None:
        """Say once what could not be looked at; the training goes on."""
        if not self._warned:
            said = str(error) if isinstance(error, ProbeError) else f"{type(error).__name__}: {error}"
            log.warning("A step could not be looked at: %s. The training goes on", said)
        self._warned = True


class _Step:
    """The context that ``Watch.step`` gives."""

    def __init__(self, watch: Watch, tokens: Tokens):
        self._watch, self._tokens = watch, tokens
        self._due: list[str] = []

    def __enter__(self) -> None:
        self._due = self._watch._begin_step()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._watch._finish_step(self._due, self._tokens)
        elif self._due:
            self._watch._probe.__exit__(kind, error, trace)

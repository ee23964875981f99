"""A desk process: ``python -m rnncore.runs.desk``. It answers questions about checkpoints, on one thread.

It warms up, prints ``{"ready": true}``, and takes questions from the run store, one after the other; a line
``{"run": "<id>"}`` makes it look at once. Without any for some minutes it ends, and when its parent goes.

Another kind of question is a line in ``KINDS``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import socket
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.errors import ConfigError, RnncoreError
from rnncore.records import Record
from rnncore.runs.corpora import PREFIX
from rnncore.runs.jobs import Job
from rnncore.runs.session import in_words
from rnncore.runs.store import RunStore, StoreUnavailable
from rnncore.runs.worker import PATIENCE_SECONDS, Lifeline, identity, say

if TYPE_CHECKING:
    from rnncore.training import Trainer

IDLE_SECONDS = 600.0
"""A desk without questions ends after so long."""
LOOK_SECONDS = 0.5
"""Between two looks into the store, unless it is told of a question."""
MOST_OPENED, BYTES_OPENED = 4, 400e6
"""Checkpoints kept open: so many, and no more bytes together than this; the last one stays in any case."""


def write(trainer: Trainer, payload: Mapping[str, Any]) -> Record:
    """Texts with the distribution at each character: a ``generation.question.Question`` in, a ``Writing`` out.

    Without a primer it is the run's own: the same seed and temperature give the run's own sample of that step.
    """
    from rnncore.diagnostics.samples import PRIMER_LENGTH
    from rnncore.generation.question import Question
    from rnncore.generation.writing import write as written
    from rnncore.tasks.text import TextTask

    if not isinstance(trainer.task, TextTask):
        raise ConfigError(
            f"run must be one on a text to write, got one on {trainer.config.task.title}; choose another run"
        )
    question = Question(**payload)
    primer = question.primer or trainer.config.watch.primer or trainer.task.primer(PRIMER_LENGTH)
    return written(trainer.model, trainer.task.vocabulary, question.changed(primer=primer), step=trainer.step)


Kinds = Mapping[str, Callable[[Any, Mapping[str, Any]], Record]]
KINDS: Kinds = {"write": write}
"""What can be asked of a checkpoint: kind → the opened run and the question's payload in, a record out."""


def open_checkpoint(store: RunStore, job: Job) -> tuple[Trainer, float]:
    """The run as it was at a checkpoint, and about how many bytes it takes.

    Raises:
        RnncoreError: the checkpoint or the text is gone or damaged, in a sentence.
    """
    from rnncore.training import Checkpoint, Trainer

    config = store.get(job.run_id).config
    _, data = store.load_checkpoint(job.run_id, job.step)
    corpus = config.corpus or ""
    text = store.corpus(corpus)[1] if corpus.startswith(PREFIX) else None
    trainer = Trainer(config, text, Checkpoint.from_bytes(data))
    read = getattr(trainer.task, "train_ids", ())
    return trainer, 12.0 * trainer.parameter_count + 16.0 * len(read)  # with Adam's two; ids, and once more as streams


@dataclass(frozen=True)
class DeskTools:
    """What a desk answers with: how it opens a checkpoint, and the kinds of questions it knows."""

    open: Callable[[RunStore, Job], tuple[Any, float]]
    kinds: Kinds


class Desk:
    """Takes questions and answers them.

    Args:
        store: where they are.
        tools: see ``DeskTools``.
        ending: why it must end; None while it need not.
    """

    def __init__(self, store: RunStore, tools: DeskTools, ending: Callable[[], str | None] = lambda: None):
        self.store, self.tools, self.ending = store, tools, ending
        self.worker, self.host = identity(), socket.gethostname()
        self._opened: OrderedDict[tuple[str, int, str], tuple[Any, float]] = OrderedDict()

    def answer_next(self) -> bool:
        """Answer the question that has waited longest; whether there was one. An error becomes its answer."""
        job = self.store.take_job(self.worker, self.host)
        if job is None:
            return False
        try:
            record = self._answered(job)
        except Exception as error:
            if not isinstance(error, RnncoreError):  # not one of our sentences: the log says more
                traceback.print_exc()
                self._opened.clear()  # it may have been for want of memory
            reason = in_words(error)
            self._patiently(lambda: self.store.fail_job(job, reason))
        else:
            self._patiently(lambda: self.store.finish_job(job, record))
        return True

    def _answered(self, job: Job) -> Record:
        kind = self.tools.kinds.get(job.kind)
        if kind is None:
            raise ConfigError(f"kind must be one of {', '.join(self.tools.kinds)}, got {job.kind!r}; ask one of these")
        return kind(self._open(job), job.payload)

    def _open(self, job: Job) -> Any:
        """The checkpoint, from memory where it was used lately."""
        key = job.run_id, job.step, job.checkpoint
        if key not in self._opened:
            self._patiently(lambda: self.store.say_of_job(job, f"the model of step {job.step:,} is being loaded"))
            self._opened[key] = self.tools.open(self.store, job)
        self._opened.move_to_end(key)
        while len(self._opened) > 1 and (len(self._opened) > MOST_OPENED or self._bytes > BYTES_OPENED):
            self._opened.popitem(last=False)
        return self._opened[key][0]

    @property
    def _bytes(self) -> float:
        return sum(size for _, size in self._opened.values())

    def _patiently(self, write: Callable[[], object]) -> None:
        """Write into the store; while it cannot take it, try again. Who ends leaves the question to the next desk."""
        delay = 0.1
        while True:
            try:
                write()
                return
            except StoreUnavailable:
                if self.ending() is not None:
                    return
                time.sleep(delay)
                delay = min(2 * delay, 5.0)

    def serve(self, life: Lifeline) -> None:
        """Answer until it is time to end."""
        last = time.monotonic()
        while self.ending() is None and time.monotonic() - last < IDLE_SECONDS:
            with contextlib.suppress(StoreUnavailable):  # later it may be
                while self.ending() is None and self.answer_next():
                    last = time.monotonic()
            with contextlib.suppress(queue.Empty):
                life.jobs.get(timeout=LOOK_SECONDS)


def real_tools() -> DeskTools:
    """Import torch and write a little once, so that the first answer is a fast one."""
    import torch

    torch.set_num_threads(1)
    from rnncore.config import RunConfig
    from rnncore.training import Trainer

    text = "the quick brown fox jumps over the lazy dog. " * 40
    tiny = RunConfig.of(hidden_size=4, batch_size=2, sequence_length=8)
    write(Trainer(tiny, text), {"length": 2})
    return DeskTools(open_checkpoint, KINDS)


def main(arguments: Sequence[str] | None = None, tools: Callable[[], DeskTools] = real_tools) -> int:
    """Warm up and answer questions. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rnncore.runs.desk", description=__doc__)
    parser.add_argument("--store", help="address of the run store; default: RNNCORE_STORE, else the home folder")
    given = parser.parse_args(arguments)
    life = Lifeline()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    with RunStore(given.store, patience=PATIENCE_SECONDS) as store:
        desk = Desk(store, tools(), lambda: life.reason)
        say(ready=True)
        desk.serve(life)
    return 0


if __name__ == "__main__":
    sys.exit(main())

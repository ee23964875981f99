"""An experimenter process: ``python -m rnncore.runs.experimenter``. It measures the lecture's experiments, one thread.

It warms up, prints ``{"ready": true}``, and takes experiments from the run store, one after the other; a line
``{"run": "<id>"}`` makes it look at once. Without any for some minutes it ends, and when its parent goes.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from rnncore.errors import RnncoreError
from rnncore.records.measured import Measured
from rnncore.runs.database import patiently
from rnncore.runs.experiments import ExperimentInfo, Experiments
from rnncore.runs.session import in_words
from rnncore.runs.store import RunStore, StoreUnavailable
from rnncore.runs.worker import PATIENCE_SECONDS, Lifeline, identity, note, say

IDLE_SECONDS = 900.0
LOOK_SECONDS = 0.5
REPORT_SECONDS = 0.15
"""Between two reports of what has been measured so far; a result is reported at once."""

Measure = Callable[[str, Mapping[str, Any]], Iterator[Measured]]


class Experimenter:
    """Takes experiments and measures them.

    Args:
        store: where they are.
        measure: name and settings in, records out, the last one the result.
        ending: why it must end; None while it need not.
    """

    def __init__(self, store: RunStore, measure: Measure, ending: Callable[[], str | None] = lambda: None):
        self.experiments, self.measure, self.ending = Experiments(store), measure, ending
        self.worker, self.host = identity(), socket.gethostname()

    def next(self) -> bool:
        """Measure what has waited longest; whether there was anything. An error becomes its end, in a sentence."""
        info = self.experiments.take(self.worker, self.host)
        if info is None:
            return False
        try:
            self._measure(info)
        except Exception as error:
            if isinstance(error, StoreUnavailable):
                raise
            if not isinstance(error, RnncoreError):  # not one of our sentences: the log says more
                traceback.print_exc()
            reason = in_words(error)
            self._patiently(lambda: self.experiments.fail_job(info, reason))
        return True

    def _measure(self, info: ExperimentInfo) -> None:
        newest: Measured | None = None
        reported = time.monotonic()
        for record in self.measure(info.name, info.settings):
            if self.ending() is not None:
                return  # it stays in this process's hands, which are dead by then: another one begins it again
            newest, now = record, time.monotonic()
            if now - reported >= REPORT_SECONDS:
                reported = now
                if not self._patiently(partial(self.experiments.report, info, record)):
                    return  # stopped
        if newest is None:
            raise RuntimeError(f"experiment {info.name} measured nothing")
        self._patiently(partial(self.experiments.finish, info, newest))

    def _patiently(self, write: Callable[[], bool]) -> bool:
        """Write into the store; while it cannot take it, try again. Who ends leaves it to the next one."""
        delay = 0.1
        while True:
            try:
                return write()
            except StoreUnavailable:
                if self.ending() is not None:
                    return False
                time.sleep(delay)
                delay = min(2 * delay, 5.0)

    def serve(self, life: Lifeline) -> None:
        """Measure until it is time to end."""
        last = time.monotonic()
        while self.ending() is None and time.monotonic() - last < IDLE_SECONDS:
            with contextlib.suppress(StoreUnavailable):  # later it may be
                while self.ending() is None and self.next():
                    last = time.monotonic()
            with contextlib.suppress(queue.Empty):
                life.jobs.get(timeout=LOOK_SECONDS)


def real_measure() -> Measure:
    """Import torch and multiply and train a little once, so that the first experiment is a fast one."""
    import torch

    torch.set_num_threads(1)
    from rnncore.config import RunConfig
    from rnncore.lecture import EXPERIMENTS
    from rnncore.training import train

    for _ in train(RunConfig.of(task="parity", cell="gru", hidden_size=4, steps=2, batch_size=2)):
        pass
    return lambda name, settings: EXPERIMENTS[name].measure(settings)


def main(arguments: Sequence[str] | None = None, tools: Callable[[], Measure] = real_measure) -> int:
    """Warm up and measure. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rnncore.runs.experimenter", description=__doc__)
    parser.add_argument("--store", help="address of the run store; default: RNNCORE_STORE, else the home folder")
    given = parser.parse_args(arguments)
    life = Lifeline()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    with patiently(lambda: RunStore(given.store, patience=PATIENCE_SECONDS), note) as store:
        experimenter = Experimenter(store, tools(), lambda: life.reason)
        say(ready=True)
        experimenter.serve(life)
    return 0


if __name__ == "__main__":
    sys.exit(main())

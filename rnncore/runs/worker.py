"""A worker process: ``python -m rnncore.runs.worker``. One run at a time, on one thread.

It warms up, prints ``{"ready": true}``, and waits for a line ``{"run": "<id>"}``. Kept warm, it needs no import when
the run comes. After a run that came to an end of its own it prints ``{"done": "<id>"}`` and waits for the next one;
after an error, which may have left anything behind, it ends. It ends when its parent goes, too: with a checkpoint,
and the run marked as interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from rnncore.config import RunConfig
from rnncore.errors import RnncoreError
from rnncore.runs.database import patiently
from rnncore.runs.footprint import beyond_now, give_back
from rnncore.runs.session import Session, Surroundings, Tools
from rnncore.runs.store import RunStore

WATCH_SECONDS = 0.25
GRACE_SECONDS = 12.0
"""A worker that has not come to its end by then, because a step or the store takes too long, ends anyway."""
PATIENCE_SECONDS = 3.0
"""For a lock in the store, before the worker says so and tries again."""


def identity() -> str:
    """This process as ``pid:start time``: a number that is used again later doesn't pass for it."""
    import psutil

    return f"{os.getpid()}:{psutil.Process().create_time():.1f}"


class Lifeline:
    """Notices that the worker should end: its parent is gone, its input is closed, or a signal came.

    Args:
        parent: who started the worker, for the reason.

    Attributes:
        reason: why, in words; None while it need not end.
        jobs: run ids from standard input, None for the end of it.
    """

    def __init__(self, parent: str = "the server") -> None:
        self.reason: str | None = None
        self.jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._parent, self._gone = os.getppid(), f"{parent} ended"
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.end(f"{parent} stopped"))
        for target in (self._read, self._watch):
            threading.Thread(target=target, daemon=True).start()

    def end(self, reason: str) -> None:
        """Ask the worker to end."""
        if self.reason is None:
            self.reason = reason
            self.jobs.put(None)

    def _read(self) -> None:
        """Raw reads: a thread inside a buffered one would hold its lock when the interpreter ends."""
        pending = b""
        while data := os.read(0, 4096):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                self.jobs.put(str(json.loads(line)["run"]))
        self.end(self._gone)

    def _watch(self) -> None:
        while self.reason is None:
            if os.getppid() != self._parent:
                self.end(self._gone)
            time.sleep(WATCH_SECONDS)
        time.sleep(GRACE_SECONDS)
        os._exit(75)


def say(**message: Any) -> None:
    """A JSON line to the launcher, which may be gone."""
    with contextlib.suppress(OSError):
        print(json.dumps(message), flush=True)


def note(sentence: str) -> None:
    """What the worker waits for, '' for nothing."""
    say(note=sentence)


def real_tools() -> Tools:
    """Import torch and train tiny models once, so that the first step of the run is a fast one."""
    import torch

    torch.set_num_threads(1)
    from rnncore.diagnostics import live_measures
    from rnncore.runs.beside import counted_beside
    from rnncore.training import Checkpoint, Controls, train

    text = "the quick brown fox jumps over the lazy dog. " * 40
    for cell, corpus in (("lstm", None), ("gru", text), ("rnn_tanh", text)):
        config = RunConfig.of(cell=cell, steps=2, batch_size=4, sequence_length=16, sample_length=2)
        with contextlib.suppress(RnncoreError):  # without the standard corpus, the run itself will say so
            for _ in train(config, text=corpus, measures=live_measures(config)):
                pass
    return Tools(train, Controls, Checkpoint.from_bytes, live_measures, counted_beside)


def main(arguments: Sequence[str] | None = None, tools: Callable[[], Tools] = real_tools) -> int:
    """Warm up, wait for runs, run one after the other. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rnncore.runs.worker", description=__doc__)
    parser.add_argument("--store", help="address of the run store; default: RNNCORE_STORE, else the home folder")
    parser.add_argument("--host", help="address of the Dask worker that it belongs to; default: this machine's name")
    given = parser.parse_args(arguments)
    life = Lifeline("the Dask worker" if given.host else "the server")
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    with patiently(lambda: RunStore(given.store, patience=PATIENCE_SECONDS), note) as store:
        ready = tools()
        give_back()
        say(ready=True)
        while (run_id := life.jobs.get()) is not None and _run(store, run_id, ready, life, given.host):
            give_back()
            say(done=run_id)
    return 0


def _run(store: RunStore, run_id: str, tools: Tools, life: Lifeline, host: str | None) -> bool:
    """Run one; whether another may follow."""
    around = Surroundings(
        worker=identity(),
        host=host or socket.gethostname(),
        ending=lambda: life.reason,
        say=note,
        memory=beyond_now(),
    )
    return Session(store, patiently(lambda: store.get(run_id), note), tools, around).run()


if __name__ == "__main__":
    sys.exit(main())

"""A server for the tests, to be killed: it starts a run in a worker of its own, says so, and waits."""

from __future__ import annotations

import signal
import sys
import time

from rnncore.config import RunConfig
from rnncore.runs import launcher as launching
from rnncore.runs.launcher import Launcher
from rnncore.runs.store import RunStore
from tests.runs.fakes import COMMAND

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background ignores it
    launching.SPARE_SECONDS = 0.0
    with RunStore() as store, Launcher(store, slots=1, command=COMMAND) as launcher:
        run = launcher.submit(RunConfig.of(name="slow", steps=100_000))
        while store.get(run.id).step < 5 or sum(worker.ready for worker in launcher._workers) < 2:
            time.sleep(0.01)
        print(run.id, *(worker.pid for worker in launcher._workers), flush=True)
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            sys.exit(0)

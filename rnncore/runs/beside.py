"""Work beside a run: the n-gram baselines of its text, counted by a low-priority process of their own.

A fifth of a second of NumPy per megabyte would delay the first chart; the disk cache makes it a one-off.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable

from rnncore.config import RunConfig
from rnncore.records import Record
from rnncore.tasks.baselines import cached_baselines
from rnncore.tasks.corpora import load


def baselines_beside(config: RunConfig, text: str | None) -> Callable[[], Record | None]:
    """Begin to count; the returned question gives the record once, when it is there."""
    corpus = text if text is not None else load(config.task.corpus).text
    fraction = config.task.validation_fraction
    process: subprocess.Popen[bytes] | None = None
    found = cached_baselines(corpus, fraction, compute=False)
    if found is None:
        job = tempfile.TemporaryFile()  # noqa: SIM115 - the child reads it after this function has returned
        job.write(json.dumps({"text": corpus, "validation_fraction": fraction}).encode())
        job.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "rnncore.tasks.baselines"],
            stdin=job,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        job.close()
    waiting = True

    def ask() -> Record | None:
        nonlocal waiting
        if not waiting or (process is not None and process.poll() is None):
            return None
        waiting = False
        return found or cached_baselines(corpus, fraction, compute=False)

    return ask

"""Work beside a run: what is counted of its text once, by a low-priority process of its own.

A few tenths of a second of NumPy per megabyte for the n-gram baselines and one or two for the index of sample quality
would delay the first chart; the disk cache makes both a one-off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from rnncore.config import RunConfig, TextTask
from rnncore.errors import CorpusError
from rnncore.generation.quality import kept as quality
from rnncore.records import Record
from rnncore.tasks.baselines import cached_baselines, find_baselines
from rnncore.tasks.corpora import load
from rnncore.tasks.disk import digest_of

Ask = Callable[[], Record | None]
KINDS: tuple[Callable[[str, float], Record | None], ...] = (find_baselines, quality.find_levels)
"""What the cache is asked for: a record by digest and validation fraction."""


def counted_beside(config: RunConfig, text: str | None) -> Ask:
    """Begin to count; the returned question gives each record once, when it is there."""
    if not isinstance(config.task, TextTask):
        return lambda: None
    corpus = text if text is not None else load(config.task.corpus).text
    digest, fraction = digest_of(corpus), config.task.validation_fraction
    known = quality.is_kept(digest, fraction) and find_baselines(digest, fraction) is not None
    process = None if known else _start({"text": corpus, "validation_fraction": fraction})
    waiting = list(KINDS)

    def ask() -> Record | None:
        ended = process is None or process.poll() is not None  # before looking: what it wrote last is seen
        for find in waiting:
            if (record := find(digest, fraction)) is not None:
                waiting.remove(find)
                return record
        if ended:  # nothing more will come
            waiting.clear()
        return None

    return ask


def _start(job: dict[str, object]) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as file:  # the process has it open by the time it is closed here
        file.write(json.dumps(job).encode())
        file.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "rnncore.runs.beside"],
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    # Whoever asks may be gone before it ends: a run in a user's program must leave no zombie and no warning there.
    threading.Thread(target=process.wait, name="counting beside", daemon=True).start()
    return process


def main() -> int:
    """Count into the cache, at low priority, so that training is not held up.

    ``python -m rnncore.runs.beside`` reads a JSON job on standard input: ``text`` (or ``text_path``, a UTF-8 file)
    and ``validation_fraction``. Returns 0, or 2 with a sentence on standard error.
    """
    if hasattr(os, "nice"):
        os.nice(10)
    try:
        job = json.load(sys.stdin)
        text = job["text"] if "text" in job else Path(job["text_path"]).read_text("utf-8")
        fraction = float(job["validation_fraction"])
        cached_baselines(text, fraction)
        quality.build(text, fraction)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"the job must be JSON with text (or text_path) and validation_fraction, got "
            f"{type(error).__name__}: {error}; see rnncore.runs.beside",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

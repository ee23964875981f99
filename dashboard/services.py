"""What the server holds once, for all sessions: the run store and the launcher.

Sessions come and go; runs do not belong to them. Both services start with the first use and stop with the
server (see ``app.py``).
"""

from __future__ import annotations

import threading
from functools import lru_cache

from rnncore.config import RunConfig
from rnncore.cost import TYPICAL_VOCABULARY, check_memory
from rnncore.errors import CorpusError
from rnncore.runs.launcher import Launcher
from rnncore.runs.store import RunStore
from rnncore.tasks.corpora import CORPORA, load

_lock = threading.RLock()
_store: RunStore | None = None
_launcher: Launcher | None = None


def store() -> RunStore:
    """The run store of this server."""
    global _store
    with _lock:
        if _store is None:
            _store = RunStore()
        return _store


def launcher() -> Launcher:
    """The launcher of this server, started."""
    global _launcher
    with _lock:
        if _launcher is None:
            _launcher = Launcher(store(), validate=check)
            _launcher.start()
        return _launcher


def notes() -> dict[str, str]:
    """What the workers have to say at the moment, by run id; '' for what concerns all runs."""
    return dict(_launcher.notes) if _launcher is not None else {}


def stop() -> None:
    """Checkpoint and end all workers, and close the store."""
    global _launcher, _store
    with _lock:
        if _launcher is not None:
            _launcher.stop()
        if _store is not None:
            _store.close()
        _launcher = _store = None
    vocabulary_size.cache_clear()


def check(config: RunConfig) -> None:
    """Refuse a run that cannot succeed, before it starts: unknown text, or too large for the memory.

    Raises:
        CorpusError, StoreError, ConfigError: with a sentence each.
    """
    corpus = config.corpus
    if corpus is None:
        pass
    elif corpus.startswith("upload:"):
        store().corpus(corpus)
    elif corpus not in CORPORA:
        raise CorpusError(
            f"corpus must be one of {', '.join(CORPORA)} or an uploaded text, got {corpus!r}; choose one of the list"
        )
    check_memory(config, output_size(config))


def output_size(config: RunConfig) -> int:
    """Choices at each step; nearly right where the text is not on this machine yet."""
    return TYPICAL_VOCABULARY if config.corpus is None else vocabulary_size(config.corpus)


@lru_cache(maxsize=64)
def vocabulary_size(corpus: str) -> int:
    """Distinct characters of a corpus; a typical number for one that is not on this machine yet."""
    if corpus.startswith("upload:"):
        return len(set(store().corpus(corpus)[1]))
    if corpus not in CORPORA or CORPORA[corpus].needs_download:
        return TYPICAL_VOCABULARY
    return len(set(load(corpus).text))

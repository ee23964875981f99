"""A run's configuration as JSON, as ``train --config`` reads it."""

from __future__ import annotations

from pathlib import Path

from rnncore.runs.store import RunInfo, RunStore

FILE = "configuration.json"


def configuration(run: RunInfo) -> str:
    """JSON, indented; of a run that was trained elsewhere, what was seen of it."""
    return run.config.model_dump_json(indent=2) + "\n"


def write_configuration(store: RunStore, run_id: str, folder: Path) -> None:
    """Write ``configuration.json``."""
    (folder / FILE).write_text(configuration(store.get(run_id)), "utf-8")

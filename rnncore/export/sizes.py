"""About how large a run's forms are, without making any of them."""

from __future__ import annotations

from sqlalchemy import func, select

from rnncore.runs.schema import records
from rnncore.runs.store import RunInfo, RunStore

_PER_STEP = 30
"""Bytes that a step's numbers take when they are packed: measured, of all forms."""
_FLOAT = 4


def sizes(store: RunStore, run: RunInfo) -> dict[str, int]:
    """Bytes of each form as a zip file, or as its one file, to within a third or so: by what the store keeps."""
    kept = func.coalesce(func.sum(records.c.bytes), 0)
    with store.reading() as connection:
        packed = int(connection.execute(select(kept).where(records.c.run_id == run.id)).scalar_one())
    series = _PER_STEP * run.step
    return {
        "csv": packed + series,
        "parquet": packed + series,
        "tensorboard": series,
        "weights": _FLOAT * (run.parameters or 0),
        "json": len(run.config.to_json()),
    }


def in_words(size: int) -> str:
    """A number of bytes with its unit."""
    return f"about {size / 1e6:,.0f} MB" if size > 1.5e6 else f"about {max(size / 1e3, 1):,.0f} kB"

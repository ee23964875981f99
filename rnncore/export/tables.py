"""Every series and every record of a run as a table each, in CSV or Parquet.

``series/<name>`` has a row per step; ``records/<kind>`` has the rows of ``Record.frame()`` of all kept steps, one after
the other. Numbers are those that the store holds: losses in the task's stored unit (nats for all but regressions).
A run's records may be a hundred times larger as a table than in the store, so only one record is open at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncore.export.configuration import write_configuration
from rnncore.runs.store import RunStore

if TYPE_CHECKING:
    import pandas as pd

STEP_NAMES = ("training_step", "step")


def series_frame(store: RunStore, run_id: str, name: str) -> pd.DataFrame:
    """One series, a row per step."""
    import pandas as pd

    return pd.DataFrame(store.series(run_id, name))


def record_frames(store: RunStore, run_id: str, kind: str) -> Iterator[pd.DataFrame]:
    """The table of each kept record of a kind, ascending; each says which training step it belongs to."""
    for step in store.record_steps(run_id, kind):
        record = store.record(run_id, kind, at=step)
        if record is None or record.step != step:  # thinned out meanwhile, by a run that goes on
            continue
        frame = record.frame()
        if not set(STEP_NAMES) & set(frame.columns):
            frame.insert(0, STEP_NAMES[0], step)
        yield frame


def write_csv(store: RunStore, run_id: str, folder: Path) -> None:
    """Write ``series/*.csv``, ``records/*.csv`` and the configuration."""
    write_configuration(store, run_id, folder)
    for name in store.series_names(run_id):
        series_frame(store, run_id, name).to_csv(_path(folder, "series", name, "csv"), index=False)
    for kind in store.record_kinds(run_id):
        columns = list(_schema(record_frames(store, run_id, kind)).names)
        with _path(folder, "records", kind, "csv").open("w", encoding="utf-8", newline="") as file:
            for place, frame in enumerate(record_frames(store, run_id, kind)):
                whole = frame.reindex(columns=columns)
                whole.to_csv(file, index=False, header=place == 0, lineterminator="\n")


def write_parquet(store: RunStore, run_id: str, folder: Path) -> None:
    """Write ``series/*.parquet``, ``records/*.parquet`` (a row group per record) and the configuration."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_configuration(store, run_id, folder)
    for name in store.series_names(run_id):
        series_frame(store, run_id, name).to_parquet(
            _path(folder, "series", name, "parquet"), index=False, compression="zstd"
        )
    for kind in store.record_kinds(run_id):
        schema = _schema(record_frames(store, run_id, kind))
        with pq.ParquetWriter(_path(folder, "records", kind, "parquet"), schema, compression="zstd") as file:
            for frame in record_frames(store, run_id, kind):
                whole = frame.reindex(columns=schema.names)
                file.write_table(pa.Table.from_pandas(whole, schema=schema, preserve_index=False))


def _schema(frames: Iterator[pd.DataFrame]) -> Any:
    """Columns and types that hold all of the frames: one may lack what another one has."""
    import pyarrow as pa

    found = [pa.Schema.from_pandas(frame, preserve_index=False).remove_metadata() for frame in frames]
    return pa.unify_schemas(found, promote_options="permissive")


def _path(folder: Path, part: str, name: str, suffix: str) -> Path:
    (folder / part).mkdir(exist_ok=True)
    return folder / part / f"{name}.{suffix}"

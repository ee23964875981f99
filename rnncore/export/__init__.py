"""A run out of the store, in forms that other programs read: tables, TensorBoard's event files, weights, settings.

A form is a function that writes files into a folder; ``deliver`` puts them where the user wants them. Nothing here
needs torch. A new form is a file of its own here, and one line below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnncore.export.configuration import configuration as configuration
from rnncore.export.configuration import write_configuration
from rnncore.export.files import deliver as deliver
from rnncore.export.files import named as named
from rnncore.export.files import zipped as zipped
from rnncore.export.sizes import in_words as in_words
from rnncore.export.sizes import sizes as sizes
from rnncore.export.tables import write_csv, write_parquet
from rnncore.export.tensorboard import write_events
from rnncore.export.weights import Weights as Weights
from rnncore.export.weights import weights as weights
from rnncore.export.weights import write_weights
from rnncore.runs.store import RunStore


@dataclass(frozen=True)
class Form:
    """One form of a run: what it is, and what writes it into a folder."""

    about: str
    write: Callable[[RunStore, str, Path], None]


FORMS = {
    "csv": Form("every series and record as a table of text", write_csv),
    "parquet": Form("the same, in less space, with its types", write_parquet),
    "tensorboard": Form("event files: all series, samples as text", write_events),
    "weights": Form("safetensors with names of plain torch.nn, and five lines that load them", write_weights),
    "json": Form("the configuration, for train --config", write_configuration),
}


def write_runs(store: RunStore, run_ids: Sequence[str], form: str, folder: Path) -> None:
    """Write one run into the folder itself, several into a folder each.

    Raises:
        RunNotFound, ExportError, CheckpointError: a run is not there, or has nothing to write in this form.
    """
    for run_id in run_ids:
        inner = folder / run_id if len(run_ids) > 1 and form != "tensorboard" else folder
        inner.mkdir(exist_ok=True)
        FORMS[form].write(store, run_id, inner)

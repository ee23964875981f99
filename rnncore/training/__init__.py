"""Training as a stream of events: ``for event in train(config): ...``.

It never prints, plots or stores; what is to be measured is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnncore.config import RunConfig
from rnncore.training import events
from rnncore.training.checkpoint import Checkpoint
from rnncore.training.controls import Controls
from rnncore.training.measuring import Measure
from rnncore.training.trainer import Trainer

__all__ = ["Checkpoint", "Controls", "Trainer", "events", "train"]


def train(
    config: RunConfig,
    *,
    text: str | None = None,
    resume: Checkpoint | None = None,
    controls: Controls | None = None,
    measures: Sequence[Measure] = (),
) -> Iterator[events.Event]:
    """Train a configuration and yield what happens: Started, Step, Fed, Validation, Scored, Measured, Saved, Finished.

    Args:
        config: what to train; equal configurations give bit-identical weights and losses on one machine.
        text: the corpus of a text task; None loads ``config.corpus`` by its name.
        resume: a checkpoint to go on from, bit for bit as if the run had not stopped.
        controls: requests to the running loop: stop, checkpoint, change of lr or clip_norm.
        measures: what to look at (see ``rnncore.diagnostics.live_measures``), on ``config.watch.budget``.

    Raises:
        ConfigError: the device is not available.
        CorpusError: the text is unknown, or too short for one window.
        CheckpointError: the checkpoint belongs to another text or another configuration.
    """
    yield from Trainer(config, text, resume).events(controls or Controls(), measures)

"""Numbers of every step: equally long columns."""

from __future__ import annotations

import numpy as np

from rnncore.records.base import Array

Columns = dict[str, Array]
"""A series: equally long columns, e.g. step, seconds, loss."""

TRAIN_SERIES = (
    "step",  # completed training steps, 1, 2, ...
    "seconds",  # of training time, pauses left out
    "loss",  # nats per character, of this step's batch
    "grad_norm",  # global gradient norm before clipping
    "clip_norm",  # the threshold in force, nan for none
    "lr",  # the learning rate in force
)
VALIDATION_SERIES = ("step", "seconds", "loss")  # loss in nats per character on the validation text
SCORE_SERIES = (
    "step",
    "seconds",
    "score",  # the task's own measure on sequences as those of training
    "score_longer",  # on longer ones, nan where it was not measured
)
FEEDING_SERIES = (
    "step",
    "epsilon",  # the schedule's probability of feeding the truth
    "fraction",  # of the coins that did, nan where none was tossed
    "coins",  # tossed
    "seconds",  # that deciding took, of this step
)


def join(chunks: list[Columns]) -> Columns:
    """Chunks of a series, one after the other."""
    if not chunks:
        return {}
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}

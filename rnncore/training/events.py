"""What a training run says while it goes: plain values, cheap to make at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rnncore.records import Record
    from rnncore.training.checkpoint import Checkpoint


class Started(NamedTuple):
    """The model is built; ``step`` is 0, or where a resumed run goes on."""

    step: int
    parameters: int
    vocab_size: int
    device: str


class Step(NamedTuple):
    """One training step is done. Columns as in ``records.TRAIN_SERIES``."""

    step: int
    seconds: float  # of training so far, measuring included, pauses left out
    loss: float  # in the task's unit: nats per character for text
    grad_norm: float  # before clipping
    clip_norm: float  # nan where clipping is off
    lr: float


class Fed(NamedTuple):
    """What scheduled sampling fed in this step. Columns as in ``records.FEEDING_SERIES``."""

    step: int
    epsilon: float
    fraction: float
    coins: int
    seconds: float


class Validation(NamedTuple):
    """The loss on what is never trained on, in the task's unit: nats per character for text."""

    step: int
    seconds: float
    loss: float


class Scored(NamedTuple):
    """The task's own measure on what is never trained on. Columns as in ``records.SCORE_SERIES``."""

    step: int
    seconds: float
    score: float  # on sequences as those of training
    score_longer: float  # on longer ones, nan where it was not measured


class Measured(NamedTuple):
    """Something was measured at this step."""

    step: int
    record: Record


class Saved(NamedTuple):
    """A checkpoint that a resumed run can go on from, bit for bit."""

    step: int
    checkpoint: Checkpoint


class Finished(NamedTuple):
    """The last event. ``state`` is finished, stopped or diverged; ``reason`` is a sentence."""

    step: int
    state: str
    reason: str


Event = Started | Step | Fed | Validation | Scored | Measured | Saved | Finished

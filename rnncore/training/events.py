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
    loss: float  # nats per character
    grad_norm: float  # before clipping
    clip_norm: float  # nan where clipping is off
    lr: float


class Validation(NamedTuple):
    """The loss on the validation text, nats per character."""

    step: int
    seconds: float
    loss: float


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


Event = Started | Step | Validation | Measured | Saved | Finished

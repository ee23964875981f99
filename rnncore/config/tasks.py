"""What is learned: one section for each kind of task, told apart by ``kind``."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnncore.config.known_tasks import (
    AddingTask,
    AnbnTask,
    CopyMemoryTask,
    DelayedRecallTask,
    DigitsTask,
    DyckTask,
    ParityTask,
    SignOfSumTask,
    TemporalOrderTask,
)
from rnncore.config.sections import Section, setting
from rnncore.config.shapes.both_ways import BothWaysTask
from rnncore.config.shapes.captions import CaptionsTask
from rnncore.config.shapes.frames import FramesTask
from rnncore.config.shapes.image import ImageTask
from rnncore.config.shapes.motion import MotionTask
from rnncore.config.shapes.phonemes import PhonemesTask
from rnncore.config.shapes.sentiment import SentimentTask
from rnncore.config.shapes.sound import SoundTask
from rnncore.config.shapes.video import VideoTask


class TextTask(Section):
    """Predict the next character of a text."""

    kind: Literal["text"] = "text"
    corpus: str = setting(
        "python-stdlib",
        "The text to learn: a corpus name, or upload:<digest>",
        max_length=100,
        remedy="choose a corpus from the list or upload a text",
    )
    sequence_length: int = setting(
        64, "Characters per window, T: how far the gradient travels", unit="characters", ge=1, le=1000
    )
    stateful: bool = setting(
        True, "Carry the hidden state from one window to the next (truncated backpropagation through time)"
    )
    validation_fraction: float = setting(
        0.1, "Last part of the text, kept for validation", ge=0.01, le=0.5, unit="share of the text"
    )

    feeds_back: ClassVar[bool] = True
    title: ClassVar[str] = "text"
    loss_unit: ClassVar[str] = "bits per character"
    loss_size: ClassVar[float] = math.log(2)
    """Stored units, nats, in one unit that is shown."""


class SentencesTask(Section):
    """Say one of the lecture's three sentences, word by word."""

    kind: Literal["sentences"] = "sentences"

    feeds_back: ClassVar[bool] = True
    title: ClassVar[str] = "the three sentences"
    loss_unit: ClassVar[str] = "bits per word"
    loss_size: ClassVar[float] = math.log(2)
    stateful: ClassVar[bool] = False
    sequence_length: ClassVar[int] = 8
    """Words of the longest sentence, and the stop."""
    words: ClassVar[int] = 14
    """To choose from, the stop and a word that never occurs included."""


class HenonTask(Section):
    """Predict the next point of the Hénon map."""

    kind: Literal["henon"] = "henon"
    sequence_length: int = setting(
        50, "Points per sequence, T: how far the gradient travels", unit="steps", ge=2, le=1000
    )

    feeds_back: ClassVar[bool] = True
    title: ClassVar[str] = "the Hénon map"
    loss_unit: ClassVar[str] = "mean squared error"
    loss_size: ClassVar[float] = 1.0
    stateful: ClassVar[bool] = False


KnownTasks = (
    DelayedRecallTask
    | AddingTask
    | CopyMemoryTask
    | TemporalOrderTask
    | ParityTask
    | AnbnTask
    | DyckTask
    | DigitsTask
    | SignOfSumTask
)
"""Those that tell cells apart."""
ShapeTasks = (
    ImageTask
    | CaptionsTask
    | MotionTask
    | SentimentTask
    | FramesTask
    | VideoTask
    | SoundTask
    | BothWaysTask
    | PhonemesTask
)
"""Those of the lecture's shapes of networks."""
Task = Annotated[
    TextTask | SentencesTask | HenonTask | KnownTasks | ShapeTasks,
    Field(discriminator="kind", description="What is learned"),
]

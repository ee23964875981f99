"""Settings of the film that goes on: the next picture, as many of them as one likes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from rnncore.config.known_tasks import KnownTask, entropy
from rnncore.config.sections import setting


class VideoTask(KnownTask):
    """Predict the next frame of a film.

    Attributes:
        picture: rows and columns of a frame.
    """

    kind: Literal["video"] = "video"
    scene: Literal["square", "digits"] = Field(
        "square", description="What moves: a square that wraps round, or two handwritten digits between walls",
        json_schema_extra={"unit": "", "remedy": "choose one of square, digits"},
    )  # fmt: skip
    sequence_length: int = setting(16, "Frames of a training clip, T", unit="steps", ge=3, le=100)
    test_length: int = setting(32, "Frames of the longest clip of the test", unit="steps", ge=3, le=200)

    title: ClassVar[str] = "the next frame"
    tests: ClassVar[str] = (
        "Outputs of any size: what moves has to be found, kept and moved on, for as long as one likes."
    )
    loss_unit: ClassVar[str] = "bits per pixel"
    score_name: ClassVar[str] = "overlap with the truth (IoU)"
    feeds_back: ClassVar[bool] = True
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.9

    @property
    def picture(self) -> tuple[int, int]:
        """12×12 for the square, 16×16 for the digits."""
        return (12, 12) if self.scene == "square" else (16, 16)

    @property
    def wraps(self) -> bool:
        """Whether what leaves at one side comes in at the other: the square moves on a torus."""
        return self.scene == "square"

    @property
    def inputs(self) -> int:
        """The pixels."""
        return self.picture[0] * self.picture[1]

    @property
    def outputs(self) -> int:
        """The same, of the next frame: logits."""
        return self.inputs

    @property
    def floor(self) -> float:
        """Of always answering the mean picture: 4 of 144 pixels are bright; for the digits, measured on them."""
        return entropy([4 / 144, 140 / 144]) if self.scene == "square" else DIGITS_FLOOR

    @property
    def chance(self) -> float:
        """The mean picture is nowhere brighter than half, so that it overlaps with nothing."""
        return 0.0


DIGITS_FLOOR = 0.3136
"""Cross-entropy of the mean picture of two digits, in nats per pixel; measured on 2·10⁵ frames. Grey pixels have an
entropy of their own: whoever predicts them exactly still pays 0.0895."""

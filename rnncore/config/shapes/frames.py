"""Settings of the labelled frames: as many answers as pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask, entropy
from rnncore.config.sections import setting


class FramesTask(KnownTask):
    """Say at each frame of a clip what is seen and what it does.

    Attributes:
        picture: rows and columns of a frame.
        shapes: of which a clip shows one.
        motions: of which it does one at each frame.
        sequence_length: frames of a clip, T.
    """

    kind: Literal["frames"] = "frames"
    noise: float = setting(
        0.1, "Standard deviation of the noise on each pixel", unit="brightness, from 0 to 1", ge=0, le=1
    )

    title: ClassVar[str] = "labels of frames"
    tests: ClassVar[str] = "Many to many, in step: what each frame shows, and how it came from the one before."
    loss_unit: ClassVar[str] = "bits per frame"
    score_name: ClassVar[str] = "share of frames right"
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.9
    picture: ClassVar[tuple[int, int]] = (12, 12)
    shapes: ClassVar[tuple[str, ...]] = ("square", "cross")
    motions: ClassVar[tuple[str, ...]] = ("standing", "left", "right", "up", "down")
    sequence_length: ClassVar[int] = 20
    sizes: ClassVar[tuple[int, int]] = (picture[0] * picture[1], len(shapes) * len(motions))

    @property
    def choices(self) -> list[str]:
        """What can be answered."""
        return self.names

    @property
    def names(self) -> list[str]:
        """Of the labels: shape and motion."""
        return [f"{shape} {motion}" for shape in self.shapes for motion in self.motions]

    @property
    def floor(self) -> float:
        """The entropy of how often each label is right."""
        return entropy([self.chance] * len(self.shapes) + [self._moving] * (self.outputs - len(self.shapes)))

    @property
    def chance(self) -> float:
        """Of always calling it a square that stands: half of the first frames, and a tenth of the others."""
        return 1 / len(self.shapes) - (len(self.motions) - 1) * self._moving

    @property
    def _moving(self) -> float:
        """How often each of the other labels is right: the first frame, which came from nowhere, stands."""
        return (1 - 1 / self.sequence_length) / self.outputs

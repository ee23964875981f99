"""Settings of the moving shapes: many pictures to one answer."""

from __future__ import annotations

from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask
from rnncore.config.sections import setting


class MotionTask(KnownTask):
    """Say at the end of a clip how its shape moves.

    Attributes:
        picture: rows and columns of a frame.
        shapes: that move.
        motions: to tell apart.
        sequence_length: frames of a clip, T.
    """

    kind: Literal["motion"] = "motion"
    noise: float = setting(
        0.1, "Standard deviation of the noise on each pixel", unit="brightness, from 0 to 1", ge=0, le=1
    )

    title: ClassVar[str] = "kinds of motion"
    tests: ClassVar[str] = "Many to one: only the order of the frames tells the motion; any one frame tells nothing."
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.97  # who cannot tell left turns from right ones gets 7/8
    picture: ClassVar[tuple[int, int]] = (12, 12)
    shapes: ClassVar[tuple[str, ...]] = ("square", "cross", "bar")
    motions: ClassVar[tuple[str, ...]] = (
        "left", "right", "up", "down", "growing", "shrinking", "turning left", "turning right",
    )  # fmt: skip
    choices: ClassVar[tuple[str, ...]] = motions
    sequence_length: ClassVar[int] = 12
    sizes: ClassVar[tuple[int, int]] = (picture[0] * picture[1], len(motions))

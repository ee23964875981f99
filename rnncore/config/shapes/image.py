"""Settings of the single picture: one input, one answer."""

from __future__ import annotations

from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask


class ImageTask(KnownTask):
    """Say which digit a picture shows.

    Attributes:
        picture: rows and columns of what is read.
        sequence_length: the only step there is.
    """

    kind: Literal["image"] = "image"

    title: ClassVar[str] = "single digits"
    tests: ClassVar[str] = "One to one: a picture, a digit, and no time at all. What a recurrent layer is without it."
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.9
    picture: ClassVar[tuple[int, int]] = (8, 8)
    choices: ClassVar[tuple[str, ...]] = tuple("0123456789")
    sequence_length: ClassVar[int] = 1
    sizes: ClassVar[tuple[int, int]] = (picture[0] * picture[1], len(choices))

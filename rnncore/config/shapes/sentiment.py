"""Settings of the phrases that praise or blame: many words to one answer."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask

GOOD = ("good", "great", "lovely", "clever", "moving")
BAD = ("bad", "dull", "awful", "stupid", "weak")
THINGS = ("film", "music", "plot", "acting")
JOINTS = ("the", "was", "not", "never", "and", "but", "at", "all")


class SentimentTask(KnownTask):
    """Say whether a phrase praises or blames.

    Attributes:
        words: the vocabulary, in the order of the inputs.
        sequence_length: words of the longest phrase, T.
    """

    kind: Literal["sentiment"] = "sentiment"

    title: ClassVar[str] = "praise or blame"
    tests: ClassVar[str] = "Many to one: negation and “but” turn a phrase round, so that the order of words decides."
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.99
    words: ClassVar[tuple[str, ...]] = (*JOINTS, *THINGS, *GOOD, *BAD)
    choices: ClassVar[tuple[str, ...]] = ("blame", "praise")
    sequence_length: ClassVar[int] = 15
    sizes: ClassVar[tuple[int, int]] = (len(words), 2)

    @property
    def floor(self) -> float:
        """Praise and blame are equally frequent."""
        return math.log(2)

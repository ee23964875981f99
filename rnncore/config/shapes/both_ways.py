"""Settings of the task that only a network of both directions can do."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask
from rnncore.config.sections import setting


class BothWaysTask(KnownTask):
    """Say whether the bits before and behind this one are both 1."""

    kind: Literal["both_ways"] = "both_ways"
    sequence_length: int = setting(20, "Bits of a sequence, T", unit="steps", ge=3, le=500)

    title: ClassVar[str] = "both neighbours"
    tests: ClassVar[str] = "Both directions: each answer needs the bit before and the bit that comes next."
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.99
    choices: ClassVar[tuple[str, ...]] = ("no", "yes")
    sizes: ClassVar[tuple[int, int]] = (1, 2)

    @property
    def floor(self) -> float:
        """The entropy of how often the answer is yes: a quarter of the inner steps, never at the ends."""
        yes = (self.sequence_length - 2) / (4 * self.sequence_length)
        return -yes * math.log(yes) - (1 - yes) * math.log(1 - yes)

    @property
    def one_way_floor(self) -> float:
        """The least loss of a network that reads the past only: ln 2 where the bit before is 1, else 0; the ends are
        certain. ½ ln 2 for long sequences."""
        return 0.5 * math.log(2) * (self.sequence_length - 2) / self.sequence_length

    @property
    def chance(self) -> float:
        """Of always answering no."""
        return 1 - (self.sequence_length - 2) / (4 * self.sequence_length)

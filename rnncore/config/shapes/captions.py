"""Settings of the captions: one picture to many letters."""

from __future__ import annotations

from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask, entropy
from rnncore.config.sections import setting


class CaptionsTask(KnownTask):
    """Write down in words the digits that a picture shows.

    Attributes:
        picture: rows and columns of what is read at the first step.
        names: of the digits from 0 on.
        alphabet: what is written: the letters of these, a space, and a stop.
    """

    kind: Literal["captions"] = "captions"
    most: int = setting(2, "Most digits in a picture; there are 1 to so many", unit="digits", ge=1, le=3)

    title: ClassVar[str] = "captions"
    tests: ClassVar[str] = (
        "One to many: a picture is read once, then its digits are written in words, letter by letter."
    )
    loss_unit: ClassVar[str] = "bits per letter"
    score_name: ClassVar[str] = "captions without a mistake"
    feeds_back: ClassVar[bool] = True
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.8
    picture: ClassVar[tuple[int, int]] = (8, 24)
    names: ClassVar[tuple[str, ...]] = (
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    )  # fmt: skip
    space: ClassVar[str] = " "
    stop: ClassVar[str] = "."
    alphabet: ClassVar[str] = "efghinorstuvwxz" + space + stop

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be answered."""
        return tuple(one.replace(self.space, "␣") for one in self.alphabet)

    @property
    def sequence_length(self) -> int:
        """The longest caption and its stop: names of five letters, each with a space or the stop behind it."""
        return self.most * (max(map(len, self.names)) + 1)

    @property
    def inputs(self) -> int:
        """The pixels, then the letter before."""
        return self.picture[0] * self.picture[1] + len(self.alphabet)

    @property
    def outputs(self) -> int:
        """Letters, space and stop."""
        return len(self.alphabet)

    @property
    def floor(self) -> float:
        """The entropy of how often each letter occurs, with the number of digits and the digits evenly drawn."""
        text = "".join(self.names)
        digits = (1 + self.most) / 2  # in a picture, on average
        counts = [text.count(one) / len(self.names) * digits for one in self.alphabet if one in text]
        counts += [1.0] if self.most == 1 else [digits - 1, 1.0]  # spaces, and the stop
        return entropy([one / sum(counts) for one in counts])

    @property
    def chance(self) -> float:
        """Nobody guesses a whole caption."""
        return 0.0

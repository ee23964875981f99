"""Settings of the sounds of words: the end of a word decides its beginning."""

from __future__ import annotations

import math
from functools import cached_property
from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask, entropy
from rnncore.config.sections import setting

CONSONANTS, VOWELS, SILENT, SPACE = "dklmnpst", "aiou", "e", " "
LONG = "\u0304"
"""Written behind a long vowel: a line above it."""
SYLLABLES = (1, 2, 3)
"""Of a word, evenly drawn; an e at its end in half of the cases."""


class PhonemesTask(KnownTask):
    """Say how each letter of made-up words sounds.

    Attributes:
        letters: what is read.
        choices: the sounds: a consonant, a vowel short or long, silence.
    """

    kind: Literal["phonemes"] = "phonemes"
    sequence_length: int = setting(36, "Letters of a sequence, words and spaces, T", unit="steps", ge=5, le=200)

    title: ClassVar[str] = "sounds of words"
    tests: ClassVar[str] = "Both directions: an e at the end of a word makes all of its vowels long."
    loss_unit: ClassVar[str] = "bits per letter"
    score_name: ClassVar[str] = "share of letters right"
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    shown: ClassVar[bool] = True
    solved_at: ClassVar[float] = 0.99
    letters: ClassVar[str] = SPACE + CONSONANTS + VOWELS + SILENT
    choices: ClassVar[tuple[str, ...]] = ("consonant", *VOWELS, *(vowel + LONG for vowel in VOWELS), "silence")
    sizes: ClassVar[tuple[int, int]] = (len(letters), len(choices))

    @cached_property
    def _expected(self) -> dict[str, float]:
        """How many consonants, vowels and silent steps a sequence has on average, by what is left of it."""
        tables = {name: [0.0] for name in ("consonant", "vowel", "silence")}
        for left in range(1, self.sequence_length + 1):
            found = dict.fromkeys(tables, 0.0)
            for syllables in SYLLABLES:
                for e in (0, 1):
                    length = 2 * syllables + 1 + e
                    share = 1 / (2 * len(SYLLABLES))
                    if 2 * syllables + 2 > left:
                        found["silence"] += share * left
                        continue
                    space = min(1, left - length)
                    rest = left - length - space
                    own = {"consonant": syllables + 1, "vowel": syllables, "silence": e + space}
                    for name in found:
                        found[name] += share * (own[name] + tables[name][rest])
            for name, value in found.items():
                tables[name].append(value)
        return {name: values[-1] / self.sequence_length for name, values in tables.items()}

    @property
    def floor(self) -> float:
        """The entropy of how often each sound is right, in nats."""
        share = self._expected
        vowels = [share["vowel"] / (2 * len(VOWELS))] * 2 * len(VOWELS)
        return entropy([share["consonant"], share["silence"], *vowels])

    @property
    def one_way_floor(self) -> float:
        """The least loss of a network that reads the past only: ln 2 at each vowel, for the e comes last."""
        return self._expected["vowel"] * math.log(2)

    @property
    def chance(self) -> float:
        """Of always answering a consonant, or silence."""
        return max(self._expected["consonant"], self._expected["silence"])

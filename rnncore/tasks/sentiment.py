"""Praise or blame: phrases of a small grammar in which the order of words decides.

    phrase  = clause | clause "and" clause | clause "but" clause
    clause  = "the" thing "was" [ "not" | "never" | "not" "at" "all" ] judgement

A negation turns its judgement round ("not bad" praises). Of two clauses joined by "but" the second one counts, as it
does in speech. Clauses joined by "and" are made to agree. The answer is asked for at the phrase's last word; behind it
there are zeros. Phrases whose words sum to a multiple of five (numbers of the words, times their places) are held out:
they are examined, and never trained on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.shapes.sentiment import BAD, GOOD, THINGS
from rnncore.config.shapes.sentiment import SentimentTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, is_held_out, one_hot

NEGATIONS = ((), ("not",), ("never",), ("not", "at", "all"))
HELD_OUT = 5
_NUMBER = {word: number for number, word in enumerate(Settings.words)}


class SentimentTask(DrawnTask):
    """Words one-hot, (T, B, 22); praise is 1, blame 0, at the last word, (T, B)."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Lengths fall, and the first phrase has the full length, as in every batch of several lengths."""
        held, found = is_held_out(generator), list[tuple[list[int], int]]()
        while len(found) < count:
            words, answer = self._phrase(generator, longest=not found)
            numbers = [_NUMBER[word] for word in words]
            if (sum((at + 1) * number for at, number in enumerate(numbers)) % HELD_OUT == 0) == held:
                found.append((numbers, answer))
        found.sort(key=lambda one: -len(one[0]))
        ids = np.full((self.sequence_length, count), -1, np.int64)
        targets = np.full((self.sequence_length, count), IGNORE, np.int64)
        for column, (numbers, answer) in enumerate(found):
            ids[: len(numbers), column] = numbers
            targets[len(numbers) - 1, column] = answer
        return one_hot(ids, self.input_size or 0), targets

    @staticmethod
    def _phrase(generator: np.random.Generator, longest: bool) -> tuple[list[str], int]:
        """Words, and whether they praise; any phrase, or one of the longest."""
        shape, praise, other, things = (int(one) for one in generator.integers(0, (3, 2, 2, 12)))
        shape = 1 + other if longest else shape
        first, second = THINGS[things % 4], THINGS[(things % 4 + 1 + things // 4) % 4]
        if shape == 0:
            return _clause(generator, first, praise, longest), praise
        if shape == 1:
            return [
                *_clause(generator, first, praise, longest),
                "and",
                *_clause(generator, second, praise, longest),
            ], praise
        return [*_clause(generator, first, other, longest), "but", *_clause(generator, second, praise, longest)], praise

    @property
    def longest(self) -> int:
        """The grammar has a longest phrase."""
        return self.sequence_length

    @property
    def lengths(self) -> list[int]:
        """The same."""
        return [self.sequence_length]

    def symbols(self, inputs: Floats) -> list[str]:
        """The words."""
        return [self.config.words[int(row.argmax())] if row.any() else "" for row in inputs]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """Praise or blame, where it is asked for."""
        return ["" if one == IGNORE else ("blame", "praise")[one] for one in targets.tolist()]


def _clause(generator: np.random.Generator, thing: str, praise: int, longest: bool) -> list[str]:
    """One clause that praises, or one that does not."""
    which, judgement = (int(one) for one in generator.integers(0, (2 * len(NEGATIONS), len(GOOD))))
    which = len(NEGATIONS) - 1 if longest else which
    negation = NEGATIONS[which] if which < len(NEGATIONS) else ()  # five in eight clauses are plain
    good = praise ^ bool(negation)
    return ["the", thing, "was", *negation, (GOOD if good else BAD)[judgement]]

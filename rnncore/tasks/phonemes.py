"""The sounds of made-up words: every vowel is long where the word ends in e, and that e is silent.

As in English "hat" and "hate", but for all vowels of a word: *mitas* has short ones, *mitase* long ones. Words are one
to three syllables of a consonant and a vowel, a last consonant, and an e in half of the cases; they stand one behind
the other with spaces between them, and what no word fits into, with an e or without, is left empty. A network that
reads the past only has to guess at every vowel: see ``PhonemesTask.one_way_floor``.

Shapes: T letters, D = 14 letters, K = 10 sounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config.shapes.phonemes import CONSONANTS, LONG, SILENT, SPACE, SYLLABLES, VOWELS
from rnncore.config.shapes.phonemes import PhonemesTask as Settings
from rnncore.tasks.drawn import Drawn, DrawnTask, Floats, one_hot


class PhonemesTask(DrawnTask):
    """Letters, (T, B, 14), and their sounds, (T, B)."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Syllables, letters and endings are evenly drawn."""
        steps = length or self.sequence_length
        texts = [_text(generator, steps) for _ in range(count)]
        ids = np.array([[Settings.letters.index(letter) for letter in text] for text in texts]).T
        targets = np.array([[Settings.choices.index(sound) for sound in sounds(text)] for text in texts]).T
        return one_hot(ids, len(Settings.letters)), targets

    @property
    def longest(self) -> int:
        """All sequences have one length."""
        return self.sequence_length

    @property
    def lengths(self) -> list[int]:
        """The same."""
        return [self.sequence_length]

    def symbols(self, inputs: Floats) -> list[str]:
        """The letters."""
        return ["␣" if (letter := Settings.letters[int(row.argmax())]) == SPACE else letter for row in inputs]

    def answers(self, targets: NDArray[Any]) -> list[str]:
        """The sounds."""
        return [self.config.choices[one] for one in targets.tolist()]


def _text(generator: np.random.Generator, steps: int) -> str:
    """Words up to so many letters, and spaces behind them."""
    found = ""
    while len(found) < steps:
        syllables, e = SYLLABLES[generator.integers(len(SYLLABLES))], generator.integers(2)
        if len(found) + 2 * syllables + 2 > steps:  # with an e or without: its end tells nothing of the ending
            break
        consonants = [CONSONANTS[one] for one in generator.integers(len(CONSONANTS), size=syllables + 1)]
        vowels = [VOWELS[one] for one in generator.integers(len(VOWELS), size=syllables)]
        word = "".join(a + b for a, b in zip(consonants, [*vowels, ""], strict=True))
        found += word + SILENT * int(e) + SPACE
    return found[:steps].ljust(steps, SPACE)


def sounds(text: str) -> list[str]:
    """How each letter sounds."""
    found: list[str] = []
    for word in text.split(SPACE):
        long = word.endswith(SILENT)
        for letter in word:
            vowel = letter + LONG * long
            found.append(vowel if letter in VOWELS else "silence" if letter == SILENT else "consonant")
        found.append("silence")
    return found[: len(text)]

"""Tasks whose truth is known: what each tests, its floor, chance, and when it counts as solved.

Needs neither torch nor NumPy, so that a page can say all of it before anything runs. The examples themselves are made
in ``rnncore/tasks``, one file each.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from rnncore.config.sections import Section, setting


class KnownTask(Section):
    """Base of the tasks whose truth is known.

    Attributes:
        title: in a sentence: "learns ...".
        tests: what it tests, one line.
        loss_unit, loss_size: what a loss is shown in, and how much of the stored unit one of it is.
        score_name: the task's own measure.
        higher_is_better: of the score.
        length_leaf: the setting that says how far there is to remember; '' for none.
        test_leaf: the setting that says how long the longest test is; '' for none.
        feeds_back: whether what it answers may be its next input, as scheduled sampling needs it.
        inputs, outputs: numbers read at each step, D, and choices (or numbers) answered, K.
        sequence_length: steps of the longest training sequence, T.
        floor: the loss of knowing nothing, in the stored unit.
        chance: the score of knowing nothing.
        solved_at: the score from which a run counts as having solved it.
    """

    title: ClassVar[str]
    tests: ClassVar[str]
    loss_unit: ClassVar[str] = "bits per answer"
    loss_size: ClassVar[float] = math.log(2)
    score_name: ClassVar[str] = "accuracy"
    higher_is_better: ClassVar[bool] = True
    stateful: ClassVar[bool] = False
    feeds_back: ClassVar[bool] = False
    length_leaf: ClassVar[str] = "sequence_length"
    test_leaf: ClassVar[str] = "test_length"
    solved_at: ClassVar[float] = 0.95
    shown: ClassVar[bool] = False
    """Whether what is answered on a few sequences is kept as the network learns (``records.Examples``)."""
    sizes: ClassVar[tuple[int, int]]
    """Inputs and outputs, where they do not depend on the settings."""

    @property
    def inputs(self) -> int:
        """Numbers read at each step, D."""
        return self.sizes[0]

    @property
    def outputs(self) -> int:
        """Choices (or numbers) answered, K."""
        return self.sizes[1]

    @property
    def floor(self) -> float:
        """Cross-entropy of equal odds, ln K, in nats."""
        return math.log(self.outputs)

    @property
    def chance(self) -> float:
        """Share of right answers by guessing."""
        return 1 / self.outputs

    @model_validator(mode="after")
    def _tests_are_longer(self) -> Any:
        if self.test_leaf and getattr(self, self.test_leaf) < getattr(self, self.length_leaf):
            longest, trained = getattr(self, self.test_leaf), getattr(self, self.length_leaf)
            raise ValueError(
                f"{self.test_leaf} must be >= {self.length_leaf}, got {longest} and {trained}; "
                f"use {trained} to test on no longer ones"
            )
        return self


def entropy(frequencies: list[float]) -> float:
    """Of answers of such frequencies, in nats."""
    return -sum(one * math.log(one) for one in frequencies)


def _frequencies(mean: float) -> tuple[float, float]:
    """Of each half of a string and of its end, for strings of two halves of so many symbols on average."""
    return mean / (2 * mean + 1), 1 / (2 * mean + 1)


def _steps(default: int, description: str, *, ge: int = 2, le: int = 1000) -> Any:
    return setting(default, description, unit="steps", ge=ge, le=le)


class DelayedRecallTask(KnownTask):
    """Say at the end which symbol came first."""

    kind: Literal["delayed_recall"] = "delayed_recall"
    sequence_length: int = _steps(50, "Steps from the symbol to the answer, T: the lag")
    test_length: int = _steps(100, "Longest lag of the test", le=2000)
    symbols: int = setting(8, "Symbols to tell apart", ge=2, le=32)

    title: ClassVar[str] = "delayed recall"
    tests: ClassVar[str] = "Memory alone: one symbol, then nothing new until it is asked for."

    @property
    def inputs(self) -> int:
        """The symbols, and one that says nothing."""
        return self.symbols + 1

    @property
    def outputs(self) -> int:
        """The symbols."""
        return self.symbols


class AddingTask(KnownTask):
    """Add the two numbers that are marked."""

    kind: Literal["adding"] = "adding"
    sequence_length: int = _steps(50, "Numbers in a row, T", ge=4)
    test_length: int = _steps(100, "Longest row of the test", ge=4, le=2000)

    title: ClassVar[str] = "adding"
    tests: ClassVar[str] = "Exact memory of two real numbers among many that do not count."
    loss_unit: ClassVar[str] = "mean squared error"
    loss_size: ClassVar[float] = 1.0
    score_name: ClassVar[str] = "mean squared error"
    higher_is_better: ClassVar[bool] = False
    solved_at: ClassVar[float] = 0.01
    sizes: ClassVar[tuple[int, int]] = (2, 1)

    @property
    def floor(self) -> float:
        """1/6: always answering 1 misses the sum of two uniform numbers by its variance, 2/12."""
        return 1 / 6

    @property
    def chance(self) -> float:
        """The same."""
        return self.floor


class CopyMemoryTask(KnownTask):
    """Repeat ten symbols after a pause."""

    kind: Literal["copy_memory"] = "copy_memory"
    delay: int = _steps(10, "Steps between the symbols and the sign to repeat them", ge=1)
    test_delay: int = _steps(20, "Longest delay of the test", ge=1, le=2000)

    title: ClassVar[str] = "copy memory"
    tests: ClassVar[str] = "Capacity: ten symbols at once, in order, over a pause."
    loss_unit: ClassVar[str] = "bits per step"
    length_leaf: ClassVar[str] = "delay"
    test_leaf: ClassVar[str] = "test_delay"
    sizes: ClassVar[tuple[int, int]] = (10, 9)  # eight symbols and the pause; read, also the sign to repeat them
    copied: ClassVar[int] = 10
    symbols: ClassVar[int] = 8

    @property
    def sequence_length(self) -> int:
        """Symbols, pause, and their copy."""
        return self.delay + 2 * self.copied

    @property
    def floor(self) -> float:
        """10·ln 8 / (delay + 20): knowing when to answer, but not what (Arjovsky et al. 2016, arXiv:1511.06464)."""
        return self.copied * math.log(self.symbols) / self.sequence_length

    @property
    def chance(self) -> float:
        """Of the copied symbols."""
        return 1 / self.symbols


class TemporalOrderTask(KnownTask):
    """Say in which order two symbols came."""

    kind: Literal["temporal_order"] = "temporal_order"
    sequence_length: int = _steps(50, "Steps, T: the symbols lie about a tenth and about a half of it behind", ge=10)
    test_length: int = _steps(100, "Longest sequence of the test", ge=10, le=2000)

    title: ClassVar[str] = "temporal order"
    tests: ClassVar[str] = "Whether order survives: X and Y somewhere among noise, in one of four orders."
    sizes: ClassVar[tuple[int, int]] = (6, 4)


class ParityTask(KnownTask):
    """Say after each bit whether there were an odd number of ones."""

    kind: Literal["parity"] = "parity"
    sequence_length: int = _steps(20, "Bits of a training sequence, T")
    test_length: int = _steps(200, "Longest sequence of the test", le=2000)

    title: ClassVar[str] = "parity"
    tests: ClassVar[str] = "One bit of state that any input may flip, for as long as it takes; no attention can do it."
    solved_at: ClassVar[float] = 0.99
    sizes: ClassVar[tuple[int, int]] = (1, 2)


class AnbnTask(KnownTask):
    """Count: as many b as there were a."""

    kind: Literal["anbn"] = "anbn"
    n_max: int = setting(20, "Largest n in training", ge=1, le=300)
    n_test: int = setting(100, "Largest n of the test", ge=1, le=500)

    title: ClassVar[str] = "aⁿbⁿ"
    tests: ClassVar[str] = "Counting: after n times a, exactly n times b, for n far beyond those of training."
    loss_unit: ClassVar[str] = "bits per symbol"
    score_name: ClassVar[str] = "share of n accepted"
    length_leaf: ClassVar[str] = "n_max"
    test_leaf: ClassVar[str] = "n_test"
    sizes: ClassVar[tuple[int, int]] = (3, 3)  # a, b, and the end

    @property
    def sequence_length(self) -> int:
        """The longest string, and its end."""
        return 2 * self.n_max + 1

    @property
    def floor(self) -> float:
        """The entropy of how often a, b and the end are the answer, with n evenly drawn."""
        letter, end = _frequencies((self.n_max + 1) / 2)
        return entropy([letter, letter, end])

    @property
    def chance(self) -> float:
        """Nobody guesses a whole string."""
        return 0.0


class DyckTask(KnownTask):
    """Close brackets in the right order."""

    kind: Literal["dyck"] = "dyck"
    pairs: int = setting(2, "Kinds of brackets", ge=1, le=8)
    depth: int = setting(6, "Most brackets open at once", ge=1, le=50)
    sequence_length: int = _steps(31, "Steps of the longest training string with its end, T", ge=5)
    test_length: int = _steps(101, "Steps of the longest string of the test", ge=5, le=1000)

    title: ClassVar[str] = "brackets"
    tests: ClassVar[str] = "A stack: which kind of bracket has to be closed next (Dyck-n, of bounded depth)."
    loss_unit: ClassVar[str] = "bits per symbol"
    score_name: ClassVar[str] = "closing brackets right"

    @property
    def inputs(self) -> int:
        """An opening and a closing bracket of each kind, and the end."""
        return 2 * self.pairs + 1

    @property
    def outputs(self) -> int:
        """The same."""
        return self.inputs

    @property
    def floor(self) -> float:
        """The entropy of how often each bracket and the end are the answer, with the number of pairs evenly drawn."""
        half, end = _frequencies(((self.sequence_length - 1) // 2 + 1) / 2)
        return entropy([half / self.pairs] * 2 * self.pairs + [end])

    @property
    def chance(self) -> float:
        """Of the kinds, for a bracket that is known to be closing."""
        return 1 / self.pairs


class DigitsTask(KnownTask):
    """Read a handwritten digit in pieces."""

    kind: Literal["digits"] = "digits"
    read_by: Literal["row", "pixel"] = Field(
        "row", description="What is read at a step: a row of 8 pixels, or one pixel",
        json_schema_extra={"unit": "", "remedy": "choose one of row, pixel"},
    )  # fmt: skip

    title: ClassVar[str] = "sequential digits"
    tests: ClassVar[str] = "Real data: scikit-learn's 8×8 digits, read row by row, or pixel by pixel."
    length_leaf: ClassVar[str] = ""
    test_leaf: ClassVar[str] = ""
    solved_at: ClassVar[float] = 0.9

    @property
    def sequence_length(self) -> int:
        """8 rows or 64 pixels."""
        return 8 if self.read_by == "row" else 64

    @property
    def inputs(self) -> int:
        """8 pixels or one."""
        return 64 // self.sequence_length

    @property
    def outputs(self) -> int:
        """The digits."""
        return 10


class SignOfSumTask(KnownTask):
    """Say whether the numbers read add up to more than 0, however many they are."""

    kind: Literal["sign_of_sum"] = "sign_of_sum"
    sequence_length: int = _steps(20, "Most numbers of a training sequence, T", ge=1)
    test_length: int = _steps(40, "Most numbers of the test", ge=1, le=2000)

    title: ClassVar[str] = "sign of a sum"
    tests: ClassVar[str] = "Inputs of any size: sequences of 1 to T numbers, tested on longer ones than it ever saw."
    solved_at: ClassVar[float] = 0.9
    sizes: ClassVar[tuple[int, int]] = (1, 2)

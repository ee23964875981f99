"""When to measure: a time budget shared by everything that watches a run.

Measuring never changes training. It only costs time, and this file decides how much: each measure has a
share of the budget and is due when its next turn still fits into it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rnncore.records import Record

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer


class Measure(Protocol):
    """Something that looks at a training step."""

    name: str
    share: float  # of the whole budget, 0..1

    def forced(self, step: int) -> bool:
        """Whether this step is measured whatever the budget says."""

    def around(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """A context around forward and backward of the step, e.g. a probe's hooks."""

    def records(self, trainer: Trainer, opened: Any) -> Iterable[Record]:
        """What was seen, after the step; ``opened`` is what ``around`` gave."""


def is_power_of_two(step: int) -> bool:
    """1, 2, 4, 8, ...: the log-spaced steps that every run measures."""
    return step > 0 and step & (step - 1) == 0


@dataclass
class _Account:
    spent: float = 0.0
    expected: float = 0.0  # seconds for the next turn, a running mean
    last: float = float("-inf")


@dataclass
class Budget:
    """Seconds that measuring may take: ``fraction`` of the run's time, shared out among the measures.

    A measure is due when what it has spent and what its next turn will probably cost fit into its share, and
    when ``pause`` seconds have gone by since its last turn: faster than the eye is a waste.
    """

    fraction: float
    pause: float = 0.25
    clock: Callable[[], float] = time.perf_counter
    accounts: dict[str, _Account] = field(default_factory=dict)

    def due(self, name: str, share: float, elapsed: float) -> bool:
        """Whether the measure fits into its share after ``elapsed`` seconds of the run."""
        account = self.accounts.setdefault(name, _Account())
        if self.fraction == 0 or elapsed - account.last < self.pause:
            return False
        return account.spent + account.expected <= self.fraction * share * elapsed

    def book(self, name: str, seconds: float, elapsed: float) -> None:
        """Note what one turn cost."""
        account = self.accounts.setdefault(name, _Account())
        account.expected = seconds if account.spent == 0 else 0.7 * account.expected + 0.3 * seconds
        account.spent += seconds
        account.last = elapsed

    @property
    def spent(self) -> float:
        """Seconds spent on measuring so far."""
        return sum(account.spent for account in self.accounts.values())


def due_measures(measures: Sequence[Measure], budget: Budget, step: int, elapsed: float) -> list[Measure]:
    """The measures whose turn this step is."""
    if budget.fraction == 0:
        return []
    return [m for m in measures if m.forced(step) or budget.due(m.name, m.share, elapsed)]


class AfterStep:
    """Base of measures that need no hooks on the step itself."""

    def around(self, trainer: Trainer) -> AbstractContextManager[None]:
        """Nothing to attach."""
        return nullcontext()

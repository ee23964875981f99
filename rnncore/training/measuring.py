"""When to measure: a time budget shared by everything that watches a run.

Measuring never changes training. It only costs time, and this file decides how much: each measure has a
share of the budget, and waits after each turn until the turn's cost is that share of the time.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Sequence
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
    patience: float  # seconds of the run before its first turn: the first charts should not wait for it

    def forced(self, step: int) -> bool:
        """Whether this step is wanted before its time; granted where the whole budget has that much left."""

    def around(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """A context around forward and backward of the step, e.g. a probe's hooks."""

    def records(self, trainer: Trainer, opened: Any) -> Iterable[Record]:
        """What was seen, after the step; ``opened`` is what ``around`` gave."""


def is_power_of_two(step: int) -> bool:
    """1, 2, 4, 8, ...: log-spaced steps."""
    return step > 0 and step & (step - 1) == 0


COLD_WAIT = 1.0
"""Seconds that a first turn may put the second one off: it is cold, and tells little of what later ones cost."""


@dataclass
class _Account:
    turns: int = 0
    spent: float = 0.0
    costs: deque[float] = field(default_factory=lambda: deque(maxlen=5))  # of the last turns, seconds
    last: float = float("-inf")

    @property
    def expected(self) -> float:
        """Seconds for the next turn: the median, which a moment's trouble elsewhere on the machine leaves alone."""
        return statistics.median(self.costs) if self.costs else 0.0


@dataclass
class Budget:
    """Seconds that measuring may take: ``fraction`` of the run's time, shared out among the measures.

    After a turn that costs c seconds, a measure waits c / (fraction · share) seconds of the run, and at least
    ``pause``: faster than the eye is a waste. The very first turn, slow because all is cold, is forgotten with the
    second one.
    """

    fraction: float
    pause: float = 0.25
    accounts: dict[str, _Account] = field(default_factory=dict)

    def due(self, name: str, share: float, elapsed: float) -> bool:
        """Whether the measure's turn has come after ``elapsed`` seconds of the run."""
        if self.fraction * share == 0:
            return False
        account = self.accounts.setdefault(name, _Account())
        wait = account.expected / (self.fraction * share)
        return elapsed - account.last >= max(self.pause, min(wait, COLD_WAIT) if account.turns == 1 else wait)

    def affords(self, name: str, elapsed: float) -> bool:
        """Whether a turn before its time would leave the whole budget as it should be."""
        return self.spent + self.accounts.setdefault(name, _Account()).expected <= self.fraction * elapsed

    def book(self, name: str, seconds: float, elapsed: float) -> None:
        """Note what one turn cost."""
        account = self.accounts.setdefault(name, _Account())
        if account.turns == 1:
            account.costs.clear()
        account.costs.append(seconds)
        account.turns += 1
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
    return [
        m
        for m in measures
        if elapsed >= m.patience
        and (budget.due(m.name, m.share, elapsed) or (m.forced(step) and budget.affords(m.name, elapsed)))
    ]


class AfterStep:
    """Base of measures that need no hooks on the step itself."""

    patience = 0.0

    def around(self, trainer: Trainer) -> AbstractContextManager[None]:
        """Nothing to attach."""
        return nullcontext()

"""Every run ever made as rows: what is searched, how it is sorted, and what a table shows of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from dashboard.widgets.runs import what_is_learned
from rnncore.config import CELL_LABELS
from rnncore.runs.store import RunInfo

ALL = 1_000_000
MOST_ROWS = 1000
"""More are counted and can be searched, but not listed at once."""

SORTS: Mapping[str, tuple[Callable[[RunInfo], object], bool]] = {
    "newest first": (lambda run: run.created, True),
    "oldest first": (lambda run: run.created, False),
    "name": (lambda run: run.name.casefold(), False),
    "cell": (lambda run: cell_label(run), False),
    "task": (lambda run: what_is_learned_by(run), False),
    "state": (lambda run: run.state, False),
    "most steps": (lambda run: run.step, True),
    "race": (lambda run: (not run.race, run.race, run.contender), False),
}
"""Title → key, and whether the largest comes first."""
DATES: Mapping[str, timedelta] = {
    "today": timedelta(days=1),
    "this week": timedelta(days=7),
    "this month": timedelta(days=31),
}


@dataclass(frozen=True)
class Filter:
    """What runs are looked for.

    Attributes:
        words: each must occur in the run's name, id, cell, task, state, tags, note or race.
        states, cells, tasks, tags: one of them, where any is given; a run has all of the tags.
        since: Unix time that they were asked for after.
        mine: owner that they belong to; '' for anyone.
    """

    words: str = ""
    states: frozenset[str] = frozenset()
    cells: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    since: float = 0.0
    mine: str = ""

    def takes(self, run: RunInfo) -> bool:
        """Whether the run is one of them."""
        return (
            (not self.states or run.state in self.states)
            and (not self.cells or cell_label(run) in self.cells)
            and (not self.tasks or what_is_learned_by(run) in self.tasks)
            and self.tags <= set(run.tags)
            and run.created >= self.since
            and (not self.mine or run.owner == self.mine)
            and (not self.words or all(word in _text(run) for word in self.words.casefold().split()))
        )


def found(runs: Iterable[RunInfo], wanted: Filter, sort: str) -> list[RunInfo]:
    """The runs of a filter, in order; equal ones stay as they are."""
    key, reverse = SORTS[sort]
    return sorted(filter(wanted.takes, runs), key=key, reverse=reverse)  # type: ignore[arg-type]


def cell_label(run: RunInfo) -> str:
    """The cell's name for people."""
    return CELL_LABELS.get(run.config.model.cell, run.config.model.cell)


def what_is_learned_by(run: RunInfo) -> str:
    """The text's or task's title."""
    return "trained elsewhere" if run.elsewhere else what_is_learned(run.config)


def table(runs: Sequence[RunInfo]) -> pd.DataFrame:
    """A row for each run, in their order."""
    return pd.DataFrame(
        {
            "Run": [run.id for run in runs],
            "Name": [run.name for run in runs],
            "Cell": [cell_label(run) for run in runs],
            "Task": [what_is_learned_by(run) for run in runs],
            "State": [run.state for run in runs],
            "Done": [_done(run) for run in runs],
            "Step": [run.step for run in runs],
            "Tags": [list(run.tags) for run in runs],
            "Note": [run.note for run in runs],
            "Race": [f"compare?race={run.race}" if run.race else None for run in runs],
            "Asked for": [datetime.fromtimestamp(run.created) for run in runs],  # the machine's own clock
        }
    )


def _done(run: RunInfo) -> float | None:
    """Share of the steps, in percent; None where it is not known how many there will be."""
    steps = run.config.training.steps
    return None if run.elsewhere or not steps else min(100.0, 100 * run.step / steps)


def _text(run: RunInfo) -> str:
    parts = (run.name, run.id, cell_label(run), what_is_learned_by(run), run.state, *run.tags, run.note, run.race)
    return "\n".join(parts).casefold()

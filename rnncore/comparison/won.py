"""In which races a cell won: what came of a race for each of its cells, by the same rules as its verdict.

Needs no torch: a race of the run store goes in, words and numbers come out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rnncore.comparison.race import Race
from rnncore.comparison.results import Measure, Standing, judged, outcome, standings
from rnncore.comparison.statistics import Interval
from rnncore.comparison.verdict import LEAST_SEEDS, Front, front, listed
from rnncore.config import CELL_LABELS
from rnncore.runs.races import RaceInfo
from rnncore.runs.store import RunStore

AHEAD, LEVEL, SAME, BEHIND, UNNAMED = "ahead", "level", "same", "behind", "unnamed"
PLACES = (AHEAD, LEVEL, SAME, BEHIND, UNNAMED)
"""How a contender may do: ahead of all others; level with the best, and better than somebody; no difference shown from
anybody; behind the best; in a race in which nobody is named, or itself without an interval."""
_TOLD = {
    AHEAD: "ahead, next {}", LEVEL: "level at the front with {}", SAME: "no difference shown", BEHIND: "behind {}",
    UNNAMED: "not judged, too few seeds",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """How a contender did in a race.

    Attributes:
        cell: its name in the registry.
        label: of the contender.
        score: mean over its seeds, and the interval.
        place: one of ``PLACES``.
        others: whom that is said of: the next one, those that it is level with, or the best.
    """

    cell: str
    label: str
    score: Interval
    place: str
    others: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """How it did, in words."""
        return _TOLD[self.place].format(listed(self.others) if self.others else "")


@dataclass(frozen=True)
class Result:
    """What came of a race that is over.

    Attributes:
        race: its id.
        title: its name.
        measure: what it was judged by.
        entries: of all contenders, the best places first.
    """

    race: str
    title: str
    measure: Measure
    entries: tuple[Entry, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """That raced, each once, the best first."""
        return tuple(dict.fromkeys(one.cell for one in self.entries))

    def of(self, cell: str) -> list[Entry]:
        """A cell's contenders, the best first."""
        return [one for one in self.entries if one.cell == cell]


def result(store: RunStore, info: RaceInfo) -> Result | None:
    """What came of a race for each contender; None while it is not over.

    Args:
        store: where it is.
        info: the race with its runs.

    Raises:
        ConfigError: its document is none that this version reads.
    """
    if not info.runs or not info.over:
        return None
    race = Race.from_store(info.document)
    measure = judged(race, info.runs)
    outcomes = [outcome(run, measure, {measure.series: store.series(run.id, measure.series)}) for run in info.runs]
    return Result(info.id, info.name, measure, entries(measure, standings(race, outcomes)))


def entries(measure: Measure, table: Sequence[Standing]) -> tuple[Entry, ...]:
    """How each contender did, the best places first.

    Args:
        measure: what the race was judged by.
        table: of all contenders.
    """
    found = front(measure, table)
    sign = -1 if measure.higher_is_better else 1
    made = [_entry(one, found) for one in table]
    return tuple(sorted(made, key=lambda one: (PLACES.index(one.place), _last_if_unknown(sign * one.score.mean))))


def _entry(one: Standing, found: Front | None) -> Entry:
    def entry(place: str, others: Sequence[Standing] = ()) -> Entry:
        return Entry(one.config.model.cell, one.label, one.score, place, tuple(other.label for other in others))

    if found is None or one not in found.ranked:
        return entry(UNNAMED)
    if one not in found.level:
        return entry(BEHIND, found.ranked[:1])
    if not found.beaten_by(one):
        return entry(SAME)
    if len(found.level) == 1:
        return entry(AHEAD, found.behind[:1])
    return entry(LEVEL, [other for other in found.level if other is not one])


def _last_if_unknown(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def overall(results: Sequence[Result]) -> str:
    """All races in a sentence or two: who is ahead how often, and whether anybody always is."""
    named = [one for one in results if any(entry.place != UNNAMED for entry in one.entries)]
    wins = Counter(one.entries[0].cell for one in named if one.entries[0].place == AHEAD)
    said = f"{_count(len(results), 'race')} between cells {'is' if len(results) == 1 else 'are'} over. "
    if not named:
        return said + f"None of them has {LEAST_SEEDS} seeds of each contender, so nobody is named."
    if not wins:
        return said + "Nobody is ahead of all others in any of them."
    often = listed([f"{CELL_LABELS[cell]} in {count}" for cell, count in wins.most_common()])
    said += f"Ahead of all others: {often}. "
    for cell, count in wins.items():
        if count > 1 and count == sum(cell in one.cells for one in named):
            return said + f"{CELL_LABELS[cell]} is ahead in every race that it was in."
    return said + "No cell is ahead in every race that it was in." if len(named) > 1 else said.strip()


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

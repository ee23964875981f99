"""The result of a race in words. It never says more than the seeds do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rnncore.comparison.results import Measure, Standing
from rnncore.comparison.statistics import CONFIDENCE

LEAST_SEEDS = 3
"""With fewer nobody is named: one lucky start would decide."""
MOST_NAMED = 6
"""More are counted, not named: of a sweep, the table has them all."""


class Front(NamedTuple):
    """A race's contenders in order, and who of them is in front.

    Attributes:
        ranked: by their mean score, the best first.
        level: the best, and all whose interval overlaps with its own: no difference is shown from it.
    """

    ranked: tuple[Standing, ...]
    level: tuple[Standing, ...]

    @property
    def behind(self) -> tuple[Standing, ...]:
        """The others, the best first."""
        return tuple(one for one in self.ranked if one not in self.level)

    def beaten_by(self, one: Standing) -> tuple[Standing, ...]:
        """Whom a contender does better than: those after it whose intervals do not overlap with its own."""
        after = self.ranked[self.ranked.index(one) + 1 :]
        return tuple(other for other in after if not one.score.overlaps(other.score))


def front(measure: Measure, standings: Sequence[Standing]) -> Front | None:
    """The ranking of a race; None where nobody may be named.

    Args:
        measure: what the race was judged by.
        standings: of all contenders. Who has no interval, since too few of its seeds have a score, is not ranked.
    """
    ranked = sorted(
        (one for one in standings if math.isfinite(one.score.low)),
        key=lambda one: one.score.mean,
        reverse=measure.higher_is_better,
    )
    if not ranked or min(one.seeds for one in standings) < LEAST_SEEDS:
        return None
    return Front(tuple(ranked), tuple(one for one in ranked if one.score.overlaps(ranked[0].score)))


def verdict(measure: Measure, standings: Sequence[Standing]) -> list[str]:
    """Sentences: who is ahead, whether that is a difference at all, and what to bear in mind.

    Args:
        measure: what the race was judged by.
        standings: of all contenders.
    """
    said = [_result(measure, standings)]
    if measure.solved_at is not None and any(one.seeds for one in standings) and len(standings) <= MOST_NAMED:
        said.append(_solved(standings))
    said += [_diverged(one) for one in standings if one.diverged]
    for one in standings:
        if one.failed:
            said.append(f"{one.label}: {_times(one.failed, 'seed')} failed and count for nothing; resume the race.")
    return said


def _result(measure: Measure, standings: Sequence[Standing]) -> str:
    missing = sum(one.wanted - one.seeds for one in standings)
    if not any(math.isfinite(one.score.mean) for one in standings):
        return "Nothing to judge yet: no run has finished."
    least = min(one.seeds for one in standings)
    if least < LEAST_SEEDS:
        few = f"No winner is named with fewer than {LEAST_SEEDS} seeds of each"
        if missing:
            return f"{few}: {_times(missing, 'run')} of {sum(one.wanted for one in standings)} to go."
        return f"{few}; race again with more, the spread of {_times(least, 'seed')} says little."
    found = front(measure, standings)
    if found is None:
        return "No winner is named: too few runs have a score."
    ranked, level, behind = found.ranked, found.level, found.behind
    best = ranked[0]
    so_far = f" So far, with {_times(missing, 'run')} to go." if missing else ""
    sure = f"{CONFIDENCE:.0%} intervals over {_seeds(ranked)}"
    if not behind:
        return f"No difference shown: the {sure} overlap with that of {best.label} ({_score(measure, best)}).{so_far}"
    if len(level) == 1:
        return (
            f"{best.label} is ahead: {measure.name} {_score(measure, best)}, next {behind[0].label} "
            f"{_score(measure, behind[0])}; the {sure} do not overlap.{so_far}"
        )
    second = f"{listed([one.label for one in behind])} (at best {_score(measure, behind[0])})"
    others = listed([one.label for one in level if one is not best])
    return (
        f"{best.label}, {measure.name} {_score(measure, best)}, does better than {second}; no difference shown between "
        f"it and {others} ({sure}).{so_far}"
    )


def _seeds(standings: Sequence[Standing]) -> str:
    counts = sorted({one.seeds for one in standings})
    return _times(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def _score(measure: Measure, one: Standing) -> str:
    return measure.interval(one.score)


def _solved(standings: Sequence[Standing]) -> str:
    return (
        "Seeds solved: " + ", ".join(f"{one.label} {one.solved} of {one.seeds}" for one in standings if one.seeds) + "."
    )


def _diverged(one: Standing) -> str:
    verb = "counts" if one.diverged == 1 else "count"
    return f"{one.label}: {_times(one.diverged, 'seed')} diverged and {verb} as knowing nothing."


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence; a number where they are many."""
    if len(names) > MOST_NAMED:
        return f"{len(names)} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""What came of a race: a score for each run, and for each contender the mean over its seeds.

Needs no torch: the store's series go in, numbers come out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnncore.comparison.race import Race
from rnncore.comparison.statistics import Interval, mean_interval
from rnncore.config import KnownTask, RunConfig
from rnncore.cost import estimate, human_bytes
from rnncore.records import Array, Columns
from rnncore.runs import footprint
from rnncore.runs.states import DIVERGED, FAILED, FINISHED, RunInfo


@dataclass(frozen=True)
class Measure:
    """What a race is judged by.

    Attributes:
        name: of the number, with its unit where it has one.
        series, column: where it is in the run store.
        size: how much of the stored unit one of it is.
        higher_is_better: else lower is.
        floor: the loss of knowing nothing in the measure's unit, None where the measure is no loss.
        chance: the score of knowing nothing, None where it is not known.
        solved_at: from which value on the task counts as solved, None where there is no such thing.
    """

    name: str
    series: str
    column: str
    size: float
    higher_is_better: bool
    chance: float | None
    solved_at: float | None

    @property
    def log(self) -> bool:
        """An error that falls by orders of magnitude."""
        return not self.higher_is_better and self.solved_at is not None

    def solved(self, value: float) -> bool:
        """Whether the task counts as solved with this value."""
        if self.solved_at is None or not math.isfinite(value):
            return False
        return value >= self.solved_at if self.higher_is_better else value <= self.solved_at

    def text(self, value: float) -> str:
        """A value as it is written."""
        return (
            "–" if not math.isfinite(value) else f"{value:.3f}" if abs(value) >= 0.01 or not value else f"{value:.1e}"
        )

    def interval(self, score: Interval) -> str:
        """A mean and its interval as they are written."""
        return f"{self.text(score.mean)} [{self.text(score.low)}, {self.text(score.high)}]"


def measure_of(config: RunConfig, judged_by: str = "score", vocab_size: int | None = None) -> Measure:
    """The task's own measure; where it has none, the validation loss.

    Args:
        config: of any contender.
        judged_by: ``score`` or ``longer``, see ``Race``.
        vocab_size: characters of the text, once they are known: knowing nothing is log2 of it.
    """
    task = config.task
    if isinstance(task, KnownTask):
        longer = judged_by == "longer" and bool(task.test_leaf)
        name = f"{task.score_name}, on longer sequences" if longer else task.score_name
        column = "score_longer" if longer else "score"
        return Measure(name, "score", column, 1.0, task.higher_is_better, task.chance, task.solved_at)
    uniform = math.log2(vocab_size) if vocab_size and config.corpus is not None else None
    return Measure(f"validation loss, {task.loss_unit}", "validation", "loss", task.loss_size, False, uniform, None)


def judged(race: Race, runs: Iterable[RunInfo]) -> Measure:
    """What a race is judged by, as far as its runs tell: a text's characters are known once one of them has begun."""
    characters = next((run.vocab_size for run in runs if run.vocab_size), None)
    return measure_of(race.configs[0], race.judged_by, characters)


class Course(NamedTuple):
    """A run's measure over its training; each (N,)."""

    step: Array
    seconds: Array
    value: Array


def course(measure: Measure, series: Mapping[str, Columns]) -> Course:
    """Where the measure was taken and what it was, without what was not measured."""
    columns = series.get(measure.series) or {}
    if not len(columns.get("step", ())):
        return Course(*(np.empty(0) for _ in range(3)))
    values = np.asarray(columns[measure.column], np.float64) / measure.size
    there = np.isfinite(values)
    return Course(np.asarray(columns["step"])[there], np.asarray(columns["seconds"])[there], values[there])


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Attributes:
        score: the last one measured; that of knowing nothing where the run diverged (nan where this is not known).
        solved: the last score is good enough.
        solve_step, solve_seconds: when it first was, nan where it never was or where it was lost again.
        seconds_per_step: of training with all that was measured.
        memory: bytes at the peak, beyond those of an idle worker; nan where it was not measured.
    """

    run: RunInfo
    score: float
    solved: bool
    solve_step: float
    solve_seconds: float
    seconds_per_step: float
    memory: float = math.nan

    @property
    def over(self) -> bool:
        """It counts: its training was done, or diverged."""
        return self.run.state in (FINISHED, DIVERGED)


def series_of(measure: Measure) -> set[str]:
    """The names of the series that ``outcome`` reads."""
    return {"train", footprint.SERIES, measure.series}


def outcome(run: RunInfo, measure: Measure, series: Mapping[str, Columns]) -> Outcome:
    """Of one run, finished or not.

    Args:
        run: which one.
        measure: what it is judged by.
        series: the run's series "train", that of its memory, and the measure's; see ``series_of``.
    """
    taken = course(measure, series)
    score = float(taken.value[-1]) if len(taken.value) else math.nan
    if run.state == DIVERGED:  # its last score before it did would flatter it
        untrained = float(taken.value[0]) if len(taken.value) else math.nan
        score = untrained if measure.chance is None else measure.chance
    solved = measure.solved(score)
    first = next((n for n, value in enumerate(taken.value) if measure.solved(float(value))), None)
    found = solved and first is not None
    train = series.get("train") or {}
    steps = train.get("step", np.empty(0))
    pace = float(train["seconds"][-1] / steps[-1]) if len(steps) else math.nan
    taken_bytes = (series.get(footprint.SERIES) or {}).get("bytes", np.empty(0))
    return Outcome(
        run=run,
        score=score,
        solved=solved,
        solve_step=float(taken.step[first]) if found and first is not None else math.nan,
        solve_seconds=float(taken.seconds[first]) if found and first is not None else math.nan,
        seconds_per_step=pace,
        memory=float(np.max(taken_bytes, initial=-math.inf)) if len(taken_bytes) else math.nan,
    )


@dataclass(frozen=True)
class Standing:
    """A contender's results over its seeds.

    Attributes:
        place: of the contender, from 0.
        score: mean over the seeds that count, and its interval.
        seeds: that count; ``wanted`` there are in all.
        solved: of those that count.
        diverged, failed: seeds that did; a diverged one counts, with the score of knowing nothing.
        solve_seconds, solve_step: mean over the seeds that solved it.
        parameters, operations: of the network; floating-point operations of a training step.
        memory: bytes at the peak, mean over the seeds of which it was measured; of none, an estimate for weights,
            optimiser and activations. ``memory_measured`` says which.
        seconds_per_step: mean over all that ran.
    """

    place: int
    label: str
    config: RunConfig
    score: Interval
    seeds: int
    wanted: int
    solved: int
    diverged: int
    failed: int
    solve_seconds: float
    solve_step: float
    parameters: int
    operations: float
    memory: float
    memory_measured: bool
    seconds_per_step: float

    @property
    def memory_text(self) -> str:
        """As it is written: an estimate begins with ≈."""
        if not self.memory_measured:
            return f"≈ {human_bytes(self.memory)}"
        return human_bytes(self.memory) if self.memory >= 1e6 else "< 1 MB"  # see ``footprint.beyond_now``

    @property
    def complete(self) -> bool:
        """Every seed counts."""
        return self.seeds == self.wanted


def standings(race: Race, outcomes: Sequence[Outcome]) -> list[Standing]:
    """Of all contenders, in the race's order.

    Args:
        race: what was asked for.
        outcomes: of the runs there are, in any order.
    """
    return [_standing(race, place, [one for one in outcomes if one.run.contender == place])
            for place in range(len(race.contenders))]  # fmt: skip


def _standing(race: Race, place: int, outcomes: list[Outcome]) -> Standing:
    config = race.configs[place]
    counted = [one for one in outcomes if one.over]
    cost = estimate(config, race.vocab_size)
    memory = _mean([one.memory for one in outcomes])
    return Standing(
        place=place,
        label=race.contenders[place].label,
        config=config,
        score=mean_interval(np.array([one.score for one in counted])),
        seeds=len(counted),
        wanted=len(race.seeds),
        solved=sum(one.solved for one in counted),
        diverged=sum(one.run.state == DIVERGED for one in outcomes),
        failed=sum(one.run.state == FAILED for one in outcomes),
        solve_seconds=_mean([one.solve_seconds for one in counted]),
        solve_step=_mean([one.solve_step for one in counted]),
        parameters=next((one.run.parameters for one in outcomes if one.run.parameters), cost.parameters),
        operations=cost.operations,
        memory=memory if math.isfinite(memory) else cost.network_memory,
        memory_measured=math.isfinite(memory),
        seconds_per_step=_mean([one.seconds_per_step for one in outcomes]),
    )


def _mean(values: list[float]) -> float:
    there = [value for value in values if math.isfinite(value)]
    return sum(there) / len(there) if there else math.nan

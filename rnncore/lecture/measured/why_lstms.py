"""Train five contenders with three seeds each in turns, every one until it has solved the task."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rnncore.config.known_tasks import DelayedRecallTask
from rnncore.lecture.measured.in_turns import Runner
from rnncore.lecture.why_lstms import CONTENDERS, SEEDS, WhyLstmsSettings, configuration
from rnncore.records.why_lstms import WhyLstms

TURNS = 40
"""Moments at which all are examined."""


class Racer(Runner):
    """A run that is examined after each turn, and is over once it has solved the task.

    Attributes:
        scores: share of right answers before the first turn and after each; nan behind the end of the run.
        solved: the step at which it had solved the task; nan while it has not.
    """

    def __init__(self, contender: str, number: int, settings: WhyLstmsSettings):
        super().__init__(configuration(contender, number, settings))
        task = self.trainer.config.task
        assert isinstance(task, DelayedRecallTask)
        self.task = task
        self.scores = [self.score()]
        self.solved = math.nan

    def turn(self, goal: int) -> None:
        """Train up to a step and be examined, unless it is over."""
        if self.diverged or math.isfinite(self.solved):
            self.scores.append(math.nan)
            return
        self.advance(goal - self.trainer.step)
        self.scores.append(self.score())
        if self.scores[-1] >= self.task.solved_at:
            self.solved = self.trainer.step


def measure(settings: WhyLstmsSettings) -> Iterator[WhyLstms]:
    """A record after each turn."""
    racers = [Racer(one, number, settings) for one in CONTENDERS for number in range(SEEDS)]
    steps = [0]
    for turn in range(1, TURNS + 1):
        steps.append(turn * settings.steps // TURNS)
        for racer in racers:
            racer.turn(steps[-1])
        solved = np.array([racer.solved for racer in racers]).reshape(-1, SEEDS)
        over = turn == TURNS or bool(np.isfinite(solved).all())
        yield WhyLstms(
            step=steps[-1],
            share=1.0 if over else turn / TURNS,
            doing="" if over else f"training {len(racers)} runs in turns, step {steps[-1]:,}",
            contenders=tuple(CONTENDERS),
            cells=tuple(one["cell"] for one in CONTENDERS.values()),
            seeds=settings.seed + np.arange(SEEDS),
            steps=np.array(steps),
            scores=np.array([racer.scores for racer in racers]).reshape(len(CONTENDERS), SEEDS, -1),
            solved=solved,
            solved_at=racers[0].task.solved_at,
            chance=1 / racers[0].task.symbols,
            length=settings.length,
        )
        if over:
            return

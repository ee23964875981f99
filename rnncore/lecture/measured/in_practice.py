"""Train fifteen runs on adding, and three on parity, in turns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnncore.config.known_tasks import AddingTask, ParityTask
from rnncore.lecture.in_practice import CELLS, RATES, InPracticeSettings, adding, parity
from rnncore.lecture.measured.in_turns import Runner
from rnncore.records.in_practice import InPractice

TURNS = 20
"""Points of each curve."""


def measure(settings: InPracticeSettings) -> Iterator[InPractice]:
    """A record after each turn of all runs; the map has the mean loss of the turn, and at the end the score."""
    grid = [[Runner(adding(cell, rate, settings)) for rate in RATES] for cell in CELLS]
    odd = [Runner(parity(cell, settings)) for cell in CELLS]
    every = [run for row in grid for run in row] + odd
    for turn in range(1, TURNS + 1):
        for run in every:
            total = run.trainer.config.training.steps
            run.advance(turn * total // TURNS - (turn - 1) * total // TURNS)
        yield _record(grid, odd, turn, settings, done=False)
    yield _record(grid, odd, TURNS, settings, done=True)


def _record(
    grid: list[list[Runner]], odd: list[Runner], turn: int, settings: InPracticeSettings, *, done: bool
) -> InPractice:
    curves = np.array([[run.losses for run in row] for row in grid])
    scores = np.array([[run.score() for run in row] for row in grid]) if done else curves[:, :, -1]
    right = [(run.score(), run.score_longer()) for run in odd] if done else [(np.nan, np.nan)] * len(odd)
    task, of_parity = (run.trainer.config.task for run in (grid[0][0], odd[0]))
    assert isinstance(task, AddingTask)
    assert isinstance(of_parity, ParityTask)
    turns = np.arange(1, turn + 1)
    return InPractice(
        step=grid[0][0].trainer.step,
        share=1.0 if done else turn / (TURNS + 1),
        doing="" if done else f"training 18 runs in turns, {turn} of {TURNS}",
        cells=CELLS,
        rates=np.array(RATES),
        steps=turns * settings.steps // TURNS,
        curves=curves,
        scores=scores,
        solved_at=task.solved_at,
        floor=task.floor,
        parity_steps=turns * odd[0].trainer.config.training.steps // TURNS,
        parity_curves=np.array([run.losses for run in odd]) / of_parity.loss_size,
        parity_right=np.array(right),
        length=settings.length,
    )

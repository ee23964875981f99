"""Several runs that train in turns, so that their curves grow side by side."""

from __future__ import annotations

import math

from rnncore.config import RunConfig
from rnncore.tasks.drawn import DrawnTask
from rnncore.training.trainer import Trainer


class Runner:
    """One run, trained a few steps at a time by the library's own trainer.

    Args:
        config: what to train.

    Attributes:
        losses: the mean loss of each turn, in the task's unit; nan from where it diverged.
        diverged: loss or gradient stopped being finite.
    """

    def __init__(self, config: RunConfig):
        self.trainer = Trainer(config)
        self.losses: list[float] = []
        self.diverged = False

    @property
    def over(self) -> bool:
        """All steps are done, or it diverged."""
        return self.diverged or self.trainer.step >= self.trainer.config.training.steps

    def advance(self, steps: int) -> None:
        """A turn of at most so many steps."""
        total, done = 0.0, 0
        while done < steps and not self.over:
            step = self.trainer.advance()
            if step is None:
                self.diverged = True
                break
            total, done = total + step.loss, done + 1
        self.losses.append(total / done if done and not self.diverged else math.nan)

    def score(self) -> float:
        """The task's own measure on what is never trained on; nan for a run that diverged."""
        if self.diverged:
            return math.nan
        self.trainer.validate()
        return self.trainer.score

    def score_longer(self) -> float:
        """The same on sequences longer than those of training; call ``score`` before."""
        task = self.trainer.task
        assert isinstance(task, DrawnTask)
        return math.nan if self.diverged else self.trainer.examine(task).score_longer

"""Scheduled sampling: at each step of each sequence a coin decides between the truth and the network's own prediction.

Bengio et al. 2015, arXiv:1506.03099. What is fed is decided first, without gradients; the training step then runs on it
as on any other input, through the fused layers. That is exact, because no gradient flows through a choice (nor, as in
the paper, through a number fed back), and it keeps backward pass and probes as they are.

The sequential form walks through the steps with the cells' own arithmetic. The parallel form (Duckworth et al. 2019,
arXiv:1906.04331; Mihaylova & Martins 2019, arXiv:1906.07651) runs whole passes, each mixing in the predictions of the
one before: with the same coins and random numbers, T passes equal the sequential form, because pass n has the first n
inputs right.

Shapes: T steps, B sequences, V choices.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncore.config import RunConfig
from rnncore.models.sequence import SequenceModel, State
from rnncore.tasks.base import Task

_STREAM = 1 << 32  # keeps the coins apart from the batches, whose key starts with the seed alone


@dataclass(frozen=True)
class Feeding:
    """What a step was fed.

    Attributes:
        epsilon: the probability of the truth.
        truth: what teacher forcing feeds, (T, B), or (T, B, D).
        inputs: what was fed instead, the same shape.
        own: the network's own predictions from which it was chosen; the truth where there was no choice.
        coins: (T, B), True for the truth.
        tossed: (T, B), False where there was no choice: the first step of a fresh state has no prediction before it.
        seconds: of deciding.
    """

    epsilon: float
    truth: Tensor
    inputs: Tensor
    own: Tensor
    coins: Tensor
    tossed: Tensor
    seconds: float

    @property
    def count(self) -> int:
        """Coins tossed."""
        return int(self.tossed.sum())

    @property
    def fraction(self) -> float:
        """Share of the coins that fed the truth; nan where none was tossed."""
        count = self.count
        return float((self.coins & self.tossed).sum()) / count if count else float("nan")


class ScheduledSampler:
    """Decides what each training step is fed. Coins and draws are a function of the seed and the step alone.

    Attributes:
        previous: the outputs after the last batch's last step, (B, V), from which the next batch's first input may
            come; None where the state starts anew.
        last: what the last step was fed; None before the first one.
    """

    def __init__(self, config: RunConfig, model: SequenceModel, task: Task):
        self.settings, self.seed = config.scheduled_sampling, config.seed
        self.model, self.task = model, task
        self.temperature = 0.0 if self.settings.feed == "argmax" else self.settings.feed_temperature
        self.previous: Tensor | None = None
        self.last: Feeding | None = None

    @contextmanager
    def mixing(self, step: int, truth: Tensor, state: State | None) -> Iterator[Tensor]:
        """Gives what is fed; the training pass runs inside, with the dropout masks under which it was decided."""
        start = time.perf_counter()
        epsilon = float(self.settings.epsilon_at(step))
        coins, chance = self._tosses(step, epsilon, truth)
        tossed = torch.ones_like(coins)
        if state is None:
            self.previous = None
        tossed[0] = self.previous is not None
        with self.model.same_dropout(*coins.shape):
            keep = coins | ~tossed
            inputs, own = truth, truth
            if not bool(keep.all()):
                decide = self._sequential if self.settings.feed_form == "sequential" else self._parallel
                # tensors of inference mode may not take part in a backward pass: their copies may
                inputs, own = (ids.clone() for ids in decide(truth, keep, chance, state))
            self.last = Feeding(epsilon, truth, inputs, own, coins, tossed, time.perf_counter() - start)
            yield inputs

    def _tosses(self, step: int, epsilon: float, truth: Tensor) -> tuple[Tensor, Tensor]:
        """Coins, and uniform numbers to draw predictions with, (T, B) each."""
        generator = np.random.Generator(np.random.Philox(key=[_STREAM + self.seed, step]))
        numbers = generator.random((2, *truth.shape[:2]), dtype=np.float32)
        coins = torch.from_numpy(numbers[0] < epsilon)
        return coins.to(truth.device), torch.from_numpy(numbers[1]).to(truth.device)

    @torch.inference_mode()
    def _sequential(self, truth: Tensor, keep: Tensor, chance: Tensor, state: State | None) -> tuple[Tensor, Tensor]:
        """Step by step, as far as there is something to decide."""
        inputs, own, outputs = truth.clone(), truth.clone(), self.previous
        masks = self.model.dropout_masks if any(m is not None for m in self.model.dropout_masks) else []
        last = int((~keep).any(1).nonzero().max())
        steps = zip(inputs.unbind(0), own.unbind(0), truth.unbind(0), keep.unbind(0), chance.unbind(0), strict=True)
        for t, (fed, guess, true, kept, luck) in enumerate(itertools.islice(steps, last + 1)):
            if outputs is not None:
                guess.copy_(self.task.own(outputs, luck, self.temperature))
                fed.copy_(_where(kept, true, guess))
            if t < last:
                outputs, state = self.model.step(fed, state, [None if mask is None else mask[t] for mask in masks])
        return inputs, own

    @torch.inference_mode()
    def _parallel(self, truth: Tensor, keep: Tensor, chance: Tensor, state: State | None) -> tuple[Tensor, Tensor]:
        """Pass after pass over all steps."""
        inputs, own = truth, truth.clone()
        for _ in range(self.settings.feed_passes):
            outputs, _ = self.model(inputs, state)
            if self.previous is not None:
                own[0] = self.task.own(self.previous, chance[0], self.temperature)
            own[1:] = self.task.own(outputs[:-1], chance[1:], self.temperature)
            mixed = _where(keep, truth, own)
            if torch.equal(mixed, inputs):  # further passes would change nothing
                break
            inputs = mixed
        return inputs, own


def _where(keep: Tensor, truth: Tensor, own: Tensor) -> Tensor:
    """The truth where kept, (..., B) or (..., B, D)."""
    return torch.where(keep if keep.dim() == truth.dim() else keep.unsqueeze(-1), truth, own)

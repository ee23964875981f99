"""What scheduled sampling fed: the coins of a batch, the truth, and the network's own predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rnncore.records import Array, Feeding, Record
from rnncore.records.feeding import SEQUENCES, STEPS
from rnncore.training.measuring import AfterStep, is_power_of_two
from rnncore.training.scheduled_sampling import Feeding as Fed

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer


def feeding(fed: Fed, labels: Callable[[Tensor], list[str]], *, step: int) -> Feeding:
    """The beginning of what a step was fed.

    Args:
        fed: ids (T, B) and coins, as the sampler left them.
        labels: names of ids (N,).
        step: completed training steps.
    """
    part = np.s_[:STEPS, :SEQUENCES]
    truth, inputs, own = (ids[part].cpu().numpy() for ids in (fed.truth, fed.inputs, fed.own))
    predicted = _predicted(fed)[part]
    used, places = np.unique(np.stack([truth, inputs, own]), return_inverse=True)
    truth, inputs, own = places.reshape(3, *truth.shape).astype(np.int32)
    coins, tossed = (flags.cpu().numpy() for flags in (fed.coins, fed.tossed))
    return Feeding(
        step=step,
        epsilon=fed.epsilon,
        count=fed.count,
        fed=int((coins & tossed).sum()),
        sequences=coins.shape[1],
        length=len(coins),
        names=tuple(labels(torch.from_numpy(used))),
        truth=truth,
        inputs=inputs,
        own=np.where(predicted, own, -1).astype(np.int32),
        coins=coins[part],
        tossed=tossed[part],
    )


def _predicted(fed: Fed) -> Array:
    """(T, B) bool: where ``own`` is a prediction. The sampler stops where nothing is left to decide."""
    decided = (fed.tossed & ~fed.coins).any(1).nonzero()
    last = int(decided.max()) if len(decided) else -1
    steps = torch.arange(len(fed.tossed), device=fed.tossed.device)
    found: Array = (fed.tossed & (steps <= last).unsqueeze(1)).cpu().numpy()
    return found


class FeedingMeasure(AfterStep):
    """Keeps the coins of a batch now and then. They are there anyway: it costs next to nothing."""

    name, share = "feeding", 0.01

    def forced(self, step: int) -> bool:
        """Log-spaced steps from the first on."""
        return is_power_of_two(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """One record; none under teacher forcing, where no coin is tossed."""
        fed = None if trainer.sampler is None else trainer.sampler.last
        return [] if fed is None else [feeding(fed, trainer.task.labels, step=trainer.step)]

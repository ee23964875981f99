"""What a network answers on sequences that are held out, read again as it learns: the same ones each time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rnncore.records import Record
from rnncore.records.examples import MOST, Examples
from rnncore.tasks.drawn import DrawnTask
from rnncore.training.measuring import is_power_of_two

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

FREE, CONTEXT = 16, 8
"""Steps that a network goes on alone, and those that it reads before."""


class ExamplesMeasure:
    """The first sequences of the validation data."""

    name, share, patience = "examples", 0.2, 0.0

    def forced(self, step: int) -> bool:
        """The first step, and log-spaced ones."""
        return is_power_of_two(step)

    def around(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Nothing of the training step is looked at."""
        return nullcontext()

    def records(self, trainer: Trainer, opened: Any) -> Iterable[Record]:
        """One record."""
        yield examples(trainer)


@torch.no_grad()
def examples(trainer: Trainer, most: int = MOST) -> Examples:
    """The record of this moment.

    Args:
        trainer: of a task whose truth is known.
        most: sequences.
    """
    task, model = trainer.task, trainer.model
    assert isinstance(task, DrawnTask)
    batches = iter(task.validation_batches())
    inputs, targets = (one[:, _spread(one.shape[1], most)] for one in next(batches))
    training = model.training
    model.eval()
    outputs = model(inputs.to(trainer.device))[0].cpu()
    config = task.config
    picture: tuple[int, int] | None = getattr(config, "picture", None)
    pixels = picture[0] * picture[1] if picture else 0
    names = tuple(getattr(config, "choices", ()))
    free, truth, context = _alone(trainer, inputs, targets) if picture and not names else (None, None, 0)
    model.train(training)
    count = inputs.shape[1]
    none = np.zeros((0, count, 0), np.float32)
    return Examples(
        step=trainer.step,
        names=names,
        picture=picture or (),
        read=tuple(tuple(task.labels(inputs[:, n])) for n in range(count)),
        pictures=_half(inputs[..., :pixels]) if pixels else none,
        targets=targets.numpy() if names else _half(targets),
        answers=_half(outputs.softmax(-1) if names else task.own(outputs, outputs[..., 0], 0)),
        scores=task.scores(inputs, outputs, targets).numpy().astype(np.float32),
        context=context,
        free=none if free is None else free,
        truth=none if truth is None else truth,
    )


def _alone(trainer: Trainer, inputs: Tensor, targets: Tensor) -> tuple[Any, Any, int]:
    """Pictures that a network predicts from its own, (F, N, h·w), and those that really follow."""
    task: Any = trainer.task
    model, seen = trainer.model, inputs[: min(CONTEXT, len(inputs))].to(trainer.device)
    outputs, state = model(seen)
    last, found = outputs[-1], []
    for _ in range(FREE):
        frame = task.own(last, last[..., 0], 0)
        found.append(frame)
        outputs, state = model(frame.unsqueeze(0), state)
        last = outputs[-1]
    whole = np.concatenate([inputs.numpy(), targets[-1:].numpy()])
    known = whole[len(seen) :]
    truth = known if len(known) >= FREE else np.concatenate([known, task.future(whole, FREE - len(known))])
    return _half(torch.stack(found).cpu()), truth[:FREE].astype(np.float16), len(seen)


def _spread(count: int, most: int) -> list[int]:
    """Sequences evenly spread over a batch, whose first one has the full length."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(most, count))})


def _half(values: Tensor) -> Any:
    """Half precision is more than a screen shows."""
    return values.cpu().numpy().astype(np.float16)

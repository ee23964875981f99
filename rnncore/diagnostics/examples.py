"""What a network answers on sequences that are held out, read again as it learns: the same ones each time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rnncore.diagnostics.probed import HeldOut
from rnncore.records import Record
from rnncore.records.examples import MOST, Examples
from rnncore.tasks.drawn import VALIDATION, DrawnTask, held_out
from rnncore.tasks.video import VideoTask, overlap

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

CONTEXT, ALONE, FREE = 8, 32, 16
"""Frames of a film that a network reads; those that it goes on with alone; and of these, the ones that are kept."""
EXAMINED = 64
"""Films of which it is measured how well it goes on."""


class ExamplesMeasure(HeldOut):
    """The first sequences of the validation data."""

    name, share, patience = "examples", 0.2, 0.0

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
    inputs, targets = next(batches)
    shown = _spread(inputs.shape[1], most)
    inputs, targets = inputs[:, shown], targets[:, shown]
    training = model.training
    model.eval()
    outputs = model(inputs.to(trainer.device))[0].cpu()
    config = task.config
    picture: tuple[int, int] | None = getattr(config, "picture", None)
    pixels = picture[0] * picture[1] if picture else 0
    names = tuple(getattr(config, "choices", ()))
    count = inputs.shape[1]
    none = np.zeros((0, count, 0), np.float32)
    alone: dict[str, Any] = {"context": 0, "free": none, "truth": none}
    if isinstance(task, VideoTask):
        alone = _alone(trainer, task, shown, min(CONTEXT, len(inputs)))
    model.train(training)
    return Examples(
        step=trainer.step,
        names=names,
        picture=picture or (),
        read=tuple(tuple(task.labels(inputs[:, n])) for n in range(count)),
        pictures=_half(inputs[..., :pixels]) if pixels else none,
        targets=targets.numpy() if names else _half(targets),
        answers=_half(outputs.softmax(-1) if names else task.own(outputs, outputs[..., 0], 0)),
        scores=task.scores(inputs, outputs, targets).numpy().astype(np.float32),
        **alone,
    )


@torch.no_grad()
def _alone(trainer: Trainer, task: VideoTask, shown: list[int], context: int) -> dict[str, Any]:
    """Films of the validation data, those that are shown first, of which the network reads some frames and then its
    own: pictures, and how far they overlap with the truth."""
    chosen = [*shown, *(n for n in range(VALIDATION) if n not in shown)][:EXAMINED]
    films = torch.from_numpy(task.clip(held_out(0), VALIDATION, context + ALONE)[:, chosen])
    outputs, state = trainer.model(films[:context].to(trainer.device))
    found = []
    for _ in range(ALONE):
        found.append(task.own(outputs[-1], outputs[-1, ..., 0], 0))
        outputs, state = trainer.model(found[-1].unsqueeze(0), state)
    alone, truth, last = torch.stack(found).cpu(), films[context:], films[context - 1]
    kept = slice(FREE), slice(len(shown))
    return {
        "context": context,
        "free": _half(alone[kept]),
        "truth": _half(truth[kept]),
        "overlap": overlap(alone, truth).numpy(),
        "copied": overlap(last.expand_as(truth), truth).numpy(),
    }


def _spread(count: int, most: int) -> list[int]:
    """Sequences evenly spread over a batch, whose first one has the full length."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(most, count))})


def _half(values: Tensor) -> Any:
    """Half precision is more than a screen shows."""
    return values.cpu().numpy().astype(np.float16)

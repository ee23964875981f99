"""What a network sings, far beyond the length that it was trained on: the same chords each time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rnncore.diagnostics.probed import HeldOut
from rnncore.records import Array, Record
from rnncore.records.sound import LISTENED, PIECE, Sound
from rnncore.tasks.drawn import held_out
from rnncore.tasks.sound import SoundTask, chord_names, chords, frequency

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

EXAMINED = 32
"""Chords in all."""
_PART = 2
"""Of the random numbers that are held out."""


class SoundMeasure(HeldOut):
    """Chords that are held out."""

    name, share, patience = "sound", 0.2, 0.0

    def records(self, trainer: Trainer, opened: Any) -> Iterable[Record]:
        """One record."""
        yield sound(trainer)


@torch.no_grad()
def sound(trainer: Trainer) -> Sound:
    """The record of this moment, for a trainer of the task ``sound``."""
    task, model = trainer.task, trainer.model
    assert isinstance(task, SoundTask)
    config, length = task.config, task.config.test_length
    inputs, targets = task.draw(held_out(_PART), EXAMINED, length)
    training = model.training
    model.eval()
    outputs = model(torch.from_numpy(inputs).to(trainer.device))[0].cpu()
    model.train(training)
    alone = slice(config.heard - 1, None)
    truth, found = torch.from_numpy(targets)[alone], outputs[alone]
    like, level = _pieces(truth, found)
    notes = chords(held_out(_PART), EXAMINED)
    heard = sorted(np.unique(notes, axis=1, return_index=True)[1])[:LISTENED]  # no chord twice
    return Sound(
        step=trainer.step,
        names=tuple(chord_names(notes[:, heard])),
        notes=frequency(notes[:, heard].T).astype(np.float32),
        rate=config.rate,
        before=_samples(torch.from_numpy(inputs[: config.heard, heard])),
        truth=_samples(truth[:, heard]),
        found=_samples(found[:, heard]),
        trained=config.continuation * config.frame,
        like=like,
        level=level,
        piece=PIECE * config.frame,
    )


def _pieces(truth: Tensor, found: Tensor) -> tuple[Array, Array]:
    """Correlation and relative power of stretches, (F / PIECE, B) each, of frames (F, B, 16)."""
    whole = len(truth) // PIECE * PIECE
    y, s = (one[:whole].unflatten(0, (-1, PIECE)).transpose(1, 2).flatten(2) for one in (truth, found))
    power, sung = y.square().sum(-1), s.square().sum(-1)
    like = (y * s).sum(-1) / (power * sung).sqrt().clamp(min=1e-12)
    return like.numpy().astype(np.float32), (sung / power).numpy().astype(np.float32)


def _samples(frames: Tensor) -> Array:
    """Samples (F·16, N) of frames (F, N, 16), in half precision, which nobody hears."""
    return frames.transpose(1, 2).flatten(0, 1).numpy().astype(np.float16)

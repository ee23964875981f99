"""Both directions of a network on the batch's first sequence: their gradients and gates, aligned in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnncore.config import KEEPING_GATE
from rnncore.diagnostics.probed import Opened, Probed
from rnncore.probe.layers import LayerTrace
from rnncore.records import Record
from rnncore.records.directions import Directions

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer


def directions(
    stack: Sequence[LayerTrace],
    *,
    cell: str,
    scale: float = 1.0,
    step: int = 0,
    text: Sequence[str] = (),
    targets: Sequence[str] = (),
) -> Directions:
    """The record of the first sequence.

    Args:
        stack: layers that read in both directions, bottom first; their arrays are in the order of the text.
        cell: its name in the registry.
        scale: what the gradients are multiplied with, e.g. the number of answers that a mean loss is over.
        step: completed training steps.
        text: what was read, a label per step.
        targets: what was asked for.
    """
    gate = KEEPING_GATE.get(cell, "")
    gradient = [[scale * trace.grad_hidden[:, 0].norm(dim=-1) for trace in layer.directions] for layer in stack]
    kept = [[trace.gates[gate][:, 0].mean(-1) for trace in layer.directions] for layer in stack] if gate else None
    norms = np.array([[one.detach().cpu().numpy() for one in layer] for layer in gradient], np.float32)
    if kept is None:
        means = np.full_like(norms, np.nan)
    else:
        means = np.array([[one.detach().cpu().numpy() for one in layer] for layer in kept], np.float32)
    return Directions(
        step=step, cell=cell, text=tuple(text), targets=tuple(targets), gradient=norms, kept=means, gate=gate
    )


class DirectionsMeasure(Probed):
    """Looks at the training step itself."""

    name, share, patience = "directions", 0.05, 1.0

    def records(self, trainer: Trainer, opened: Opened) -> Iterable[Record]:
        """One record."""
        text, targets = (trainer.task.labels(values[:, 0]) for values in (trainer.inputs, trainer.targets))
        scale = float(trainer.positions) / trainer.config.training.batch_size
        yield directions(
            opened.stack(trainer), cell=trainer.config.model.cell, scale=scale, step=trainer.step, text=text,
            targets=targets,
        )  # fmt: skip

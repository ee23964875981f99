"""Whom each step of a transformer asks, on the training step itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch

from rnncore.cells.transformer import Transformer
from rnncore.diagnostics.probed import Opened, Probed
from rnncore.probe.trace import Trace
from rnncore.records import Attention, Record

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

MOST_ASKING, MOST_ASKED = 96, 128
"""Rows and columns kept, the last ones: what a screen tells apart, and what keeps a record of 4 heads below 100 kB a
layer."""


@torch.no_grad()
def attention(traces: Sequence[Trace], text: Sequence[str], *, step: int = 0, ways: int = 1) -> Attention:
    """The record of the traces' first sequence.

    Args:
        traces: of transformer layers and directions, bottom first, (T, B, H).
        text: what was read, as far back as anybody knows; its last T are those of the T steps.
        step: completed training steps.
        ways: traces of a layer.
    """
    maps = []
    for trace in traces:
        equations = trace.cell_type.equations  # type: ignore[attr-defined]
        assert isinstance(equations, Transformer)
        found = equations.attention(trace.replayed.saved["x"][:, :1], trace.initial[1][:1], trace.weights)[0]
        maps.append(found.flip(-2, -1) if trace.order.reverse else found)
    weights = torch.stack(maps)  # (L, heads, T, M)
    steps, asked = weights.shape[2:]
    kept = weights[:, :, -MOST_ASKING:, -MOST_ASKED:]
    known = text[max(0, len(text) - kept.shape[3]) :]
    return Attention(
        step=step,
        weights=kept.cpu().half().numpy(),
        earlier=weights[:, :, -MOST_ASKING:, :-MOST_ASKED].sum(-1).cpu().half().numpy(),
        text=("",) * (kept.shape[3] - len(known)) + tuple(known),
        carried=max(0, min(asked, MOST_ASKED) - steps),
        ways=ways,
    )


class AttentionMeasure(Probed):
    """Opens the batch's first sequence, which the gates' heatmaps show too."""

    name, share, patience = "attention", 0.05, 0.0

    def forced(self, step: int) -> bool:
        """The first step, so that the first map comes with the first chart; then log-spaced ones."""
        return step == 1 or super().forced(step)

    def records(self, trainer: Trainer, opened: Opened) -> Iterable[Record]:
        """One record."""
        read = trainer.task.labels(trainer.inputs[:, 0])
        ways = len(opened.stack(trainer)[0].directions)
        yield attention(opened.layers(trainer), [*read_before(trainer), *read], step=trainer.step, ways=ways)


def read_before(trainer: Trainer) -> list[str]:
    """What the batch's first sequence read in the windows before this one, as far as a map shows it; of a network that
    reads what it wrote itself, nothing is known.
    """
    found: list[str] = []
    step = trainer.step - 1
    if not trainer.task.stateful or trainer.sampler is not None or trainer.task.batch(step)[2]:
        return found
    while step > 0 and len(found) < MOST_ASKED:
        step -= 1
        inputs, _, anew = trainer.task.batch(step)
        found = [*trainer.task.labels(inputs[:, 0]), *found]
        if anew:
            break
    return found

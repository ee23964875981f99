"""Looks into a ConvLSTM on one film that is never trained on, and keeps all of its gates and states as pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rnncore.diagnostics.probed import HeldOut
from rnncore.probe import probe
from rnncore.probe.trace import Trace
from rnncore.records import Record
from rnncore.records.gate_maps import GateMaps

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer


def gate_maps(trace: Trace, frames: torch.Tensor, *, layer: int = 0, step: int = 0) -> GateMaps:
    """The record of a trace's first sequence.

    Args:
        trace: of a ConvLSTM layer, (T, B, C·h·w).
        frames: what the network read, (T, B, h·w).
        layer: its place in the stack.
        step: completed training steps.
    """
    picture: tuple[int, int] = trace.cell_type.equations.picture  # type: ignore[attr-defined]
    pixels, symbols = picture[0] * picture[1], [gate.symbol for gate in trace.cell_type.gates]
    assert trace.cell is not None
    every = [*(trace.gates[symbol] for symbol in symbols), trace.cell, trace.hidden]
    values = [one[:, 0].unflatten(-1, (-1, pixels)).cpu().numpy() for one in every]  # (T, C, h·w) each
    return GateMaps(
        step=step,
        layer=layer,
        picture=picture,
        channels=(*symbols, "c", "h"),
        values=np.stack(values, 1).astype(np.float16),
        frames=frames[:, 0, :pixels].cpu().numpy().astype(np.float16),
    )


class GateMapsMeasure(HeldOut):
    """The top layer, on the first film of the validation data, the same one each time."""

    name, share, patience = "gate_maps", 0.05, 1.0

    @torch.no_grad()
    def records(self, trainer: Trainer, opened: Any) -> Iterable[Record]:
        """One record."""
        model, training = trainer.model, trainer.model.training
        inputs, _ = next(iter(trainer.task.validation_batches()))
        inputs = inputs[:, :1].to(trainer.device)
        model.eval()
        with probe(model) as found:
            model(inputs)
        model.train(training)
        top = len(model.layers) - 1
        yield gate_maps(found[f"layers.{top}"].layers[0].forward, inputs, layer=top, step=trainer.step)

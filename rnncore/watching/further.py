"""What is looked at more seldom, because it costs more: the per-loss matrix, and the layers' dynamics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rnncore.diagnostics.dynamics import dynamics
from rnncore.diagnostics.per_loss import affordable, per_loss_matrix
from rnncore.probe.layers import LayerTrace, ModuleTrace
from rnncore.records import Record

WHOLE = 1e-3
"""Largest difference between the losses' sum and the whole gradient, relative to it: beyond, the loss is no sum over
steps (it reads the last state alone, say), and there are no single losses to show."""
SHARES = {"per_loss": 0.05, "dynamics": 0.05}
"""Of the budget."""
PATIENCE = {"per_loss": 2.0, "dynamics": 3.0}
"""Seconds of the loop before the first turn: the first charts should not wait for it."""

Look = Callable[[Sequence[LayerTrace], int, Sequence[str]], list[Record]]


def only_call(probe: Mapping[str, ModuleTrace]) -> tuple[LayerTrace, ...]:
    """The layers of a model's only recurrent module, called once, on sequences of one length; () for anything else.

    These records hold layers of one size, in the order of the others.
    """
    modules = list(probe.values())
    if len(modules) != 1 or len(modules[0].calls) != 1 or modules[0].calls[0].lengths is not None:
        return ()
    return modules[0].layers


def _per_loss(layers: Sequence[LayerTrace], step: int, text: Sequence[str]) -> list[Record]:
    trace = layers[0].forward
    steps, sequences, size = trace.hidden.shape
    weights = (2 * len(layers) - 1) * len(layers[0].directions) * trace.cell_type.blocks * size**2
    record = per_loss_matrix(layers, extent=affordable(steps, sequences, weights), step=step)
    return [record] if record.sum_error < WHOLE else []


def _dynamics(layers: Sequence[LayerTrace], step: int, text: Sequence[str]) -> list[Record]:
    return dynamics([trace for layer in layers for trace in layer.directions], step=step, text=text)


LOOKS: dict[str, Look] = {"per_loss": _per_loss, "dynamics": _dynamics}

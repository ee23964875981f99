"""What the live lab looks at while a run trains."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from rnncore.cells.window import Window
from rnncore.config import HenonTask, KnownTask, RunConfig, SentencesTask, TextTask
from rnncore.config.shapes.sound import SoundTask
from rnncore.diagnostics.attention import AttentionMeasure
from rnncore.diagnostics.attribution import AttributionMeasure
from rnncore.diagnostics.carrying import walk_down
from rnncore.diagnostics.directions import DirectionsMeasure
from rnncore.diagnostics.distributional_shift import DistributionalShiftMeasure
from rnncore.diagnostics.dynamics import DynamicsMeasure
from rnncore.diagnostics.examples import ExamplesMeasure
from rnncore.diagnostics.exposure import ExposureMeasure
from rnncore.diagnostics.feeding import FeedingMeasure
from rnncore.diagnostics.gate_activity import gate_activity
from rnncore.diagnostics.gate_maps import GateMapsMeasure
from rnncore.diagnostics.gradient_flow import gradient_flow
from rnncore.diagnostics.memory import memory_timescale
from rnncore.diagnostics.parameters import ParameterMeasure
from rnncore.diagnostics.per_loss import PerLossMeasure
from rnncore.diagnostics.probed import Opened, Probed
from rnncore.diagnostics.samples import QualityMeasure, SampleMeasure
from rnncore.diagnostics.saturation import saturation
from rnncore.diagnostics.sound import SoundMeasure
from rnncore.diagnostics.structured_prediction import SharesMeasure, TreeMeasure
from rnncore.probe.layers import LayerTrace
from rnncore.probe.trace import Trace
from rnncore.records import Record
from rnncore.tasks.base import scored
from rnncore.training.measuring import Measure

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer


def live_measures(config: RunConfig) -> list[Measure]:
    """The measures of a live run, for ``train(config, measures=...)``."""
    measures: list[Measure] = [ProbeMeasure(config.watch.probe_sequences)]
    match config.task:
        case TextTask():
            measures += [SampleMeasure(config), AttributionMeasure(), QualityMeasure(config)]
            measures += [ExposureMeasure(), FeedingMeasure()]
        case SentencesTask():
            measures += [SharesMeasure(), TreeMeasure(), AttributionMeasure()]
            measures += [ExposureMeasure(patience=0), FeedingMeasure()]
        case HenonTask():
            measures += [DistributionalShiftMeasure()]
        case SoundTask():
            measures += [SoundMeasure()]
        case KnownTask() if config.task.shown:
            measures += [ExamplesMeasure()]
    if config.model.cell == "conv_lstm" and not config.model.bidirectional:
        measures += [GateMapsMeasure()]
    if config.model.cell == "transformer":
        measures += [AttentionMeasure()]
    if config.model.bidirectional:
        measures += [DirectionsMeasure()]
    return [*measures, DynamicsMeasure(), PerLossMeasure(config), ParameterMeasure()]


class ProbeMeasure(Probed):
    """Opens every recurrent layer on the training step itself: gradient flow, gates, saturation, memory."""

    name, share, patience = "probe", 0.35, 0.0

    def __init__(self, sequences: int):
        self.sequences = sequences

    def forced(self, step: int) -> bool:
        """The first step, so that the first chart comes at once."""
        return step == 1

    def records(self, trainer: Trainer, opened: Opened) -> Iterable[Record]:
        """Gradient flow, gate activity, saturation and memory of the step."""
        start = time.perf_counter()
        config, step = trainer.config, trainer.step
        cell = config.model.cell
        layers, stack = opened.layers(trainer), opened.stack(trainer)
        ends = scored(trainer.targets)[-1, : layers[-1].hidden.shape[1]]  # sequences that have a loss at the last step
        last = [
            _of_sequences(one, ends) for one in last_loss(stack, trainer.model.dropout_masks, trainer.model.residual)
        ]
        of_last = sum(one.grad_input for one in last[: len(stack[0].directions)])
        scale = float(trainer.positions)  # the trained loss is the mean over so many
        text, targets = (trainer.task.labels(values[:, 0]) for values in (trainer.inputs, trainer.targets))
        gates = gate_activity(layers, cell=cell, step=step, text=text, targets=targets)
        shut = saturation(layers, cell=cell, step=step)
        memory = memory_timescale(layers, cell=cell, step=step)
        cost = opened.seconds + time.perf_counter() - start
        flow = gradient_flow(
            layers, last, cell=cell, step=step, scale=scale, cost_ms=1000 * cost,
            inputs=(stack[0].grad_input, of_last), field=receptive_field(stack),
        )  # fmt: skip
        return [flow, gates, shut, memory]


def _of_sequences(back: Any, chosen: torch.Tensor) -> Any:
    """Some of the sequences of ``last_loss``; all of them where none is chosen: then the gradient is zero."""
    if bool(chosen.all()) or not bool(chosen.any()):
        return back
    carried = None if back.grad_carried is None else back.grad_carried[:, chosen]
    return SimpleNamespace(
        grad_hidden=back.grad_hidden[:, chosen], grad_carried=carried, grad_input=back.grad_input[:, chosen]
    )


def receptive_field(stack: list[LayerTrace]) -> int:
    """Steps that an output of the top layer can depend on, its own among them; 0 for all: a recurrence has no end."""
    found = 1
    for layer in stack:
        equations = getattr(layer.forward.cell_type, "equations", None)
        if not isinstance(equations, Window):
            return 0
        found += equations.width
    return found


def last_loss(stack: list[LayerTrace], masks: list[torch.Tensor | None], residual: bool = False) -> list[Any]:
    """Gradients of the last step's loss alone, carried down a stack of layers.

    The readout is applied at each step by itself, so the last step's loss reaches the top layer only through
    its last output; below, it arrives through the layer above (and the dropout mask between the two).

    Args:
        stack: bottom first.
        masks: what each layer's output was multiplied with on its way up, (T, B, H) or None.
        residual: each layer's input was added to its output, from the second layer on.

    Returns:
        One object per layer and direction with ``grad_hidden`` and ``grad_carried``, (T, B, H), and ``grad_input``,
        (T, B, D).
    """
    top = torch.cat([trace.grad_output for trace in stack[-1].directions], -1)
    arriving = torch.zeros_like(top)
    arriving[-1] = top[-1]
    if all(layer.reverse is None for layer in stack):
        one_way = [layer.forward for layer in stack]
        return [back for _, back in walk_down(one_way, arriving, masks, Trace.backward_beside, residual)][::-1]
    found = [back for _, back in walk_down(stack, arriving, masks, LayerTrace.backward, residual)]
    return [one for back in found[::-1] for one in back.directions]

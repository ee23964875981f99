"""What the live lab looks at while a run trains: the probe, and samples."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from rnncore.config import RunConfig
from rnncore.diagnostics.attribution import AttributionMeasure
from rnncore.diagnostics.dynamics import DynamicsMeasure
from rnncore.diagnostics.gate_activity import gate_activity
from rnncore.diagnostics.gradient_flow import gradient_flow
from rnncore.diagnostics.memory import memory_timescale
from rnncore.diagnostics.parameters import ParameterMeasure
from rnncore.diagnostics.per_loss import PerLossMeasure
from rnncore.diagnostics.probed import Opened, Probed
from rnncore.diagnostics.saturation import saturation
from rnncore.generation.sampling import generate
from rnncore.records import Record, Sample
from rnncore.training.measuring import AfterStep, Measure, is_power_of_two

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

PRIMER_LENGTH = 40


def live_measures(config: RunConfig) -> list[Measure]:
    """The measures of a live run, for ``train(config, measures=...)``."""
    return [
        ProbeMeasure(config.watch.probe_sequences),
        SampleMeasure(config),
        DynamicsMeasure(),
        AttributionMeasure(),
        PerLossMeasure(config),
        ParameterMeasure(),
    ]


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
        layers = opened.layers(trainer)
        last = last_loss(layers, trainer.model.dropout_masks)
        scale = float(trainer.inputs.numel())  # the trained loss is the mean over T·B
        decode = trainer.task.vocabulary.decode
        text, targets = (list(decode(ids[:, 0].cpu().numpy())) for ids in (trainer.inputs, trainer.targets))
        gates = gate_activity(layers, cell=cell, step=step, text=text, targets=targets)
        shut = saturation(layers, cell=cell, step=step)
        memory = memory_timescale(layers, cell=cell, step=step)
        cost = opened.seconds + time.perf_counter() - start
        flow = gradient_flow(layers, last, cell=cell, step=step, scale=scale, cost_ms=1000 * cost)
        return [flow, gates, shut, memory]


def last_loss(layers: list[Any], masks: list[torch.Tensor | None]) -> list[Any]:
    """Gradients of the last step's loss alone, carried down a stack of layers.

    The readout is applied at each step by itself, so the last step's loss reaches the top layer only through
    its last output; below, it arrives through the layer above (and the dropout mask between the two).

    Args:
        layers: one trace per layer, bottom first.
        masks: what each layer's output was multiplied with on its way up, (T, B, H) or None.

    Returns:
        One object per layer with ``grad_hidden`` and ``grad_cell``, (T, B, H).
    """
    top = layers[-1].grad_output
    arriving = torch.zeros_like(top)
    arriving[-1] = top[-1]
    found = []
    for index in range(len(layers) - 1, -1, -1):
        back = layers[index].backward_beside(arriving)
        found.append(back)
        if index:
            arriving = back.grad_input
            mask = masks[index - 1]
            if mask is not None:
                arriving = arriving * mask[:, : arriving.shape[1]]
    return found[::-1]


class SampleMeasure(AfterStep):
    """A sample with the same primer and the same random seed each time, so that samples can be compared."""

    name, share = "sample", 0.08

    def __init__(self, config: RunConfig):
        self.watch, self.seed = config.watch, config.seed

    def forced(self, step: int) -> bool:
        """Log-spaced steps from the first on."""
        return is_power_of_two(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """One sample."""
        primer = self.watch.primer or trainer.task.primer(PRIMER_LENGTH)
        generator = torch.Generator(trainer.device).manual_seed(self.seed)
        generated = generate(
            trainer.model,
            trainer.task.vocabulary,
            primer=primer,
            length=self.watch.sample_length,
            temperature=self.watch.temperature,
            generator=generator,
        )
        return [
            Sample(
                step=trainer.step,
                primer=generated.primer,
                text=generated.text[0],
                temperature=self.watch.temperature,
                seed=self.seed,
            )
        ]

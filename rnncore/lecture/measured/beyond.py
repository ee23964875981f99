"""Train ten networks in turns, five on recall and five on parity, and look back from the last step after each turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnncore.cells.transformer import Transformer
from rnncore.lecture.beyond import NETWORKS, BeyondSettings, parity, recall
from rnncore.lecture.measured.in_turns import Runner
from rnncore.probe import probe
from rnncore.records import Array
from rnncore.records.beyond import Beyond
from rnncore.training.trainer import Trainer

TURNS = 16
"""Points of each curve."""


def measure(settings: BeyondSettings) -> Iterator[Beyond]:
    """A record before the first turn, after each, and one with the scores."""
    runs = [Runner(config) for config in recall(settings)]
    odd = [Runner(config) for config in parity(settings)]
    inputs, targets, _ = runs[0].trainer.task.batch(0)
    first = np.array([reach(run.trainer, inputs, targets) for run in runs])
    spent = [0.0] * len(runs)
    yield _record(runs, odd, 0, settings, first, (inputs, targets), spent, done=False)
    for turn in range(1, TURNS + 1):
        for place, run in enumerate([*runs, *odd]):
            total, start = run.trainer.config.training.steps, time.perf_counter()
            run.advance(turn * total // TURNS - (turn - 1) * total // TURNS)
            if place < len(runs):
                spent[place] += time.perf_counter() - start
        yield _record(runs, odd, turn, settings, first, (inputs, targets), spent, done=False)
    yield _record(runs, odd, TURNS, settings, first, (inputs, targets), spent, done=True)


def reach(trainer: Trainer, inputs: Tensor, targets: Tensor) -> Array:
    """‖∂L_T/∂x_t‖ over the batch and the numbers read, lag 0 first, (T,); L_T is the loss of the last step."""
    trainer.model.eval()
    x = inputs.detach().clone().requires_grad_()
    loss = trainer.task.loss(trainer.model(x)[0], targets)
    (gradient,) = torch.autograd.grad(loss, x)
    trainer.model.train()
    norms: Array = gradient.double().square().sum((1, 2)).sqrt().flip(0).numpy()
    return norms


@torch.no_grad()
def attention(trainer: Trainer, inputs: Tensor) -> Array:
    """How much each step of one sequence asks each, (L, heads, T, T); inputs (T, 1, D)."""
    trainer.model.eval()
    with probe(trainer.model) as found:
        trainer.model(inputs)
    trainer.model.train()
    maps = []
    for index, layer in enumerate(trainer.model.layers):
        trace = found[f"layers.{index}"].layers[0].forward
        equations = getattr(layer, "cell").equations  # noqa: B009
        assert isinstance(equations, Transformer)
        maps.append(equations.attention(trace.replayed.saved["x"], trace.initial[1], trace.weights)[0])
    return torch.stack(maps).numpy()


def _record(
    runs: list[Runner], odd: list[Runner], turn: int, settings: BeyondSettings, first: Array,
    batch: tuple[Tensor, Tensor], spent: list[float], *, done: bool,
) -> Beyond:  # fmt: skip
    scores = np.full((len(NETWORKS), 2, 2), np.nan)
    if done:
        for task, group in enumerate((runs, odd)):
            scores[:, task] = [(run.score(), run.score_longer()) for run in group]
    turns = np.arange(1, turn + 1)
    configs = [run.trainer.config for run in runs]
    models = [run.trainer.model for run in runs]
    size = configs[0].task.loss_size
    asking = runs[NETWORKS.index("transformer")].trainer
    return Beyond(
        step=runs[0].trainer.step,
        share=1.0 if done else turn / (TURNS + 1),
        doing="" if done else f"training ten networks in turns, {turn} of {TURNS}",
        networks=NETWORKS,
        sizes=np.array([config.model.hidden_size for config in configs]),
        layers=np.array([config.model.num_layers for config in configs]),
        parameters=np.array([sum(one.numel() for one in model.parameters()) for model in models]),
        steps=turns * settings.steps // TURNS,
        curves=np.array([run.losses for run in runs]).reshape(len(runs), turn) / size,
        parity_steps=turns * odd[0].trainer.config.training.steps // TURNS,
        parity_curves=np.array([run.losses for run in odd]).reshape(len(odd), turn) / size,
        scores=scores,
        first=first,
        reach=np.array([reach(run.trainer, *batch) for run in runs]) if turn else first,
        milliseconds=np.array([1000 * one / max(1, run.trainer.step) for one, run in zip(spent, runs, strict=True)])
        if turn else np.full(len(runs), np.nan),
        attention=attention(asking, batch[0][:, :1]),
        text=tuple(asking.task.labels(batch[0][:, 0])),
        length=settings.length,
        field=2**settings.tcn_layers,
    )  # fmt: skip

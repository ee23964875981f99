"""Train seven stacks in turns, and carry the last step's loss back through time and depth after each turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnncore.diagnostics.live import last_loss
from rnncore.lecture.many_layers import NETWORKS, ManyLayersSettings, networks
from rnncore.lecture.measured.in_turns import Runner
from rnncore.probe import probe
from rnncore.records import Array
from rnncore.records.many_layers import ManyLayers
from rnncore.training.trainer import Trainer

TURNS = 15
"""Points of each curve."""
DEEPEST = max(layers for layers, _ in NETWORKS)


def measure(settings: ManyLayersSettings) -> Iterator[ManyLayers]:
    """A record before the first turn, after each, and one with the scores."""
    runs = [Runner(config) for config in networks(settings)]
    inputs, targets, _ = runs[0].trainer.task.batch(0)
    first = np.array([across(run.trainer, inputs, targets) for run in runs])
    spent = [0.0] * len(runs)
    yield _record(runs, 0, settings, first, first, spent, done=False)
    for turn in range(1, TURNS + 1):
        for place, run in enumerate(runs):
            start = time.perf_counter()
            run.advance(turn * settings.steps // TURNS - (turn - 1) * settings.steps // TURNS)
            spent[place] += time.perf_counter() - start
        now = np.array([across(run.trainer, inputs, targets) for run in runs])
        yield _record(runs, turn, settings, first, now, spent, done=False)
    yield _record(runs, TURNS, settings, first, now, spent, done=True)


def across(trainer: Trainer, inputs: Tensor, targets: Tensor) -> Array:
    """‖∂L_T/∂h_t‖ of each layer, root mean square over the batch, (L, T); nan in rows of layers that are not there.

    Equal to what autograd would find in every state; here by the probe, from one backward pass.
    """
    model = trainer.model
    with probe(model) as found:
        trainer.task.loss(model(inputs)[0], targets).backward()
    model.zero_grad(set_to_none=True)
    stack = [found[f"layers.{index}"].layers[0] for index in range(len(model.layers))]
    rows = np.full((DEEPEST, len(inputs)), np.nan)
    for layer, back in enumerate(last_loss(stack, [None] * len(stack), model.residual)):
        norms = torch.linalg.vector_norm(back.grad_hidden.double(), dim=-1)  # (T, B)
        rows[layer] = norms.square().mean(1).sqrt().numpy()
    return rows


def _record(
    runs: list[Runner], turn: int, settings: ManyLayersSettings, first: Array, now: Array, spent: list[float], *,
    done: bool,
) -> ManyLayers:  # fmt: skip
    configs = [run.trainer.config for run in runs]
    task = configs[0].task
    return ManyLayers(
        step=runs[0].trainer.step,
        share=1.0 if done else turn / (TURNS + 1),
        doing="" if done else f"training seven networks in turns, {turn} of {TURNS}",
        cell=settings.cell,
        layers=np.array([layers for layers, _ in NETWORKS]),
        residual=np.array([residual for _, residual in NETWORKS]),
        sizes=np.array([config.model.hidden_size for config in configs]),
        parameters=np.array([run.trainer.parameter_count for run in runs]),
        steps=np.arange(1, turn + 1) * settings.steps // TURNS,
        curves=np.array([run.losses for run in runs]).reshape(len(runs), turn),
        scores=np.array([run.score() for run in runs]) if done else np.full(len(runs), np.nan),
        floor=float(task.floor),  # type: ignore[union-attr]
        solved_at=float(task.solved_at),  # type: ignore[union-attr]
        first=first,
        now=now,
        milliseconds=np.array([1000 * one / max(1, run.trainer.step) for one, run in zip(spent, runs, strict=True)])
        if turn
        else np.full(len(runs), np.nan),
        length=settings.length,
    )

"""Products of step Jacobians at initialisation and after training, and what clipping does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import rnncore
from rnncore.cells import CELLS
from rnncore.diagnostics.jacobian import singular_values, step_jacobians
from rnncore.lecture.measured.in_turns import Runner
from rnncore.lecture.vanishing import (
    CLIPPED,
    GAINS,
    LAGS,
    NETWORKS,
    SPECTRUM_AT,
    TRAINED,
    VanishingSettings,
    clipped,
    parity,
)  # fmt: skip
from rnncore.records.base import Array
from rnncore.records.vanishing import Vanishing

SEQUENCES = 4


class Backwards(NamedTuple):
    """What is left of the gradient after each lag."""

    norms: Array  # (L,), ‖∂h_T/∂h_{T-k}‖_F / √H, root mean square over sequences
    spectrum: Array  # (Q, H), singular values at some lags, of the first sequence


def measure(settings: VanishingSettings) -> Iterator[Vanishing]:
    """A record after each network at initialisation, after each trained one, and after the runs with clipping."""
    norms = np.full((len(NETWORKS), len(GAINS), LAGS), np.nan)
    spectra = np.full((len(NETWORKS), len(GAINS), len(SPECTRUM_AT), settings.hidden_size), np.nan)
    trained, right = np.full((len(TRAINED), LAGS), np.nan), np.full(len(TRAINED), np.nan)
    scores, largest = np.full((2, len(CLIPPED), 2), np.nan)
    total = len(NETWORKS) + 2 * len(TRAINED) + 4 * len(CLIPPED)
    done = 0

    def record(doing: str) -> Vanishing:
        return Vanishing(
            step=done, share=done / total, doing=doing, networks=tuple(NETWORKS),
            cells=tuple(cell for cell, _ in NETWORKS.values()), gains=np.array(GAINS), lags=np.arange(1, LAGS + 1),
            norms=norms.copy(), spectrum_at=np.array(SPECTRUM_AT), spectra=spectra.copy(),
            trained=tuple(TRAINED), trained_cells=tuple(TRAINED.values()), trained_norms=trained.copy(),
            trained_right=right.copy(), clipped=tuple(CLIPPED), clipped_right=scores.copy(), largest=largest.copy(),
        )  # fmt: skip

    for at, name in enumerate(NETWORKS):
        for place, gain in enumerate(GAINS):
            found = at_initialisation(name, gain, settings)
            norms[at, place], spectra[at, place] = found.norms, found.spectrum
        done += 1
        yield record(f"the product of Jacobians: {name}")
    for at, (name, cell) in enumerate(TRAINED.items()):
        run = Runner(parity(cell, settings))
        run.advance(settings.steps)
        right[at], trained[at] = run.score(), after_training(run, settings).norms
        done += 2
        yield record(f"after training: {name}")
    for at, (name, (task, length)) in enumerate(CLIPPED.items()):
        for place, clip_norm in enumerate((None, 1.0)):
            run = Runner(clipped(task, length, clip_norm, settings))
            largest[at, place] = _largest_norm(run)
            scores[at, place] = run.score()
            done += 2
            yield record("" if done == total else f"clipping: {name}")


def at_initialisation(name: str, gain: float, settings: VanishingSettings) -> Backwards:
    """A fresh network, in float64, that reads characters drawn evenly."""
    cell, options = NETWORKS[name]
    generator = torch.Generator().manual_seed(settings.seed)
    layer = CELLS[cell].layer(settings.hidden_size, settings.hidden_size).double()
    CELLS[cell].initialise(layer, recurrent_gain=gain, t_max=LAGS, generator=generator, **options)
    letters = torch.randint(0, settings.hidden_size, (LAGS + 1, SEQUENCES), generator=generator)
    return backwards(layer, functional.one_hot(letters, settings.hidden_size).double())


def after_training(run: Runner, settings: VanishingSettings) -> Backwards:
    """A network that has learned parity, on bits."""
    generator = torch.Generator().manual_seed(settings.seed)
    bits = torch.randint(0, 2, (LAGS + 1, SEQUENCES, 1), generator=generator).double()
    layer = next(one for one in run.trainer.model.modules() if isinstance(one, nn.RNNBase))
    return backwards(copy.deepcopy(layer).double(), bits)


@torch.no_grad()
def backwards(layer: nn.Module, inputs: Tensor) -> Backwards:
    """Multiply step Jacobians from the last step back, (T + 1, B, D) inputs for T lags.

    Only the rows of h_T are carried: (B, H, S) times (B, S, S).
    """
    with rnncore.probe(layer) as probe:
        layer(inputs)
    (name,) = probe
    jacobians = step_jacobians(probe[name].layers[0].forward)
    sequences, size = jacobians.shape[1], int(layer.hidden_size)  # type: ignore[arg-type]
    rows = torch.eye(jacobians.shape[-1], dtype=jacobians.dtype)[:size].expand(sequences, -1, -1)
    norms, spectrum = [], []
    for lag in range(1, len(jacobians)):
        rows = rows @ jacobians[-lag]
        block = rows[..., :size]
        norms.append(float(torch.linalg.matrix_norm(block).square().mean().div(size).sqrt()))
        if lag in SPECTRUM_AT:
            finite = bool(torch.isfinite(block[0]).all())
            spectrum.append(singular_values(block[0]) if finite else torch.full((size,), torch.inf))
    return Backwards(np.array(norms), torch.stack(spectrum).numpy())


def _largest_norm(run: Runner) -> float:
    """Train to the end; the largest norm that the gradient had before clipping."""
    largest = 0.0
    while not run.over:
        step = run.trainer.advance()
        run.diverged = step is None
        largest = np.inf if step is None else max(largest, step.grad_norm)
    return largest

"""Many layers: one to four of them at equal parameter counts, with and without residual connections.

The adding problem (Hochreiter & Schmidhuber 1997): the sum of the two marked numbers among T. A residual connection
adds a layer's input to its output, from the second layer on (He et al. 2016, arXiv:1512.03385; in recurrent networks
Wu et al. 2016, arXiv:1609.08144, section 3.1).
"""

from __future__ import annotations

from typing import Literal

from rnncore.config import RunConfig
from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.matching import match_parameters
from rnncore.records.many_layers import ManyLayers

NETWORKS: tuple[tuple[int, bool], ...] = (
    (1, False),
    (2, False),
    (3, False),
    (4, False),
    (2, True),
    (3, True),
    (4, True),
)
"""Layers, and whether each layer's input is added to its output."""


class ManyLayersSettings(Settings):
    """What is stacked, and how long it trains."""

    cell: Literal["gru", "lstm", "rnn_tanh"] = setting("lstm", "Cell of all layers")
    length: int = setting(30, "Numbers in a row, T", unit="numbers", ge=4, le=60)
    hidden_size: int = setting(48, "Units of the single layer; the others get as many parameters", ge=32, le=96)
    steps: int = setting(400, "Training steps of each network", unit="steps", ge=20, le=800)


def networks(settings: ManyLayersSettings) -> tuple[RunConfig, ...]:
    """A configuration for each of ``NETWORKS``."""
    found = [
        RunConfig.of(
            task="adding", sequence_length=settings.length, test_length=2 * settings.length, cell=settings.cell,
            hidden_size=settings.hidden_size, num_layers=layers, residual=residual, batch_size=50, lr=0.01,
            clip_norm=1.0, steps=settings.steps, seed=settings.seed,
        )
        for layers, residual in NETWORKS
    ]  # fmt: skip
    return match_parameters(found, tolerance=0.04)


MANY_LAYERS = Experiment("many-layers", ManyLayersSettings, ManyLayers)

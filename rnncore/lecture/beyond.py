"""Beyond RNNs: temporal convolutions and a transformer beside recurrent networks, at equal parameter counts.

Two tasks that ask for opposite things. Delayed recall: which of eight symbols came first, T steps ago, so that what
counts is reach. Parity: after each bit, whether there was an odd number of ones, so that what counts is a state that
each step changes; trained on up to 20 bits and tested on up to 200.
"""

from __future__ import annotations

from typing import Any

from rnncore.config import RunConfig
from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.matching import match_parameters
from rnncore.records.beyond import Beyond

NETWORKS = ("rnn_tanh", "lstm", "gru", "tcn", "transformer")
RATE = {"tcn": 0.003, "transformer": 0.003}
"""Learning rates of those that .01 does not suit."""
ATTENTION_LAYERS = 2
PARITY_LAYERS = 5
"""Of the TCN on parity: 32 steps, enough for 20 bits."""
ALIKE = 0.04
"""Share by which counts of weights may differ: a unit more of a small transformer is a tenth of its weights."""
PARITY_STEPS = 2
"""Steps for parity, for each step of recall."""


class BeyondSettings(Settings):
    """What is varied beside the network."""

    length: int = setting(50, "Steps from the symbol to the answer, T", unit="steps", ge=4, le=60)
    tcn_layers: int = setting(
        6, "Layers of the TCN: it sees 2 to the power of so many steps", unit="layers", ge=1, le=8
    )
    steps: int = setting(400, "Training steps on recall; twice as many on parity", unit="steps", ge=20, le=800)
    hidden_size: int = setting(
        40, "Units of the vanilla RNN; the others get as many parameters", unit="units", ge=32, le=64
    )
    chrono: bool = setting(False, "Let LSTM and GRU begin with chrono biases, which remember for T steps")


def recall(settings: BeyondSettings) -> tuple[RunConfig, ...]:
    """A configuration for each network, with equal parameter counts."""
    task = {"task": "delayed_recall", "sequence_length": settings.length, "test_length": 2 * settings.length}
    return _matched(settings, settings.tcn_layers, task, settings.steps, chrono=settings.chrono)


def parity(settings: BeyondSettings) -> tuple[RunConfig, ...]:
    """The same for parity."""
    return _matched(settings, PARITY_LAYERS, {"task": "parity"}, PARITY_STEPS * settings.steps, chrono=False)


def _matched(
    settings: BeyondSettings, tcn_layers: int, task: dict[str, Any], steps: int, *, chrono: bool
) -> tuple[RunConfig, ...]:
    layers = {"tcn": tcn_layers, "transformer": ATTENTION_LAYERS}
    found = []
    for cell in NETWORKS:
        gated = {"gate_bias": "chrono"} if chrono and cell in ("lstm", "gru") else {}
        found.append(
            RunConfig.of(
                **task, cell=cell, num_layers=layers.get(cell, 1), hidden_size=settings.hidden_size, batch_size=64,
                lr=RATE.get(cell, 0.01), steps=steps, clip_norm=1.0, seed=settings.seed, **gated,
            )
        )  # fmt: skip
    return match_parameters(found, tolerance=ALIKE)


BEYOND_EXPERIMENT = Experiment("beyond", BeyondSettings, Beyond)

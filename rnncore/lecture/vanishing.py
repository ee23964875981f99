"""Vanishing and exploding: the product of step Jacobians, ∂h_T/∂h_{T-k} = J_T J_{T-1} ⋯ J_{T-k+1}, for many cells.

Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063. For an LSTM J is that of the state
(h, c), and what is shown its block from h to h: what automatic differentiation gives for dL/dh_{T-k}.
"""

from __future__ import annotations

from typing import Any

from rnncore.config import RunConfig
from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.vanishing import Vanishing

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "RNN": ("rnn_tanh", {}),
    "RNN, orthogonal": ("rnn_tanh", {"recurrent": "orthogonal"}),
    "ReLU RNN, identity": ("rnn_relu", {"recurrent": "identity"}),
    "LSTM": ("lstm", {}),
    "LSTM, forget bias 1": ("lstm", {"gate_bias": 1.0}),
    "LSTM, forget bias 3": ("lstm", {"gate_bias": 3.0}),
    "LSTM, chrono": ("lstm", {"gate_bias": "chrono"}),
    "GRU": ("gru", {}),
    "GRU, chrono": ("gru", {"gate_bias": "chrono"}),
}
"""Name → cell, and how it is initialised."""
GAINS = (0.1, 0.2, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 10.0)
"""Factors on the recurrent weights."""
LAGS = 100
SPECTRUM_AT = (1, 2, 3, 5, 8, 12, 20, 32, 50, 80)
"""Lags at which singular values are computed."""
TRAINED = {"RNN": "rnn_tanh", "LSTM": "lstm", "GRU": "gru"}


class VanishingSettings(Settings):
    """The networks' size."""

    hidden_size: int = setting(64, "Units, and characters that they read", unit="units", ge=4, le=64)
    steps: int = setting(600, "Training steps of each run", unit="steps", ge=10, le=1000)


def parity(cell: str, settings: VanishingSettings) -> RunConfig:
    """What the three cells are trained on before they are looked at again: all learn it in seconds."""
    return RunConfig.of(
        task="parity", cell=cell, hidden_size=settings.hidden_size, batch_size=64, lr=0.01, clip_norm=1.0,
        steps=settings.steps, seed=settings.seed,
    )  # fmt: skip


def clipped(task: str, length: int, clip_norm: float | None, settings: VanishingSettings) -> RunConfig:
    """A vanilla RNN by plain gradient descent at a high rate, with or without clipping."""
    return RunConfig.of(
        task=task, sequence_length=length, test_length=2 * length, cell="rnn_tanh", hidden_size=32, batch_size=64,
        optimizer="sgd", lr=0.5, clip_norm=clip_norm, steps=settings.steps, seed=settings.seed,
    )  # fmt: skip


CLIPPED = {"parity of 10 bits": ("parity", 10), "recall over 50 steps": ("delayed_recall", 50)}
"""Where gradients explode in training, and where they vanish."""

VANISHING = Experiment("vanishing", VanishingSettings, Vanishing)

"""What if inputs have variable size? Three ways to read vectors x_1 … x_n, n not known beforehand.

Padded: zeros after x_n fill one large layer. Unshared: a layer for each input, h_t = tanh(W_t x_t + U_t h_{t-1} + b_t).
Shared: the same layer for all, h_t = tanh(W x_t + U h_{t-1} + b), a recurrent network.

The question about each sequence: is Σ_t w·x_t above 0, for a fixed direction w? Whoever reads only the first m of n
inputs cannot be right more often than ½ + arcsin(√(m/n))/π (the sign of one of two normal numbers with correlation
ρ = √(m/n), told from the other: Sheppard 1899), so what weights for more inputs are worth is known exactly.
"""

from __future__ import annotations

import numpy as np

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.base import Array
from rnncore.records.variable_length import VariableLength

NETWORKS = ("padded", "unshared", "shared")
INPUT_SIZE, HIDDEN_SIZE, CLASSES = 10, 32, 2


class VariableLengthSettings(Settings):
    """What is trained."""

    longest: int = setting(20, "Longest sequence of training; the test goes to twice that", unit="inputs", ge=1, le=40)
    spare: int = setting(
        0, "Inputs beyond the longest of training that padded and unshared have weights for", unit="inputs", ge=0, le=40
    )
    steps: int = setting(1000, "Steps of training for each network", unit="steps", ge=10, le=2000)


def ceiling(room: int, length: Array) -> Array:
    """The best share of right answers from the first ``room`` of ``length`` inputs: ½ + arcsin(√(m/n))/π."""
    return 0.5 + np.arcsin(np.sqrt(np.minimum(room / length, 1.0))) / np.pi


def parameters(network: str, room: int) -> int:
    """Weights of a network that is built for ``room`` inputs."""
    readout = HIDDEN_SIZE * CLASSES + CLASSES
    layer = HIDDEN_SIZE * INPUT_SIZE + HIDDEN_SIZE * HIDDEN_SIZE + HIDDEN_SIZE
    if network == "padded":
        return room * INPUT_SIZE * HIDDEN_SIZE + HIDDEN_SIZE + HIDDEN_SIZE * HIDDEN_SIZE + HIDDEN_SIZE + readout
    return (room if network == "unshared" else 1) * layer + readout


def multiplications(network: str, room: int, length: int) -> int:
    """Products of one forward pass over ``length`` inputs."""
    if network == "padded":
        return room * INPUT_SIZE * HIDDEN_SIZE + HIDDEN_SIZE * HIDDEN_SIZE + HIDDEN_SIZE * CLASSES
    layers = min(length, room) if network == "unshared" else length
    return layers * (INPUT_SIZE + HIDDEN_SIZE) * HIDDEN_SIZE + HIDDEN_SIZE * CLASSES


VARIABLE_LENGTH = Experiment("variable-length", VariableLengthSettings, VariableLength)

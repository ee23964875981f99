"""In practice: how much goes with the learning rate, on the adding problem; and a task that any cell learns, parity.

Adding (Hochreiter & Schmidhuber 1997): the sum of the two marked numbers among T; always answering 1 costs 1/6. Parity:
after each bit, whether there was an odd number of ones so far.
"""

from __future__ import annotations

from rnncore.config import RunConfig
from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.in_practice import InPractice

CELLS = ("rnn_tanh", "lstm", "gru")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
PARITY_RATE = 0.01
PARITY_STEPS = 2.5
"""Steps for parity, for each step of adding."""


class InPracticeSettings(Settings):
    """What is varied beside cell and learning rate."""

    length: int = setting(30, "Numbers in a row of the adding problem, T", unit="numbers", ge=4, le=60)
    steps: int = setting(400, "Training steps of each of the fifteen runs", unit="steps", ge=20, le=800)
    forget_bias: float = setting(0.0, "Bias of the LSTM's forget gate; 0 leaves PyTorch's random one", ge=0, le=5)
    clipping: bool = setting(True, "Clip the gradient's norm at 1")


def adding(cell: str, rate: float, settings: InPracticeSettings) -> RunConfig:
    """One of the fifteen runs."""
    gated = {"gate_bias": settings.forget_bias} if cell == "lstm" and settings.forget_bias else {}
    return RunConfig.of(
        task="adding", sequence_length=settings.length, test_length=2 * settings.length, cell=cell, hidden_size=32,
        batch_size=50, lr=rate, steps=settings.steps, clip_norm=1.0 if settings.clipping else None,
        seed=settings.seed, **gated,
    )  # fmt: skip


def parity(cell: str, settings: InPracticeSettings) -> RunConfig:
    """The counter-example, trained on up to 20 bits and tested on up to 200."""
    return RunConfig.of(
        task="parity", cell=cell, hidden_size=16, batch_size=64, lr=PARITY_RATE, seed=settings.seed,
        steps=round(PARITY_STEPS * settings.steps), clip_norm=1.0 if settings.clipping else None,
    )  # fmt: skip


IN_PRACTICE = Experiment("in-practice", InPracticeSettings, InPractice)

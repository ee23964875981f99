"""Inputs and outputs at each step: a readout, a loss for every step, and what is fed back.

h_t = f(x_t, h_{t-1}), p_t = softmax(V h_t + b), L = (1/T) Σ_t -ln p_t[x_{t+1}]. To write, the network reads its own
most likely character in place of x_{t+1}.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.each_step import EachStep

SHORTEST, LONGEST = 2, 40
SHOWN = 32
"""Steps that are read and looked at."""
MOMENTS = 14
"""Of training, spaced evenly in the logarithm of the step, that are kept."""
READINGS = ("truth", "own", "wrong")
"""What is fed: the text; after the primer its own output; the text, but for one wrong character."""


class EachStepSettings(Settings):
    """The text, and the network that learns it by heart."""

    text: str = setting("anna and a nanny, ", "Repeated without end; it is learned by heart", max_length=LONGEST)
    cell: Literal["rnn_tanh", "lstm", "gru"] = Field(
        "rnn_tanh", description="Kind of cell", json_schema_extra={"unit": "", "remedy": "choose rnn_tanh, lstm or gru"}
    )
    hidden_size: int = setting(32, "Units", unit="units", ge=1, le=64)
    steps: int = setting(200, "Training steps", unit="steps", ge=1, le=1000)
    primer: int = setting(4, "Characters of the text that it reads before it is fed its own", ge=1, le=16)
    wrong_at: int = setting(16, "Step at which one wrong character is fed", unit="step", ge=1, le=SHOWN - 2)

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if len(self.text) < SHORTEST or len(set(self.text)) < SHORTEST:
            raise ValueError(
                f"text must have at least {SHORTEST} different characters, got {self.text!r}; write a word or two"
            )
        return self


EACH_STEP = Experiment("each-step", EachStepSettings, EachStep)

"""A recurrent network is a deep network that shares weights: h_t = tanh(W x_t + U h_{t-1} + b), y_t = V h_t + c.

Unrolled over T steps it is a feed-forward network with T layers, in which every layer has the same W, U, b.
"""

from __future__ import annotations

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.unrolled import Unrolled

OUTPUTS = 2


class UnrolledSettings(Settings):
    """A network small enough to be drawn with all of its connections."""

    steps: int = setting(5, "Steps that it is unrolled over, T", unit="steps", ge=1, le=8)
    hidden_size: int = setting(3, "Units H", unit="units", ge=1, le=5)
    input_size: int = setting(2, "Numbers D in each input", unit="numbers", ge=1, le=3)


UNROLLED = Experiment("unrolled", UnrolledSettings, Unrolled)

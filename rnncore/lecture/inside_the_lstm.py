"""Inside the LSTM: one matrix four times as large as the vanilla RNN's, cut into i, f, g, o (PyTorch's order).

z_t = W [h_{t-1}; x_t] + b with W of 4H x (H + D); i, f, o = σ and g = tanh of its four parts;
c_t = f c_{t-1} + i g, h_t = o tanh(c_t). Hochreiter & Schmidhuber 1997; with forget gate, Gers et al. 2000.
"""

from __future__ import annotations

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.inside_the_lstm import InsideTheLstm

MOST_UNITS, MOST_LETTERS = 24, 24


class InsideTheLstmSettings(Settings):
    """The LSTM's sizes, and what it reads."""

    word: str = setting("remember", "Read character by character, a random vector for each", max_length=MOST_LETTERS)
    hidden_size: int = setting(8, "Units H", unit="units", ge=1, le=MOST_UNITS)
    input_size: int = setting(5, "Numbers D in each input", unit="numbers", ge=1, le=24)
    forget_bias: float = setting(0.0, "Added to the forget gate's bias", ge=-4, le=4)


INSIDE_THE_LSTM = Experiment("inside-the-lstm", InsideTheLstmSettings, InsideTheLstm)

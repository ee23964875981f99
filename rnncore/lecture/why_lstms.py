"""Why do LSTMs train better? The delayed-recall race, with the biases that torch draws and with chrono biases.

Remember the first of eight symbols over T identical distractors. Chrono initialisation: b_f = ln U(1, T-1), b_i = -b_f,
for a GRU on z (Tallec & Ollivier 2018, arXiv:1804.11188): gates that are open for as long as the task lasts.
"""

from __future__ import annotations

from rnncore.config import RunConfig
from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.why_lstms import WhyLstms

CONTENDERS: dict[str, dict[str, str]] = {
    "RNN": {"cell": "rnn_tanh"},
    "LSTM": {"cell": "lstm"},
    "LSTM chrono": {"cell": "lstm", "gate_bias": "chrono"},
    "GRU": {"cell": "gru"},
    "GRU chrono": {"cell": "gru", "gate_bias": "chrono"},
}
SEEDS = 3


class WhyLstmsSettings(Settings):
    """How hard the task is, and how long all may try."""

    length: int = setting(50, "Steps over which the symbol is to be remembered, T", unit="steps", ge=3, le=100)
    steps: int = setting(600, "Training steps at most; a run stops when it has solved it", unit="steps", ge=20, le=800)
    hidden_size: int = setting(32, "Units of each network", unit="units", ge=4, le=64)


def configuration(contender: str, number: int, settings: WhyLstmsSettings) -> RunConfig:
    """The run of a contender with its ``number``-th seed, the same for all; otherwise as the race on Compare."""
    return RunConfig.of(
        task="delayed_recall", sequence_length=settings.length, test_length=2 * settings.length,
        hidden_size=settings.hidden_size, batch_size=64, optimizer="adam", lr=0.01, clip_norm=1.0,
        steps=settings.steps, seed=settings.seed + number, **CONTENDERS[contender],
    )  # fmt: skip


WHY_LSTMS = Experiment("why-lstms", WhyLstmsSettings, WhyLstms)

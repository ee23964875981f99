"""Races that tell cells apart, each in a minute or two on two cores: the ranking changes with task and gate bias."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnncore.comparison.race import Race
from rnncore.comparison.sweep import sweep

_ADAM = {"optimizer": "adam", "clip_norm": 1.0, "lr": 0.01, "batch_size": 64, "budget": 0.1}
"""With more time for measuring than usual: they last seconds, and when a task was solved should be told closely."""
_RNN, _LSTM, _GRU = {"cell": "rnn_tanh"}, {"cell": "lstm"}, {"cell": "gru"}


@dataclass(frozen=True)
class RacePreset:
    """A race with a point to it.

    Attributes:
        key: in the address bar and on the command line.
        title: of a button.
        story: what to look for.
        base, contenders, judged_by, match: see ``Race.of``; ``axes`` makes it a sweep.
    """

    key: str
    title: str
    story: str
    base: dict[str, Any]
    contenders: tuple[dict[str, Any], ...] = ()
    axes: dict[str, tuple[Any, ...]] | None = None
    judged_by: str = "score"
    match: str = "hidden_size"

    @cached_property
    def race(self) -> Race:
        """The race, with three seeds."""
        base = _ADAM | self.base
        if self.axes is not None:
            return sweep(self.title, base, self.axes, judged_by=self.judged_by)
        return Race.of(self.title, base, self.contenders, judged_by=self.judged_by, match=self.match)


RACES: tuple[RacePreset, ...] = (
    RacePreset(
        "delayed-recall",
        "Delayed recall: the gate bias decides",
        "Remember one of eight symbols over 50 steps. With the biases that torch draws neither LSTM nor GRU gets "
        "there, and a plain RNN sometimes does; with chrono biases both do, every time.",
        {"task": "delayed_recall", "sequence_length": 50, "hidden_size": 32, "steps": 600},
        (_RNN, _LSTM, _LSTM | {"gate_bias": "chrono"}, _GRU, _GRU | {"gate_bias": "chrono"}),
    ),
    RacePreset(
        "adding",
        "Adding: gates win",
        "Add two marked numbers out of 50. The plain RNN answers 1 whatever it reads, at a squared error of 1/6; "
        "the LSTM needs its forget gates open, the GRU does it as it comes.",
        {"task": "adding", "sequence_length": 50, "hidden_size": 64, "batch_size": 50, "steps": 1000},
        (_RNN, _LSTM | {"gate_bias": 1.0}, _GRU),
    ),
    RacePreset(
        "anbn",
        "aⁿbⁿ: who can count",
        "Trained on n up to 20, tested up to 100. The LSTM's cell state can count; a GRU and a plain RNN hold every "
        "state between -1 and 1, and lose count (Weiss et al. 2018, arXiv:1805.04908).",
        {"task": "anbn", "n_max": 20, "n_test": 100, "hidden_size": 8, "batch_size": 32, "steps": 1500},
        (_RNN, _LSTM, _GRU),
        judged_by="longer",
    ),
    RacePreset(
        "parity",
        "Parity: a plain RNN is enough",
        "One bit that any input may flip, trained on 20 steps and tested on 200. All three do it: there is no "
        "difference to be shown.",
        {"task": "parity", "sequence_length": 20, "test_length": 200, "hidden_size": 16, "steps": 1500},
        (_RNN, _LSTM, _GRU),
        judged_by="longer",
    ),
    RacePreset(
        "copy-memory",
        "Copy memory: capacity",
        "Repeat ten symbols after a pause of ten steps. Here the GRU is ahead of the LSTM, and the plain RNN knows "
        "when to answer but not what.",
        {"task": "copy_memory", "delay": 10, "hidden_size": 100, "steps": 1200},
        (_RNN, _LSTM | {"gate_bias": "chrono"}, _GRU | {"gate_bias": "chrono"}),
    ),
    RacePreset(
        "beyond",
        "Beyond RNNs: no step in between",
        "Recall again, at equal parameter counts, judged at up to twice the length. The TCN solves what lies within "
        "the 64 steps that it sees; the transformer goes further; neither can learn parity.",
        {"task": "delayed_recall", "sequence_length": 50, "hidden_size": 24, "steps": 400, "lr": 0.003},
        (
            _LSTM | {"gate_bias": "chrono", "lr": 0.01},
            {"cell": "tcn", "num_layers": 6},
            {"cell": "transformer", "num_layers": 2},
        ),
        judged_by="longer",
        match="parameters",
    ),
    RacePreset(
        "learning-rate",
        "Sweep: learning rate × cell",
        "A plain RNN needs more tuning than its gated relatives: look how many learning rates work for each.",
        {"task": "adding", "sequence_length": 30, "hidden_size": 32, "steps": 500},
        axes={"lr": (0.001, 0.003, 0.01, 0.03, 0.1), "cell": ("rnn_tanh", "lstm", "gru")},
    ),
)


def race_preset(key: str) -> RacePreset | None:
    """The preset of that key, None if there is none."""
    return next((one for one in RACES if one.key == key), None)

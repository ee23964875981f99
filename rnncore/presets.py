"""Configurations that each tell something; one click in the lab."""

from __future__ import annotations

from dataclasses import dataclass

from rnncore.config import RunConfig


@dataclass(frozen=True)
class Preset:
    """A named configuration and what there is to see in it."""

    key: str
    title: str
    story: str
    config: RunConfig


def _preset(key: str, title: str, story: str, **values: object) -> Preset:
    return Preset(key, title, story, RunConfig.of(**values))


PRESETS: tuple[Preset, ...] = (
    _preset(
        "lstm",
        "LSTM learns Python",
        "The everyday case: an LSTM with 128 units reads the standard library's source. Watch the samples "
        "turn from noise into something that looks like code.",
    ),
    _preset(
        "vanishing",
        "A vanishing RNN",
        "A plain tanh RNN as torch makes it. The gradient of the last step's loss is down to a hundredth "
        "after some ten steps: what happened before cannot be learned from.",
        cell="rnn_tanh",
        lr=1e-3,
    ),
    _preset(
        "exploding",
        "Exploding, rescued by clipping",
        "The same RNN with recurrent weights four times as large: the gradient "
        "grows with every step back. Clipping keeps it alive; switch clipping off while it runs.",
        cell="rnn_tanh",
        recurrent_gain=4.0,
        lr=1e-3,
        clip_norm=1.0,
    ),
    _preset(
        "lstm-default",
        "A default LSTM vanishes too",
        "With biases as torch draws them the forget gates stand near one half, and the gradient shrinks by a "
        "third each step: at the start no better than a plain RNN.",
        cell="lstm",
        lr=1e-3,
        sequence_length=100,
    ),
    _preset(
        "lstm-chrono",
        "A chrono LSTM remembers",
        "Forget-gate biases spread so that the units' memories last from one step to the whole sequence "
        "(Tallec & Ollivier 2018). Compare the slope of the gradient with the default LSTM's.",
        cell="lstm",
        gate_bias="chrono",
        lr=1e-3,
        sequence_length=100,
    ),
    _preset(
        "gru",
        "A GRU on Python source",
        "Three gates' worth of weights instead of four. On text of this kind it is as good as the LSTM.",
        cell="gru",
    ),
)


def preset(key: str) -> Preset | None:
    """The preset of that key, None if there is none."""
    return next((one for one in PRESETS if one.key == key), None)

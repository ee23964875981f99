"""Translation: dates in words to ISO dates, by an encoder and a decoder, with attention and without.

Both networks have the same cell and size, read the same dates in the same order, and are examined on dates that are
never trained on, writing by themselves.
"""

from __future__ import annotations

from typing import Literal

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.translation import Translation

BATCH, RATE, CLIP = 64, 0.003, 1.0


class TranslationSettings(Settings):
    """Cell, size and time."""

    cell: Literal["lstm", "gru", "rnn_tanh"] = setting("lstm", "Cell of encoder and decoder")
    hidden_size: int = setting(64, "Units of encoder and decoder, H", unit="units", ge=8, le=128)
    steps: int = setting(300, "Training steps of each network", unit="steps", ge=20, le=1000)
    width: int = setting(3, "Beginnings that the beam keeps", unit="beginnings", ge=1, le=6)


TRANSLATION = Experiment("translation", TranslationSettings, Translation)

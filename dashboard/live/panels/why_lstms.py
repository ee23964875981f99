"""The panels of Why do LSTMs train better?"""

from __future__ import annotations

from dashboard.figures.why_lstms import race_curves, race_wins
from dashboard.live.panels.experiments import picture

PANELS = {
    "recall_curves": picture(race_curves),
    "recall_wins": picture(race_wins),
}

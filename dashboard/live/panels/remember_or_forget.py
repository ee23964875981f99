"""The panels of Remember or forget."""

from __future__ import annotations

from dashboard.figures.remember_or_forget import lstm_paths, unit_gradient, unit_values
from dashboard.live.panels.experiments import picture

PANELS = {
    "unit_values": picture(unit_values),
    "unit_gradient": picture(unit_gradient),
    "lstm_paths": picture(lstm_paths),
}

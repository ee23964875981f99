"""The panels of Variable-size input."""

from __future__ import annotations

from dashboard.figures.variable_length import accuracy_by_length, accuracy_over_training, needs
from dashboard.live.panels.experiments import picture

PANELS = {
    "variable_length_accuracy": picture(accuracy_by_length),
    "variable_length_training": picture(accuracy_over_training),
    "variable_length_needs": picture(needs),
}

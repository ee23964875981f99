"""The panels of Many layers."""

from __future__ import annotations

from dashboard.figures.many_layers import across, curves, errors
from dashboard.live.panels.experiments import picture

PANELS = {
    "layers_across": picture(across),
    "layers_curves": picture(curves),
    "layers_errors": picture(errors),
}

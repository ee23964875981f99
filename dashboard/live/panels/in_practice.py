"""The panels of In practice."""

from __future__ import annotations

from dashboard.figures.in_practice import parity_curves, rate_curves, rates_map
from dashboard.live.panels.experiments import picture

PANELS = {
    "rates_map": picture(rates_map),
    "rate_curves": picture(rate_curves),
    "parity_curves": picture(parity_curves),
}

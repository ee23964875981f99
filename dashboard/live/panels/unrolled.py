"""The panels of A recurrent network is a deep network."""

from __future__ import annotations

from dashboard.figures.unrolled import counted, folded, unrolled
from dashboard.live.panels.experiments import picture

PANELS = {
    "network_folded": picture(folded),
    "network_unrolled": picture(unrolled),
    "network_counted": picture(counted),
}

"""The panels of Beyond RNNs."""

from __future__ import annotations

from dashboard.figures.beyond import attention, looking_back, parity_curves, recall_curves, scores
from dashboard.live.panels.experiments import picture

PANELS = {
    "beyond_scores": picture(scores),
    "beyond_recall": picture(recall_curves),
    "beyond_parity": picture(parity_curves),
    "beyond_reach": picture(looking_back),
    "beyond_attention": picture(attention),
}

"""Gradient flow: how far back a loss reaches, how that changes while a run trains, and what the optimiser gets."""

from dashboard.widgets.gradient_panels import panels
from dashboard.widgets.page import run_page

run_page(
    "Gradient flow",
    "A network can only learn from what its gradient reaches. The curve falls to the left where the gradient vanishes "
    "and rises where it explodes; point at a loss in the heatmap to follow it back alone. Look whether the reach grows "
    "along training, and whether clipping acts now and then or always.",
    panels,
    bar="metrics",
)

"""Dynamics: whether small changes of the state, and with them the gradient, grow or fade."""

from dashboard.widgets.dynamics_panels import panels
from dashboard.widgets.page import run_page

run_page(
    "Dynamics",
    "A gradient goes back through time by a product of step Jacobians ∂sₜ/∂sₜ₋₁. One step may stretch (σ_max above 1) "
    "and many steps still fade: compare one step with 32, and look where λ₁ settles. Above 0 the gradient explodes, "
    "below 0 it vanishes, near 0 it is kept. Measured on the same stretch of validation text each time.",
    panels,
    bar="metrics",
)

"""The panels of Vanishing and exploding gradients."""

from __future__ import annotations

from dashboard.figures.vanishing import clipping, factors, gradient_by_lag, singular_values
from dashboard.live.panels.experiments import picture

PANELS = {
    "vanishing_by_lag": picture(gradient_by_lag),
    "vanishing_factors": picture(factors),
    "vanishing_spectrum": picture(singular_values),
    "vanishing_clipping": picture(clipping),
}

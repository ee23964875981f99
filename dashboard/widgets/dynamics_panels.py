"""What Dynamics shows of its runs, from top to bottom."""

from __future__ import annotations

from dashboard.live.component import Choice, Panel, Pick
from dashboard.live.panels.dynamics import LAG, STEP
from dashboard.widgets.lab_panels import HEAD, layer_choice
from rnncore.runs.store import RunInfo

LAGS = (1, 2, 4, 8, 16, 32)


def panels(watched: list[RunInfo]) -> list[Panel]:
    """Step by step, over several steps, in the long run."""
    layer = layer_choice(watched)
    lag = Choice(LAG, "Lag", tuple(("1 step" if lag == 1 else str(lag), lag) for lag in LAGS))
    step = {STEP: 999}  # no sequence is so long: the last
    return [
        *HEAD,
        Panel(
            "along",
            "along_sequence",
            "One step after another",
            height=400,
            params=step,
            choices=layer,
            pick=Pick(STEP, axis="x"),
            about="How strongly one step can stretch a small change of the state; click a step to take it apart",
        ),
        Panel(
            "eigenvalues",
            "eigenvalues",
            "Eigenvalues of one step",
            height=400,
            params=step,
            choices=layer,
            about="Of J = ∂sₜ/∂sₜ₋₁, s = h, or (h, c) for an LSTM: inside the circle a repeated step fades",
        ),
        Panel(
            "singular",
            "singular_values",
            "Singular values over a lag",
            height=340,
            params=step | {LAG: 1},
            choices=(lag, *layer),
            about="How much so many steps in a row stretch each direction, of a change ahead as of a gradient back",
        ),
        Panel(
            "growth",
            "growth_by_lag",
            "From one step to many",
            height=340,
            choices=layer,
            about="σ_max above 1 in one step is necessary for an explosion, not sufficient: what counts is many steps",
        ),
        Panel(
            "convergence",
            "lyapunov_convergence",
            "Lyapunov exponent λ₁",
            height=340,
            choices=layer,
            about="Mean growth of a small change per step: its estimate after more and more steps",
        ),
        Panel(
            "spectrum",
            "lyapunov_spectrum",
            "Lyapunov spectrum",
            height=340,
            choices=layer,
            about="The growth in each direction of the state; above 0 a change grows, below it fades",
        ),
    ]

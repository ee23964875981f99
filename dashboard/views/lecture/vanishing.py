"""Vanishing and exploding gradients: products of Jacobians for many cells, and what clipping does."""

from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page
from rnncore.lecture.vanishing import GAINS, LAGS, NETWORKS

GAIN = Choice("gain", "Gain", tuple((f"gain {gain:g}", place) for place, gain in enumerate(GAINS)), slider=True)
LENGTH = Choice("lags", "Length", tuple((f"{lags} steps", lags) for lags in range(5, LAGS + 1, 5)), slider=True)
NETWORK = Choice("network", "Network", tuple((name, place) for place, name in enumerate(NETWORKS)), slider=True)
ONE, FIFTY = GAINS.index(1.0), 50
PANELS = [
    Panel(
        "by_lag",
        "vanishing_by_lag",
        "What is left of the gradient",
        span=7,
        height=430,
        params={"gain": ONE, "lags": FIFTY},
        choices=(GAIN, LENGTH),
        about="How strongly the last state depends on the one k steps before, for freshly drawn weights",
    ),
    Panel(
        "factors",
        "vanishing_factors",
        "Factor per step",
        span=5,
        height=430,
        params={"gain": ONE, "lags": FIFTY},
    ),
    Panel(
        "spectrum",
        "vanishing_spectrum",
        "Singular values of the product",
        span=7,
        height=360,
        params={"gain": ONE, "network": 0},
        choices=(NETWORK,),
        about="A line for each direction of the state: how much of it is left",
    ),
    Panel("clipping", "vanishing_clipping", "What clipping does", span=5, height=360),
]


def controls(form: Form) -> None:
    """Size and training steps; gain and length are chosen in the cards."""
    form.slider("hidden_size", "Units", 4, width=200)
    form.slider("steps", "Training steps", 10, width=200)
    form.seed()


experiment_page("vanishing", controls, PANELS)

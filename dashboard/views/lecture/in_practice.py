"""In practice: cells against learning rates, and a task that any cell learns."""

from dashboard.live.component import Choice, Panel, Pick
from dashboard.widgets.lecture import Form, experiment_page
from rnncore.lecture.in_practice import RATES

RATE = Choice("rate", "Learning rate", tuple((f"{rate:g}", place) for place, rate in enumerate(RATES)))
PANELS = [
    Panel(
        "map",
        "rates_map",
        "The adding problem",
        span=12,
        height=270,
        params={"rate": 2},
        pick=Pick("rate", axis="x"),
        about="A run for each field; click one to see the curves of its learning rate",
    ),
    Panel("curves", "rate_curves", "Over training", height=320, params={"rate": 2}, choices=(RATE,)),
    Panel("parity", "parity_curves", "Parity", height=320, about="Trained on up to 20 bits at learning rate .01"),
]


def controls(form: Form) -> None:
    """Length, steps, forget bias, clipping."""
    form.slider("length", "Numbers in a row", width=180)
    form.slider("steps", "Steps", 20, width=180)
    form.slider("forget_bias", "LSTM: forget bias", 0.5, width=180)
    form.toggle("clipping", "Clip at 1")
    form.seed()


experiment_page("in-practice", controls, PANELS)

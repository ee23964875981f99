"""Inputs and outputs at each step: a loss for every one, and what is fed back."""

from dashboard.figures.each_step import LATEST, NAMES
from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page
from rnncore.lecture.each_step import MOMENTS

MOMENT = Choice(
    "moment", "Moment", (*((f"moment {n}", n) for n in range(MOMENTS)), ("the newest", LATEST)), slider=True
)
FED = Choice("fed", "It is fed", tuple((name, place) for place, name in enumerate(NAMES)))
PANELS = [
    Panel(
        "expectations",
        "each_expectations",
        "What it expects next",
        span=12,
        height=390,
        params={"moment": LATEST, "fed": 0},
        choices=(FED, MOMENT),
        about="A column for each step: the readout's probabilities. Circles: what the text has next",
    ),
    Panel("costs", "each_costs", "What each step costs", span=7, height=330, params={"moment": LATEST}),
    Panel("course", "each_course", "Over training", span=5, height=330, params={"moment": LATEST}),
]
CELLS = {"rnn_tanh": "RNN", "lstm": "LSTM", "gru": "GRU"}


def controls(form: Form) -> None:
    """The text, the network, and what is fed."""
    form.text("text", "It learns", 210)
    form.choice("cell", "Cell", CELLS)
    form.slider("hidden_size", "Units", width=130)
    form.slider("steps", "Training steps", width=150)
    form.slider("primer", "Primer", width=110)
    form.slider("wrong_at", "Wrong at step", width=130)
    form.seed()


experiment_page("each-step", controls, PANELS)

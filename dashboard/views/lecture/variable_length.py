"""Variable-size input: one big layer, a layer per input, or the same layer for all."""

from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page

WHAT = Choice("what", "What is counted", (("weights", 0), ("work", 1)))
PANELS = [
    Panel(
        "accuracy",
        "variable_length_accuracy",
        "Right answers at each length",
        span=12,
        height=330,
        about="Each network reads the same sequences; beyond the shaded lengths none of them was ever trained",
    ),
    Panel("training", "variable_length_training", "Over training", height=280),
    Panel("needs", "variable_length_needs", "What each needs", height=280, params={"what": 0}, choices=(WHAT,)),
]


def controls(form: Form) -> None:
    """Lengths, room to spare, steps."""
    form.slider("longest", "Longest in training")
    form.slider("spare", "Room to spare")
    form.slider("steps", "Steps", 10)
    form.seed()


experiment_page("variable-length", controls, PANELS)

"""Inside the LSTM: one matrix in four blocks, and its numbers on their way through the cell."""

from collections.abc import Mapping
from typing import Any

from dashboard.figures.cell_diagram import HEIGHT
from dashboard.live.component import Choice, Panel
from dashboard.live.panels.inside_the_lstm import STEP, UNIT
from dashboard.widgets.lecture import Form, experiment_page


def panels(values: Mapping[str, Any]) -> list[Panel]:
    """The matrix, one unit's numbers at one step, and their way through the cell."""
    unit = Choice(UNIT, "Unit", tuple((f"unit {n}", n) for n in range(values["hidden_size"])), slider=True)
    step = Choice(STEP, "Step", tuple((f"step {n}", n) for n in range(max(len(values["word"]), 1))), slider=True)
    return [
        Panel(
            "matrix",
            "lstm_matrix",
            "One matrix, four blocks",
            span=8,
            height=440,
            params={UNIT: 0},
            choices=(unit,),
            about="All weights of the layer. Dark frames: the four rows that belong to one unit",
        ),
        Panel("counted", "lstm_counted", "Parameters", span=4, height=440),
        Panel(
            "product",
            "lstm_product",
            "W [h; x] + b, cut into four",
            "text",
            span=12,
            params={UNIT: 0, STEP: 1},
            choices=(step,),
            about="The four numbers of the unit at this step, and what they are made of",
        ),
        Panel(
            "diagram",
            "lstm_diagram",
            "And through the cell",
            span=12,
            height=HEIGHT,
            params={UNIT: 0, STEP: 1},
            choices=(step, unit),
            about="Thick arrows carry much, thin ones little; blue is positive, orange negative",
        ),
    ]


def controls(form: Form) -> None:
    """Sizes, forget bias, and what is read."""
    form.text("word", "It reads", 180)
    form.slider("hidden_size", "Units H", width=180)
    form.slider("input_size", "Inputs D", width=180)
    form.slider("forget_bias", "Added to the forget bias", 0.5, width=200)
    form.seed()


experiment_page("inside-the-lstm", controls, panels, at_once=True)

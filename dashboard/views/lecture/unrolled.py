"""A recurrent network is a deep network: folded and unrolled, with the same activations."""

from collections.abc import Mapping
from typing import Any

from dashboard.figures.unrolled import HEIGHT
from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page


def panels(values: Mapping[str, Any]) -> list[Panel]:
    """Both drawings, linked by the step, and what there is to train."""
    step = Choice("t", "Step", tuple((f"step {t + 1}", t) for t in range(values["steps"])), slider=True)
    return [
        Panel(
            "folded",
            "network_folded",
            "Folded",
            span=4,
            height=HEIGHT,
            params={"t": 0},
            about="One layer with a loop; numbers are the activations at the chosen step",
        ),
        Panel(
            "unrolled",
            "network_unrolled",
            "Unrolled",
            span=8,
            height=HEIGHT,
            params={"t": 0},
            choices=(step,),
            about="Blue: positive, orange: negative; lines as wide as their weight. Point at a node for its number",
        ),
        Panel("counted", "network_counted", "What there is to train", span=12, height=210),
    ]


def controls(form: Form) -> None:
    """Steps and sizes."""
    form.slider("steps", "Steps", width=200)
    form.slider("hidden_size", "Units", width=160)
    form.slider("input_size", "Inputs", width=160)
    form.seed()


experiment_page("unrolled", controls, panels, at_once=True)

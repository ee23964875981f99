"""Backpropagation through shared weights: step back in time, and add up what each step finds."""

from collections.abc import Mapping
from typing import Any

from dashboard.figures.shared_weights import FEW, HEIGHT
from dashboard.live.component import Choice, Panel, Pick
from dashboard.live.panels.shared_weights import DONE, X
from dashboard.widgets.lecture import Form, experiment_page
from rnncore.lecture.shared_weights import PLACES


def panels(values: Mapping[str, Any]) -> list[Panel]:
    """The walk with its numbers, the gradient in both ways, the mistake's size, and the total derivative."""
    length = values["length"]
    steps = tuple((f"t = {length + 1 - done}", done) for done in range(1, length + 1))
    step = Choice(DONE, "Step back", (("forward", 0), *steps), slider=length > FEW - 2)
    place = Choice(X, "x", tuple((f"x = {one:g}", at) for at, one in enumerate(PLACES)), slider=True)
    return [
        Panel(
            "walk",
            "shared_weights_walk",
            "Backwards, a step per click",
            span=12,
            height=HEIGHT,
            params={DONE: 0},
            choices=(step,),
            pick=Pick(DONE, axis="customdata"),
            about="Grey: forward. Colour: what has come back. The numbers are lengths of vectors; θ is the same matrix "
            "at every step",
        ),
        Panel("gradients", "shared_weights_gradients", "The gradient of θ = [W U b]", span=6, params={DONE: 0}),
        Panel("step", "shared_weights_step", "This step", "text", span=6, params={DONE: 0}),
        Panel("ratios", "shared_weights_ratios", "What overwriting leaves", height=300),
        Panel(
            "twice",
            "shared_weights_twice",
            "The same in small: f(x) = g(x, h(x))",
            height=300,
            params={X: 34},
            choices=(place,),
            about="g(x, h) = x h and h(x) = sin x: x acts directly and through h, and the two slopes add up",
        ),
    ]


def controls(form: Form) -> None:
    """Length of the walk, where the losses are, recurrent gain."""
    form.slider("length", "Steps", width=180)
    form.choice("losses", "A loss", {"last": "at the last step", "each": "at each step"})
    form.slider("gain", "Gain of W", 0.25, width=180)
    form.seed()


experiment_page("shared-weights", controls, panels, at_once=True)

"""Any graph: write one, step back through it, and compare with autograd."""

from collections.abc import Mapping
from typing import Any

from dashboard.figures.any_graph import HEIGHT
from dashboard.live.component import Choice, Panel, Pick
from dashboard.live.panels.any_graph import DONE
from dashboard.widgets.lecture import Form, experiment_page
from rnncore.lecture.any_graph import EXAMPLES
from rnncore.lecture.formulas import parse

BUTTONS = 16  # nodes that there is room for in a row of buttons


def panels(values: Mapping[str, Any]) -> list[Panel]:
    """The graph, what arrives at the node of the moment, and the gradient in three ways."""
    names = [node.name for node in reversed(parse(values["lines"]))]
    steps = (("values", 0), *((name, done) for done, name in enumerate(names, 1)))
    step = Choice(DONE, "Step back", steps, slider=len(names) > BUTTONS)
    return [
        Panel(
            "graph",
            "any_graph_drawn",
            "The graph",
            span=12,
            height=HEIGHT,
            params={DONE: 0},
            choices=(step,),
            pick=Pick(DONE, axis="customdata"),
            about="Below each node its value, above it its δ once all that use it are done. Red: losses",
        ),
        Panel("arriving", "any_graph_arriving", "What arrives", "text", span=6, params={DONE: 0}),
        Panel("checked", "any_graph_checked", "The gradient in three ways", "text", span=6),
    ]


def controls(form: Form) -> None:
    """The graph as lines of text."""
    form.lines("lines", "A line per node", EXAMPLES)


experiment_page("any-graph", controls, panels, at_once=True)

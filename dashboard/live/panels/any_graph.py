"""The panels of Any graph."""

from __future__ import annotations

from typing import Any

from dashboard.figures.any_graph import current, graph
from dashboard.figures.cell_diagram import digits
from dashboard.live.panels.experiments import measured, picture
from dashboard.live.panels.scene import EXPERIMENT, PanelType, Scene
from rnncore.records import AnyGraph

DONE = "done"
"""Parameter: nodes of the way back that are done."""


def _arriving(scene: Scene) -> dict[str, Any]:
    """What comes to the node of the moment, and from whom."""
    record: AnyGraph | None = measured(scene)
    done = 0 if record is None else min(scene.params.get(DONE, 0), len(record.names))
    columns = [
        {"label": "From", "unit": ""},
        {"label": "its δ", "unit": ""},
        {"label": "× slope", "unit": "∂ user / ∂ this"},
        {"label": "= arrives", "unit": ""},
    ]
    if record is None or not done:
        text = "Step back: what arrives at each node appears here."
        return {"table": {"columns": columns, "rows": [], "empty": text}}
    node = current(record, done)
    rows = [
        _row(record.names[user], record.delta[user], record.slopes[edge], record.sent[edge])
        for edge in record.arriving(node)
        for user in [int(record.descendants[edge])]
    ]
    if record.losses[node]:
        rows.append({"cells": ["the loss itself", "", "", digits(1.0)], "colour": ""})
    together = {"cells": [f"δ at {record.names[node]}", "", "sum", digits(float(record.delta[node]))]}
    rows.append(together | {"colour": scene.look.palette.accent})
    return {"table": {"columns": columns, "rows": rows, "empty": ""}}


def _row(name: str, *numbers: float) -> dict[str, Any]:
    return {"cells": [name, *(digits(float(number)) for number in numbers)], "colour": ""}


def _checked(scene: Scene) -> dict[str, Any]:
    """The gradient at every node in three ways."""
    record: AnyGraph | None = measured(scene)
    columns = [
        {"label": "Node", "unit": ""},
        {"label": "value", "unit": ""},
        {"label": "δ", "unit": "this walk"},
        {"label": "autograd", "unit": "torch"},
        {"label": "difference", "unit": "central"},
    ]
    if record is None:
        return {"table": {"columns": columns, "rows": [], "empty": "The gradients appear here in a moment."}}
    rows = [
        _row(name, *numbers)
        for name, *numbers in zip(
            record.names, record.values, record.delta, record.autograd, record.central, strict=True
        )
    ]
    return {"table": {"columns": columns, "rows": rows, "empty": ""}}


PANELS = {
    "any_graph_drawn": picture(graph),
    "any_graph_arriving": PanelType((EXPERIMENT,), _arriving),
    "any_graph_checked": PanelType((EXPERIMENT,), _checked),
}

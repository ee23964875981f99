"""The panels of Inside the LSTM."""

from __future__ import annotations

from typing import Any

from dashboard.figures.cell_diagram import cell_diagram, digits
from dashboard.figures.inside_the_lstm import NAMES, counted, matrix
from dashboard.live.panels.experiments import measured, picture
from dashboard.live.panels.scene import EXPERIMENT, PanelType, Scene
from dashboard.theme import gate_colour
from rnncore.cells import CELLS
from rnncore.records import InsideTheLstm
from rnncore.records.inside_the_lstm import BLOCKS

UNIT, STEP = "unit", "t"
"""Parameters: the unit and the step that are looked at."""


def _diagram(scene: Scene) -> dict[str, Any]:
    record: InsideTheLstm | None = measured(scene)
    activity = None if record is None else record.activity
    drawn = cell_diagram.plain(activity, CELLS["lstm"].gates, scene.look, **_place(scene, record))
    return {"figure": drawn}


def _product(scene: Scene) -> dict[str, Any]:
    """What h, x and b add to each of the unit's four numbers, and what becomes of the sum."""
    record: InsideTheLstm | None = measured(scene)
    columns = [
        {"label": "", "unit": ""},
        {"label": "from h", "unit": "W_h h"},
        {"label": "from x", "unit": "W_x x"},
        {"label": "b", "unit": "bias"},
        {"label": "sum", "unit": "z"},
        {"label": "value", "unit": "σ(z), g: tanh"},
    ]
    if record is None:
        return {"table": {"columns": columns, "rows": [], "empty": "The numbers appear here in a moment."}}
    at = _place(scene, record)
    rows = []
    for place, block in enumerate(BLOCKS):
        parts = record.parts[at[STEP], :, place, at[UNIT]]
        numbers = (*parts, parts.sum(), record.gates[at[STEP], place, at[UNIT]])
        rows.append({
            "cells": [f"{block}, {NAMES[block]}", *(digits(float(value)) for value in numbers)],
            "colour": gate_colour(block, scene.look.mode),
        })  # fmt: skip
    return {"table": {"columns": columns, "rows": rows, "empty": ""}}


def _place(scene: Scene, record: InsideTheLstm | None) -> dict[str, int]:
    steps, size = (1, 1) if record is None else record.h.shape
    return {STEP: min(scene.params.get(STEP, 0), steps - 1), UNIT: min(scene.params.get(UNIT, 0), size - 1)}


PANELS = {
    "lstm_matrix": picture(matrix),
    "lstm_counted": picture(counted),
    "lstm_product": PanelType((EXPERIMENT,), _product),
    "lstm_diagram": PanelType((EXPERIMENT,), _diagram),
}

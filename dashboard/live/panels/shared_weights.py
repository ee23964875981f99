"""The panels of Backpropagation through shared weights."""

from __future__ import annotations

from typing import Any

from dashboard.figures.cell_diagram import digits
from dashboard.figures.shared_weights import gradients, ratios, twice, walk
from dashboard.live.panels.experiments import measured, picture
from dashboard.live.panels.scene import EXPERIMENT, PanelType, Scene
from rnncore.records import SharedWeights

DONE, X = "done", "x"
"""Parameters: steps of the way back that are done, and the place of the total derivative."""


def _step(scene: Scene) -> dict[str, Any]:
    """δ of every unit at the step of the moment, and what it is made of."""
    record: SharedWeights | None = measured(scene)
    length = 0 if record is None else record.length
    done = min(scene.params.get(DONE, 0), length)
    t = length - done + 1
    columns = [
        {"label": "", "unit": ""},
        {"label": f"∂L/∂h at {t}" if done else "∂L/∂h", "unit": "own loss"},
        {"label": f"+ Jᵀδ from {t + 1}" if done else "+ Jᵀδ", "unit": "comes back"},
        {"label": f"= δ at {t}" if done else "= δ", "unit": "sum"},
        {"label": "× (1 − h²)", "unit": "past tanh"},
    ]
    if record is None or not done:
        text = "Press the first step: what comes back to each unit appears here."
        return {"table": {"columns": columns, "rows": [], "empty": text}}
    at = t - 1
    parts = (record.local[at], record.carried[at], record.delta[at], record.delta[at] * record.slope[at])
    rows = [
        {"cells": [f"unit {unit}", *(_digits(float(part[unit])) for part in parts)], "colour": ""}
        for unit in range(record.h.shape[1])
    ]
    return {"table": {"columns": columns, "rows": rows, "empty": ""}}


def _digits(value: float) -> str:
    """As in the cell's diagram; powers of ten for what would be a row of zeros."""
    return digits(value) if value == 0 or abs(value) >= 0.001 else f"{value:.0e}".replace("-", "−")


PANELS = {
    "shared_weights_walk": picture(walk),
    "shared_weights_step": PanelType((EXPERIMENT,), _step),
    "shared_weights_gradients": picture(gradients),
    "shared_weights_ratios": picture(ratios),
    "shared_weights_twice": picture(twice),
}

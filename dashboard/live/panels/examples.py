"""The panels of the lecture's shapes: the network's drawing, and what it answers on held-out sequences."""

from __future__ import annotations

from typing import Any

from dashboard.figures.directions import directions
from dashboard.figures.examples import frames, odds
from dashboard.figures.gate_maps import gate_maps
from dashboard.figures.wiring import wiring
from dashboard.live.panels.scene import PanelType, Scene
from rnncore.records import Directions, Examples, GateMaps

EXAMPLE, CHANNEL = "example", "channel"
"""Parameters: which of the sequences, and which map of a ConvLSTM's units, from 0."""


def _answers(scene: Scene) -> dict[str, Any]:
    record: Examples | None = scene.record(Examples.kind)
    draw = frames if record is not None and not record.choices else odds
    return {"figure": draw.plain(record, scene.look, n=scene.params.get(EXAMPLE, 0))}


def _wiring(scene: Scene) -> dict[str, Any]:
    config = scene.run.info.config
    return {"figure": wiring.plain(config.task.kind, config.model, scene.look)}


def _directions(scene: Scene) -> dict[str, Any]:
    return {"figure": directions.plain(scene.record(Directions.kind), scene.look)}


def _gate_maps(scene: Scene) -> dict[str, Any]:
    record: GateMaps | None = scene.record(GateMaps.kind)
    return {"figure": gate_maps.plain(record, scene.look, channel=scene.params.get(CHANNEL, 0))}


PANELS = {
    "gate_maps": PanelType((GateMaps.kind,), _gate_maps, one_run=True),
    "directions": PanelType((Directions.kind,), _directions, one_run=True),
    "examples": PanelType((Examples.kind,), _answers, one_run=True),
    "wiring": PanelType(("info",), _wiring, one_run=True),
}

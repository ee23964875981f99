"""The panels of Gates and memory, and of Inside the cell."""

from __future__ import annotations

from typing import Any, cast

from dashboard.figures.attention import attention
from dashboard.figures.cell_diagram import cell_diagram
from dashboard.figures.memory import timescale_histogram, timescale_over_training
from dashboard.figures.saturation import saturation_over_training
from dashboard.figures.unit_over_time import unit_over_time
from dashboard.figures.unit_over_training import unit_over_training
from dashboard.live.panels.history import history
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from rnncore.cells import CELLS, Gate
from rnncore.records import Attention, GateActivity, MemoryTimescale, Saturation


def _table(scene: Scene) -> tuple[Gate, ...]:
    return CELLS[scene.cell].gates


def _unit(scene: Scene) -> dict[str, Any]:
    return {"layer": scene.layer, "unit": scene.params.get("unit", 0)}


def _unit_over_time(scene: Scene) -> dict[str, Any]:
    record = cast("GateActivity | None", scene.record("gate_activity"))
    where: dict[str, Any] = {"t": scene.params.get("t"), "narrow": len(scene.runs) > 1}
    return {"figure": unit_over_time.plain(record, _table(scene), scene.look, **_unit(scene), **where)}


def _unit_over_training(scene: Scene) -> dict[str, Any]:
    records = cast("list[MemoryTimescale]", history(scene, "memory", scene.run))
    return {"figure": unit_over_training.plain(records, _table(scene), scene.look, at=scene.at, **_unit(scene))}


def _attention(scene: Scene) -> dict[str, Any]:
    record = cast("Attention | None", scene.record("attention"))
    head = scene.params.get("head", 0)  # 0 for the mean, else counted from 1
    where: dict[str, Any] = {"layer": scene.layer, "head": head - 1 if head else None, "narrow": len(scene.runs) > 1}
    return {"figure": attention.plain(record, scene.look, **where)}


def _cell_diagram(scene: Scene) -> dict[str, Any]:
    record = cast("GateActivity | None", scene.record("gate_activity"))
    t = scene.params.get("t", 0)
    return {"figure": cell_diagram.plain(record, _table(scene), scene.look, t=t, **_unit(scene))}


def _timescale(scene: Scene) -> dict[str, Any]:
    pairs = zip(lines_of(scene), scene.runs, strict=True)
    found = [(line, cast("MemoryTimescale | None", scene.record("memory", run))) for line, run in pairs]
    records = [(line, record) for line, record in found if record is not None]
    return {"figure": timescale_histogram.plain(records, scene.look, layer=scene.layer)}


def _timescale_over_training(scene: Scene) -> dict[str, Any]:
    pairs = zip(lines_of(scene), scene.runs, strict=True)
    histories = [(line, cast("list[MemoryTimescale]", history(scene, "memory", run))) for line, run in pairs]
    return {"figure": timescale_over_training.plain(histories, scene.look, layer=scene.layer, at=scene.at)}


def _saturation_over_training(scene: Scene) -> dict[str, Any]:
    records = cast("list[Saturation]", history(scene, "saturation", scene.run))
    names = {gate.symbol: gate.name for gate in _table(scene)}
    return {"figure": saturation_over_training.plain(records, names, scene.look, layer=scene.layer, at=scene.at)}


PANELS: dict[str, PanelType] = {
    "unit_over_time": PanelType(("gate_activity",), _unit_over_time, one_run=True),
    "unit_over_training": PanelType(("memory",), _unit_over_training, one_run=True),
    "attention": PanelType(("attention",), _attention, one_run=True),
    "cell_diagram": PanelType(("gate_activity",), _cell_diagram, one_run=True),
    "timescale": PanelType(("memory",), _timescale),
    "timescale_over_training": PanelType(("memory",), _timescale_over_training),
    "saturation_over_training": PanelType(("saturation",), _saturation_over_training, one_run=True),
}

"""The panels of Gradient flow."""

from __future__ import annotations

from typing import Any, cast

from dashboard.figures.base import Line
from dashboard.figures.gradient_flow import gradient_flow
from dashboard.figures.gradient_norm import gradient_norm
from dashboard.figures.gradient_over_training import gradient_over_training
from dashboard.figures.input_gradient import input_gradient
from dashboard.figures.parameters import KINDS, gradient_by_gate, noise_scale, update_ratio
from dashboard.figures.per_loss import one_loss, per_loss
from dashboard.live.panels.history import history
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from rnncore.records import GradientFlow, Parameters, PerLoss

BOTH, LAST, ALL = range(3)
"""Values of parameter ``losses``: which curves stand in the chart."""


def _flows(scene: Scene) -> list[tuple[Line, GradientFlow]]:
    pairs = [(line, scene.record("gradient_flow", run)) for line, run in zip(lines_of(scene), scene.runs, strict=True)]
    return [(line, flow) for line, flow in pairs if flow is not None]


def _curves(scene: Scene) -> dict[str, Any]:
    losses, direct = scene.params.get("losses", BOTH), bool(scene.params.get("direct", 0))
    curves = {"last": losses != ALL, "total": losses != LAST, "direct": direct}
    return {"figure": gradient_flow.plain(_flows(scene), scene.look, layer=scene.layer, **curves)}


def _at_input(scene: Scene) -> dict[str, Any]:
    losses = scene.params.get("losses", BOTH)
    return {"figure": input_gradient.plain(_flows(scene), scene.look, last=losses != ALL, total=losses != LAST)}


def _receptive_field(scene: Scene) -> dict[str, Any]:
    flow = cast("GradientFlow | None", scene.record("gradient_flow"))
    line = lines_of(scene)[scene.runs.index(scene.run)]
    return {"figure": input_gradient.plain([] if flow is None else [(line, flow)], scene.look, total=False)}


def _over_training(scene: Scene) -> dict[str, Any]:
    records = cast("list[GradientFlow]", history(scene, "gradient_flow", scene.run))
    return {"figure": gradient_over_training.plain(records, scene.look, **_state(scene), at=scene.at)}


def _per_loss(scene: Scene) -> dict[str, Any]:
    record = cast("PerLoss | None", scene.record("per_loss"))
    by_lag = bool(scene.params.get("lag", 0))
    return {"figure": per_loss.plain(record, scene.look, **_state(scene), tau=scene.params.get("tau"), by_lag=by_lag)}


def _one_loss(scene: Scene) -> dict[str, Any]:
    record = cast("PerLoss | None", scene.record("per_loss"))
    line = lines_of(scene)[scene.runs.index(scene.run)]
    return {"figure": one_loss.plain(record, line, scene.look, **_state(scene), tau=scene.params.get("tau"))}


def _state(scene: Scene) -> dict[str, Any]:
    return {"layer": scene.layer, "cell": bool(scene.params.get("state", 0))}


def _clipping(scene: Scene) -> dict[str, Any]:
    pairs = [(line, run.series["train"]) for line, run in zip(lines_of(scene), scene.runs, strict=True)]
    return {"figure": gradient_norm.plain(pairs, scene.look, scene.at, share=True)}


def _gradient_by_gate(scene: Scene) -> dict[str, Any]:
    record = cast("Parameters | None", scene.record("parameters"))
    return {"figure": gradient_by_gate.plain(record, scene.look, layer=scene.layer)}


def _update_ratio(scene: Scene) -> dict[str, Any]:
    records = cast("list[Parameters]", history(scene, "parameters", scene.run))
    kind = ("", *KINDS)[min(scene.params.get("kind", 0), len(KINDS))]
    return {"figure": update_ratio.plain(records, scene.look, layer=scene.layer, kind=kind, at=scene.at)}


def _noise_scale(scene: Scene) -> dict[str, Any]:
    histories = [
        (line, cast("list[Parameters]", history(scene, "parameters", run)))
        for line, run in zip(lines_of(scene), scene.runs, strict=True)
    ]
    return {"figure": noise_scale.plain(histories, scene.look, at=scene.at)}


PANELS: dict[str, PanelType] = {
    "gradient_curves": PanelType(("gradient_flow",), _curves),
    "input_gradient": PanelType(("gradient_flow",), _at_input),
    "receptive_field": PanelType(("gradient_flow",), _receptive_field, one_run=True),
    "gradient_over_training": PanelType(("gradient_flow",), _over_training, one_run=True),
    "per_loss": PanelType(("per_loss",), _per_loss, one_run=True),
    "one_loss": PanelType(("per_loss",), _one_loss, one_run=True),
    "clipping": PanelType(("train",), _clipping),
    "gradient_by_gate": PanelType(("parameters",), _gradient_by_gate, one_run=True),
    "update_ratio": PanelType(("parameters",), _update_ratio, one_run=True),
    "noise_scale": PanelType(("parameters",), _noise_scale),
}

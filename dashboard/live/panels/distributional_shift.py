"""The panels of Distributional shift."""

from __future__ import annotations

import math
from typing import Any, cast

from dashboard.figures.base import Line
from dashboard.figures.distributional_shift import (
    Shifts,
    attractor,
    drift_words,
    error_growth,
    trajectories,
)
from dashboard.figures.distributional_shift_training import drift_over_training, slope_over_training
from dashboard.live.panels.history import history
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from dashboard.live.panels.state import chip, state_chips
from dashboard.live.source import WatchedRun
from rnncore.records import DistributionalShift

KIND = DistributionalShift.kind
START = "start"
"""Parameter: which of the kept starts is looked at."""


def _lines(scene: Scene) -> list[tuple[Line, WatchedRun]]:
    return list(zip(lines_of(scene), scene.runs, strict=True))


def _shifts(scene: Scene) -> Shifts:
    found = [(line, cast("DistributionalShift | None", scene.record(KIND, run))) for line, run in _lines(scene)]
    return [(line, record) for line, record in found if record is not None]


def _one(scene: Scene) -> tuple[DistributionalShift | None, Line]:
    return scene.record(KIND), lines_of(scene)[scene.runs.index(scene.run)]


def _growth(scene: Scene) -> dict[str, Any]:
    return {"figure": error_growth.plain(_shifts(scene), scene.look)}


def _trajectories(scene: Scene) -> dict[str, Any]:
    return {"figure": trajectories.plain(*_one(scene), scene.look, start=scene.params.get(START, 0))}


def _attractor(scene: Scene) -> dict[str, Any]:
    return {"figure": attractor.plain(*_one(scene), scene.look)}


def _histories(scene: Scene) -> list[tuple[Line, list[DistributionalShift]]]:
    return [(line, cast("list[DistributionalShift]", history(scene, KIND, run))) for line, run in _lines(scene)]


def _drift(scene: Scene) -> dict[str, Any]:
    return {"figure": drift_over_training.plain(_histories(scene), scene.look, at=scene.at)}


def _slope(scene: Scene) -> dict[str, Any]:
    return {"figure": slope_over_training.plain(_histories(scene), scene.look, at=scene.at)}


def _state(scene: Scene) -> dict[str, Any]:
    """What the run is doing, and what was found, in a sentence each."""
    return {
        "verdicts": [
            {"label": run.info.config.label if len(scene.runs) > 1 else "", "items": _sentences(scene, run)}
            for run in scene.runs
        ]
    }


def _sentences(scene: Scene, run: WatchedRun) -> list[dict[str, Any]]:
    record = cast("DistributionalShift | None", scene.record(KIND, run))
    items = state_chips(scene, run, warm=record is not None)
    return items if record is None else [*items, _sentence(record)]


def _sentence(record: DistributionalShift) -> dict[str, Any]:
    if math.isnan(record.slope):
        return chip("shift", record.note[:1].upper() + record.note[1:])
    text = (
        f"Left alone, an error grows {math.exp(record.slope):.2f}-fold a step; "
        f"the map itself makes {math.exp(record.exponent):.2f} of it"
    )
    return chip("shift", text, slope=record.slope)


def _numbers(scene: Scene) -> dict[str, Any]:
    """What was measured, as text: the slope and its interval beside the map's own exponent."""
    return {"metrics": [_row(run, cast("DistributionalShift | None", scene.record(KIND, run))) for run in scene.runs]}


def _row(run: WatchedRun, record: DistributionalShift | None) -> dict[str, Any]:
    total = run.info.config.training.steps
    step = 0 if record is None else record.step
    items = [("Measured at step", f"{step:,}", f"of {total:,}"), *_measured(record)]
    return {
        "label": run.info.config.label,
        "cell": run.info.config.model.cell,
        "progress": step / total if total else 0.0,
        "items": [{"label": label, "value": value, "unit": unit} for label, value, unit in items],
    }


def _measured(record: DistributionalShift | None) -> list[tuple[str, str, str]]:
    if record is None:
        return [("Growth of the error", "–", "nats per step"), ("Drifts off after", "–", "steps")]
    fitted = "–" if math.isnan(record.slope) else f"{record.slope:.3f} ± {record.slope_interval:.3f}"
    return [
        ("Error of one step", f"{math.exp(record.forced.mean()):.2g}", "standard deviations"),
        ("Growth of the error", fitted, f"nats per step, {record.starts} starts"),
        ("The map itself", f"{record.exponent:.3f}", "nats per step, λ₁"),
        ("Drifts off after", drift_words(record), "steps, to a tenth of its size"),
        ("Off the attractor", f"{record.off:.1%}", "of its points; 1% of true ones"),
    ]


PANELS: dict[str, PanelType] = {
    "shift_state": PanelType(("info", KIND), _state),
    "shift_numbers": PanelType(("info", KIND), _numbers),
    "shift_growth": PanelType((KIND,), _growth),
    "shift_trajectories": PanelType((KIND,), _trajectories, one_run=True),
    "shift_attractor": PanelType((KIND,), _attractor, one_run=True),
    "shift_drift": PanelType((KIND,), _drift),
    "shift_slope": PanelType((KIND,), _slope),
}

"""The panels of the lecture's page Scheduled sampling: runs on the three sentences that differ in their schedule."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from dashboard.figures.base import Line
from dashboard.figures.schedule_path import valid_along_schedule, valid_by_schedule
from dashboard.figures.structured_prediction import Course, exact_share
from dashboard.live.panels.history import history
from dashboard.live.panels.scene import PanelType, Scene
from dashboard.live.panels.scheduled_sampling import schedule_lines
from dashboard.live.panels.state import state_chips
from dashboard.live.source import WatchedRun
from rnncore.records import SentenceShares

_SHARES = SentenceShares.kind


def _measured(scene: Scene, run: WatchedRun) -> list[SentenceShares]:
    """All that a run has measured, oldest first."""
    return cast("list[SentenceShares]", history(scene, _SHARES, run))


def _path(scene: Scene) -> dict[str, Any]:
    """The way up to the moment that is looked at."""
    courses = [
        Course(line, [one for one in _measured(scene, run) if scene.at is None or one.step <= scene.at])
        for line, run in schedule_lines(scene)
    ]
    return {"figure": valid_along_schedule.plain(courses, scene.look)}


def _over(scene: Scene) -> dict[str, Any]:
    whole = [Course(line, _measured(scene, run)) for line, run in schedule_lines(scene)]
    return {"figure": valid_by_schedule.plain(whole, scene.look, at=scene.at)}


def _state(scene: Scene) -> dict[str, Any]:
    """What each run is doing."""
    return {
        "verdicts": [
            {"label": line.label, "items": state_chips(scene, run, warm=scene.record(_SHARES, run) is not None)}
            for line, run in schedule_lines(scene)
        ]
    }


def _numbers(scene: Scene) -> dict[str, Any]:
    return {"metrics": [_row(scene, line, run) for line, run in schedule_lines(scene)]}


def _row(scene: Scene, line: Line, run: WatchedRun) -> dict[str, Any]:
    """A run in numbers, beside the optimum at its ε, and the best that it ever was."""
    steps, total = run.series["train"]["step"], run.info.config.training.steps
    end = len(steps) if scene.at is None else int(np.searchsorted(steps, scene.at, side="right"))
    step = int(steps[end - 1]) if end else 0
    known = [one for one in _measured(scene, run) if one.step <= step]
    items = [("Step", f"{step:,}", f"of {total:,}")]
    if known:
        record, best = known[-1], max(known, key=lambda one: one.valid)
        items += [
            ("ε", f"{record.epsilon:.2f}", "probability of the truth"),
            ("P(valid)", f"{record.valid:.3f}", f"exact optimum {exact_share(record.epsilon):.3f}"),
            ("Best so far", f"{best.valid:.3f}", f"at step {best.step:,}, ε {best.epsilon:.2f}"),
        ]
    return {
        "label": line.label,
        "cell": run.info.config.model.cell,
        "progress": step / total if total else 0.0,
        "items": [{"label": label, "value": value, "unit": unit} for label, value, unit in items],
    }


PANELS: dict[str, PanelType] = {
    "schedules_state": PanelType(("info", _SHARES), _state),
    "schedules_numbers": PanelType(("info", "train", _SHARES), _numbers),
    "valid_along_schedule": PanelType((_SHARES,), _path),
    "valid_by_schedule": PanelType((_SHARES,), _over),
}

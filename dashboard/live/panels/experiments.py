"""What the panels of all of the lecture's experiments share: a figure of the newest record, and how far it is."""

from __future__ import annotations

from typing import Any

from dashboard.figures.base import Drawn
from dashboard.live.panels.lab import clock
from dashboard.live.panels.scene import EXPERIMENT, PROGRESS, PanelType, Scene


def picture(figure: Drawn[Any], **fixed: Any) -> PanelType:
    """A panel that draws a figure of the experiment's record, with the reader's choices as its parameters.

    Args:
        figure: ``(record or None, look, **choices)``.
        fixed: further arguments.
    """

    def build(scene: Scene) -> dict[str, Any]:
        return {"figure": figure.plain(measured(scene), scene.look, **fixed, **scene.params)}

    return PanelType((EXPERIMENT,), build)


def measured(scene: Scene) -> Any:
    """What the experiment has measured so far; None where that is nothing."""
    return scene.experiment.record if scene.experiment is not None else None


def _progress(scene: Scene) -> dict[str, Any]:
    assert scene.experiment is not None
    info, record = scene.experiment
    share = 1.0 if info.state == "done" else record.share if record is not None else 0.0
    doing = record.doing if record is not None and info.open else ""
    words = {"waiting": "waits for a process", "running": doing or "begins", "done": "measured"}.get(
        info.state, info.state
    )
    items = [
        {"label": "Done", "value": f"{100 * share:.0f}%", "unit": words},
        {"label": "Time", "value": clock(info.seconds), "unit": "of measuring"},
    ]
    return {"metrics": [{"label": "", "cell": "", "progress": share, "items": items}]}


PANELS = {"experiment_progress": PanelType((EXPERIMENT, PROGRESS), _progress)}

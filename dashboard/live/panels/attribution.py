"""The panels of the page that shows what a prediction looked at."""

from __future__ import annotations

from typing import Any

from dashboard.figures.attribution import attribution, attribution_by_lag
from dashboard.live.panels.scene import PanelType, Scene, lines_of


def _attribution(scene: Scene) -> dict[str, Any]:
    return {"figure": attribution.plain(scene.record("attribution"), scene.look, tau=scene.params.get("tau"))}


def _by_lag(scene: Scene) -> dict[str, Any]:
    pairs = [(line, scene.record("attribution", run)) for line, run in zip(lines_of(scene), scene.runs, strict=True)]
    return {"figure": attribution_by_lag.plain([pair for pair in pairs if pair[1] is not None], scene.look)}


PANELS: dict[str, PanelType] = {
    "attribution": PanelType(("attribution",), _attribution, one_run=True),
    "attribution_by_lag": PanelType(("attribution",), _by_lag),
}

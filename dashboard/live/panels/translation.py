"""The panels of Translation."""

from __future__ import annotations

from typing import Any

from dashboard.figures.translation import NAMES, attention, beam, bridge, right, rows_of
from dashboard.live.panels.experiments import measured, picture
from dashboard.live.panels.scene import EXPERIMENT, PanelType, Scene
from rnncore.records import Translation


def _texts(scene: Scene) -> dict[str, Any]:
    """What both networks write now, a row for each way in which a date can be written."""
    record: Translation | None = measured(scene)
    columns = [{"label": label, "unit": ""} for label in ("read", "right", *NAMES)]
    if record is None:
        return {"table": {"columns": columns, "rows": [], "empty": "The first translations come in a moment."}}
    rows = [{"cells": cells, "colour": ""} for cells in rows_of(record)]
    return {"table": {"columns": columns, "rows": rows, "empty": ""}}


PANELS = {
    "translation_right": picture(right),
    "translation_texts": PanelType((EXPERIMENT,), _texts),
    "translation_attention": picture(attention),
    "translation_bridge": picture(bridge),
    "translation_beam": picture(beam),
}

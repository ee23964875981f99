"""What a run is doing, in sentences: for pages that find something else than the live lab does."""

from __future__ import annotations

from typing import Any

from dashboard.live.panels.scene import Scene
from dashboard.live.source import WatchedRun
from rnncore.diagnostics.findings import Evidence, verdict


def state_chips(scene: Scene, run: WatchedRun, *, warm: bool) -> list[dict[str, Any]]:
    """Sentences on the run's state, as chips.

    Args:
        scene: its moment; in the past a run was running.
        run: whose state.
        warm: something is measured already, so that nobody is to be told to wait for it.
    """
    info = run.info
    where = (info.state, info.reason) if scene.at is None else ("running", "")
    return [
        chip(one.code, one.sentence, severity=one.severity, advice=one.advice)
        for one in verdict(*where, Evidence(), info.queue_place, info.step)
        if one.code != "warming_up" or not warm
    ]


def chip(code: str, text: str, *, severity: str = "info", advice: str = "", **evidence: float) -> dict[str, Any]:
    """One sentence for the live page."""
    return {"severity": severity, "text": text, "advice": advice, "code": code, "evidence": evidence}

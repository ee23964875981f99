"""The panels of Samples over training."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from dashboard.figures.sample_quality import COLUMNS, Quality, caption, names_shown, no_quality, sample_quality
from dashboard.live.panels.history import history
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from dashboard.live.source import WatchedRun
from rnncore.config import TextTask
from rnncore.records import QualityLevels, Sample, SampleQuality
from rnncore.runs.store import RunInfo

LATEST = 99
"""Among the values of a moment: the newest sample, up to the moment on the playback bar."""
MOMENTS = [1, 2, 3, *(step for power in range(2, 24) for step in (2**power, 3 * 2 ** (power - 1)))]
"""Training steps that can be compared: 1, 2, 3, 4, 6, 8, 12, 16, ...; log-spaced, as samples are kept."""
FIRST, SECOND = "first", "second"
"""Parameters: the two moments that are compared, places in ``MOMENTS`` or ``LATEST``."""
COPIES_SHOWN = 6


def no_text(run: RunInfo) -> str:
    """Why a run has no samples, in a sentence; '' for one that writes text."""
    if run.elsewhere:
        return "This run is trained by another program: what it writes is known only there."
    task = run.config.task
    if not isinstance(task, TextTask):
        return f"This run learns {task.title}, not a text: it writes nothing. Choose a run on a text above."
    return ""


def _film(scene: Scene) -> dict[str, Any]:
    return _moment(scene, scene.run, scene.at)


def _compared(scene: Scene) -> dict[str, Any]:
    which = SECOND if SECOND in scene.params else FIRST
    place = scene.params.get(which, LATEST)
    run = scene.runs[min(scene.params.get(f"{which}_of", 0), len(scene.runs) - 1)]
    return _moment(scene, run, MOMENTS[place] if place < len(MOMENTS) else scene.at)


def _moment(scene: Scene, run: WatchedRun, at: int | None) -> dict[str, Any]:
    """The newest sample up to a step."""
    sample = cast("Sample | None", scene.source.record(run, "sample", at))
    if sample is None:
        waiting = "The first sample comes with the first training step."
        return {"samples": [], "caption": "", "empty": no_text(run.info) or waiting}
    item = {"step": sample.step, "primer": sample.primer, "text": sample.text}
    return {"samples": [item], "caption": f"{_validated(run, sample.step)}; temperature {sample.temperature:g}"}


def _validated(run: WatchedRun, step: int) -> str:
    """The validation loss as it was last measured by then."""
    series = run.series["validation"]
    seen = int(np.searchsorted(series["step"], step, side="right"))
    if not seen:
        return "not validated by then"
    bits = float(series["loss"][seen - 1]) / math.log(2)
    return f"validation {bits:.2f} bits per character, measured at step {int(series['step'][seen - 1]):,}"


def _quality(scene: Scene) -> dict[str, Any]:
    histories = [cast("list[SampleQuality]", history(scene, "sample_quality", run)) for run in scene.runs]
    runs = [Quality(line, records) for line, records in zip(lines_of(scene), histories, strict=True)]
    names = names_shown(runs)
    if not names:
        reasons = [_waiting(scene, run) for run in scene.runs]
        return {"figure": no_quality.plain("<br>".join(dict.fromkeys(reasons)), scene.look)}
    levels = _levels(scene)
    figures = [
        sample_quality.plain(name, runs, levels, scene.look, at=scene.at, first=index == 0)
        for index, name in enumerate(names)
    ]
    figures[0]["layout"]["meta"]["caption"] = caption(runs, levels)
    return {"figures": figures, "columns": COLUMNS}


def _levels(scene: Scene) -> QualityLevels | None:
    """The levels of the runs' text; None where they learn different ones, or it is not known."""
    tasks = {run.info.config.task for run in scene.runs if not no_text(run.info)}
    found = (scene.source.record(run, "quality_levels") for run in scene.runs)
    return cast("QualityLevels | None", next(filter(None, found), None)) if len(tasks) == 1 else None


def _waiting(scene: Scene, run: WatchedRun) -> str:
    """Why nothing is measured yet, and what will help."""
    if reason := no_text(run.info):
        return reason
    if scene.source.record(run, "quality_levels") is None:
        return (
            "Quality appears here once the text is indexed: a few seconds, once for each text.<br>"
            "A run that ended before can be started again; the index is kept."
        )
    return "The text is indexed; the first batch of samples is measured at the next turn."


def _copied(scene: Scene) -> dict[str, Any]:
    """The newest longest copied spans, and how the text goes on behind them."""
    found = cast("list[SampleQuality]", scene.source.records(scene.run, "sample_quality", COPIES_SHOWN, scene.at))
    if not found:
        return {"samples": [], "caption": "", "empty": _waiting(scene, scene.run).replace("<br>", " ")}
    items = [{"step": one.step, "primer": one.copied, "text": one.copied_after} for one in found]
    newest = found[0]
    words = (
        f"{sum(map(str.isalnum, newest.copied))} letters and digits from line {newest.copied_line:,} of the training "
        f"text (character {newest.copied_at:,}), underlined; then how the text goes on"
        if newest.copied
        else "nothing is copied"
    )
    return {"samples": items, "caption": words}


PANELS: dict[str, PanelType] = {
    "samples_film": PanelType(("sample", "validation"), _film, one_run=True),
    "samples_compared": PanelType(("sample", "validation"), _compared),
    "sample_quality": PanelType(("sample_quality", "quality_levels"), _quality),
    "sample_copied": PanelType(("sample_quality", "quality_levels"), _copied, one_run=True),
}

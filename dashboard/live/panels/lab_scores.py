"""The panels of runs whose task has a measure of its own: the score over training, and by length."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from dashboard.figures.length_scores import length_scores
from dashboard.figures.score import Scores, score_over_training, written
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from dashboard.live.source import WatchedRun
from rnncore.comparison.results import Measure, measure_of
from rnncore.config import KnownTask
from rnncore.records import LengthScores


def _score(scene: Scene) -> dict[str, Any]:
    pairs = zip(lines_of(scene), scene.runs, strict=True)
    runs = [Scores(line, run.series["score"]) for line, run in pairs if _known(run)]
    return {"figure": score_over_training.plain(runs, _measure(scene), scene.look, scene.at)}


def _by_length(scene: Scene) -> dict[str, Any]:
    pairs = zip(lines_of(scene), scene.runs, strict=True)
    records = [(line, scene.source.record(run, "length_scores", scene.at)) for line, run in pairs if _known(run)]
    found = [(line, cast("LengthScores", record)) for line, record in records if record is not None]
    nouns = {_noun(run) for run in scene.runs if _known(run)}
    noun = nouns.pop() if len(nouns) == 1 else "length"
    return {"figure": length_scores.plain(found, _measure(scene), scene.look, noun)}


def _known(run: WatchedRun) -> bool:
    return isinstance(run.info.config.task, KnownTask)


def _measure(scene: Scene) -> Measure | None:
    """What all runs in view that have a measure of their own are judged by; None where it differs."""
    found = {measure_of(run.info.config) for run in scene.runs if _known(run)}
    return found.pop() if len(found) == 1 else None


def _noun(run: WatchedRun) -> str:
    """What a task's lengths are of."""
    leaf = getattr(run.info.config.task, "length_leaf", "")
    return {"sequence_length": "steps of the sequence", "delay": "steps of delay", "n_max": "n"}.get(leaf, "length")


def score_item(run: WatchedRun, at: int | None) -> list[tuple[str, str, str]]:
    """The task's own measure among a run's numbers; none where it has none."""
    task = run.info.config.task
    if not isinstance(task, KnownTask):
        return []
    series = run.series["score"]
    end = len(series["step"]) if at is None else int(np.searchsorted(series["step"], at, side="right"))
    score = float(series["score"][end - 1]) if end else math.nan
    return [("Score", written(task, score), task.score_name)]


PANELS: dict[str, PanelType] = {
    "score_over_training": PanelType(("info", "score"), _score),
    "length_scores": PanelType(("info", "length_scores"), _by_length),
}

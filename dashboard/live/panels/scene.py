"""What a panel's builder may look at, and what a panel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard.figures.base import Line, Look, lines
from dashboard.live.source import Source, WatchedExperiment, WatchedRace, WatchedRun


@dataclass(frozen=True)
class Scene:
    """What a builder may look at: runs in view, moment (None: now), look, parameters, and the race that they are of;
    or an experiment of the lecture."""

    source: Source
    runs: list[WatchedRun]
    at: int | None
    look: Look
    params: dict[str, int]
    race: WatchedRace | None = None
    experiment: WatchedExperiment | None = None

    @property
    def run(self) -> WatchedRun:
        """The run that a panel of one run shows: parameter ``run``, counted from 0."""
        return self.runs[min(self.params.get("run", 0), len(self.runs) - 1)]

    @property
    def layer(self) -> int:
        """Parameter ``layer``, counted from 0."""
        return self.params.get("layer", 0)

    def record(self, kind: str, run: WatchedRun | None = None) -> Any:
        """The record of a kind at the scene's moment; of its layer alone, where layers differ in cell or size."""
        return self.of_layer(self.source.record(run or self.run, kind, self.at))

    def of_layer(self, record: Any) -> Any:
        """A record, of the scene's layer alone where its layers differ in cell or size."""
        parts = getattr(record, "parts", ())
        return record.of_layer(min(self.layer, len(parts) - 1)) if parts else record

    @property
    def cell(self) -> str:
        """The cell of the scene's run and layer."""
        return self.run.info.config.model.cell_of(self.layer)


@dataclass(frozen=True)
class PanelType:
    """How a panel is made: the sources that its picture depends on, and its builder."""

    sources: tuple[str, ...]
    build: Callable[[Scene], dict[str, Any]]
    one_run: bool = False


def lines_of(scene: Scene) -> list[Line]:
    """The line of each run: its label, made unique, and its cell's colour."""
    configs = [run.info.config for run in scene.runs]
    labels = [config.label for config in configs]
    if len(set(labels)) < len(labels):
        seeds = [config.seed for config in configs]
        told = len(set(zip(labels, seeds, strict=True))) == len(labels)
        whose = [f", seed {seed}" for seed in seeds] if told else [f" ({run.info.id})" for run in scene.runs]
        labels = [label + which for label, which in zip(labels, whose, strict=True)]
    return lines([(label, config.model.cell) for label, config in zip(labels, configs, strict=True)])


RACE = ("race", "race_progress")
"""What a panel of the whole race depends on: its scores and states, or how far its runs are."""
EXPERIMENT, PROGRESS = "experiment", "experiment_progress"
"""What a panel of an experiment depends on: its newest record and its state; and for how long it has been measured."""
SERIES = ("info", "train", "feeding", "score", "validation", *RACE, EXPERIMENT, PROGRESS)
TIMELINE = "gradient_flow"
"""The record kind whose steps the playback slider stops at."""

"""What a panel's builder may look at, and what a panel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard.figures.base import Line, Look, lines
from dashboard.live.source import Source, WatchedRun


@dataclass(frozen=True)
class Scene:
    """What a builder may look at: the runs in view, the moment (None: now), the look, and its parameters."""

    source: Source
    runs: list[WatchedRun]
    at: int | None
    look: Look
    params: dict[str, int]

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
        labels = [f"{label} ({run.info.id})" for label, run in zip(labels, scene.runs, strict=True)]
    return lines([(label, config.model.cell) for label, config in zip(labels, configs, strict=True)])


SERIES = ("info", "train", "validation")
TIMELINE = "gradient_flow"
"""The record kind whose steps the playback slider stops at."""

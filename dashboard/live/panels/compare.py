"""The panels of a race: verdict, learning curves, results, progress, and a sweep's map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dashboard.figures.base import Line, lines
from dashboard.figures.race import AXES, Racer, race_curves, race_scores
from dashboard.figures.sweep import sweep_heatmap, sweep_parallel
from dashboard.live.panels.scene import PanelType, Scene
from dashboard.live.source import RacingRun, WatchedRace
from dashboard.theme import cell_colour
from rnncore.comparison import SeedCurve, Standing, course, verdict
from rnncore.cost import estimate
from rnncore.runs.states import DIVERGED, FINISHED, QUEUED, RunInfo


def _race(scene: Scene) -> WatchedRace:
    assert scene.race is not None  # the route refuses these panels without one
    return scene.race


def _lines(race: WatchedRace) -> list[Line]:
    pairs = zip(race.race.contenders, race.race.configs, strict=True)
    return lines([(contender.label, config.model.cell) for contender, config in pairs])


def _verdict(scene: Scene) -> dict[str, Any]:
    race = _race(scene)
    first, *rest = verdict(race.measure, race.standings)
    severity = "good" if " is ahead" in first else "info"
    items = [{"severity": severity, "text": first, "code": "result"}]
    for sentence in rest:
        worse = "diverged" in sentence or "failed" in sentence
        items.append({"severity": "warning" if worse else "info", "text": sentence, "code": "note"})
    if race.info.paused:
        items.insert(
            0, {"severity": "warning", "text": "Paused: press Resume to go on where it stood.", "code": "paused"}
        )
    return {"verdicts": [{"label": "", "items": items}]}


def _curves(scene: Scene) -> dict[str, Any]:
    race, axis = _race(scene), min(scene.params.get("axis", 0), len(AXES) - 1)
    racers = [
        Racer(line, [_seed_curve(race, run, axis) for run in race.of(place)]) for place, line in enumerate(_lines(race))
    ]
    each = bool(scene.params.get("each", 0))
    return {"figure": race_curves.plain(racers, race.measure, scene.look, axis=AXES[axis], each=each)}


def _seed_curve(race: WatchedRace, run: RacingRun, axis: int) -> SeedCurve:
    taken = course(race.measure, run.series)
    config = race.race.configs[run.info.contender]
    per_step = (
        1.0,
        0.0,
        float(config.training.batch_size * config.task.sequence_length),
        estimate(config, race.race.vocab_size).operations,
    )[axis]
    x = taken.seconds if AXES[axis].startswith("seconds") else taken.step * per_step
    return SeedCurve(np.asarray(x, np.float64), taken.value, run.info.state in (FINISHED, DIVERGED))


def _scores(scene: Scene) -> dict[str, Any]:
    race = _race(scene)
    scores = [
        [run.outcome.score for run in race.of(place) if run.outcome.over and math.isfinite(run.outcome.score)]
        for place in range(len(race.race.contenders))
    ]
    return {"figure": race_scores.plain(race.standings, scores, _lines(race), race.measure, scene.look)}


def _table(scene: Scene) -> dict[str, Any]:
    race = _race(scene)
    measure, table = race.measure, race.standings
    known = [one for one in table if math.isfinite(one.score.mean)]
    best = max if measure.higher_is_better else min
    ahead = best(known, key=lambda one: one.score.mean).score if known else None
    columns = [("Contender", ""), (measure.name.capitalize(), "mean over seeds"), ("95% interval", "bootstrap")]
    if measure.solved_at is not None:
        columns += [("Solved", "seeds"), ("Time to solve", "seconds"), ("Steps to solve", "")]
    columns += [("Hidden size", "units"), ("Parameters", ""), ("Step", "ms")]
    columns += [("Operations", "per step"), ("Memory", "peak, ≈ estimated")]
    rank = -1 if measure.higher_is_better else 1
    shown = (
        table
        if not race.race.axes
        else sorted(table, key=lambda one: rank * one.score.mean if math.isfinite(one.score.mean) else math.inf)
    )
    rows = [
        {
            "cells": _cells(race, one),
            "colour": cell_colour(one.config.model.cell, scene.look.mode),
            "ahead": ahead is not None and (one.score.mean == ahead.mean or one.score.overlaps(ahead)),
        }
        for one in shown
    ]
    return {
        "table": {"columns": [{"label": label, "unit": unit} for label, unit in columns], "rows": rows, "empty": ""}
    }


def _cells(race: WatchedRace, one: Standing) -> list[str]:
    measure, score = race.measure, one.score
    interval = f"{measure.text(score.low)} to {measure.text(score.high)}" if math.isfinite(score.low) else "–"
    cells = [one.label, measure.text(score.mean), interval]
    if measure.solved_at is not None:
        cells += [f"{one.solved} of {one.seeds}", _number(one.solve_seconds, ".1f"), _number(one.solve_step, ",.0f")]
    return [
        *cells, str(one.config.model.hidden_size), f"{one.parameters:,}", _number(1000 * one.seconds_per_step, ".2f"),
        _operations(one.operations), one.memory_text,
    ]  # fmt: skip


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "–"


def _operations(count: float) -> str:
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.1f} M"


def _progress(scene: Scene) -> dict[str, Any]:
    """A row for each contender, a field for each seed."""
    race = _race(scene)
    runs = {(run.info.contender, run.info.config.seed): run.info for run in race.runs}
    seeds = race.race.seeds
    rows = []
    for place, contender in enumerate(race.race.contenders):
        fields = [_field(runs.get((place, seed))) for seed in seeds]
        colour = cell_colour(race.race.configs[place].model.cell, scene.look.mode)
        rows.append({"cells": [contender.label, *fields], "colour": colour})
    columns = [{"label": "Contender", "unit": ""}, *({"label": f"Seed {seed}", "unit": ""} for seed in seeds)]
    done = sum(run.info.state in (FINISHED, DIVERGED) for run in race.runs)
    return {
        "table": {"columns": columns, "rows": rows, "empty": ""},
        "caption": f"{done} of {len(race.runs)} runs done",
    }


def _field(run: RunInfo | None) -> dict[str, Any]:
    if run is None:
        return {"text": "deleted", "share": 0.0, "state": "queued"}
    share = run.step / run.config.training.steps
    if run.state == QUEUED:
        text = "paused" if run.held else f"queued, place {run.queue_place}" if run.queue_place else "queued"
    elif run.waits_for_race:
        text = f"paused at {share:.0%}"
    elif run.state == "running":
        text = f"{share:.0%}"
    else:
        text = run.state if run.state == FINISHED else f"{run.state} at {share:.0%}"
    return {"text": text, "share": share, "state": run.state}


def _heatmap(scene: Scene) -> dict[str, Any]:
    race = _race(scene)
    axes = list(race.race.axes)
    pair = scene.params.get("pair", 0)
    pairs = axis_pairs(axes)
    across, down = pairs[min(pair, len(pairs) - 1)]
    drawn = sweep_heatmap.plain(race.race, race.standings, race.measure, scene.look, across=across, down=down)
    return {"figure": drawn}


def axis_pairs(axes: list[str]) -> list[tuple[str, str]]:
    """(across, down) for each pair of a sweep's axes; one axis stands alone."""
    if len(axes) == 1:
        return [(axes[0], "")]
    return [(across, down) for n, across in enumerate(axes) for down in axes[n + 1 :]]


def _parallel(scene: Scene) -> dict[str, Any]:
    race = _race(scene)
    return {"figure": sweep_parallel.plain(race.race, race.standings, race.measure, scene.look)}


PANELS: dict[str, PanelType] = {
    "race_verdict": PanelType(("race",), _verdict),
    "race_curves": PanelType(("race",), _curves),
    "race_scores": PanelType(("race",), _scores),
    "race_table": PanelType(("race",), _table),
    "race_progress": PanelType(("race", "race_progress"), _progress),
    "sweep_heatmap": PanelType(("race",), _heatmap),
    "sweep_parallel": PanelType(("race",), _parallel),
}

"""The panels of Scheduled sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from dashboard.figures import exposure, feeding
from dashboard.figures.base import Line, lines
from dashboard.figures.exposure import (
    Exposures,
    exposure_by_position,
    exposure_over_training,
    in_bits,
    interval_in_words,
    written_bits,
)
from dashboard.figures.feeding import Timed, coins, cost_of, fed_text, feeding_cost
from dashboard.figures.learning_curve import unit_of
from dashboard.figures.schedule import FORCED, SIGMAS, Scheduled, deviation, epsilon, windows
from dashboard.live.panels.history import history
from dashboard.live.panels.scene import PanelType, Scene
from dashboard.live.panels.state import chip, state_chips
from dashboard.live.source import WatchedRun
from rnncore.config import HenonTask, RunConfig, ScheduledSampling, Watch
from rnncore.records import Columns, Exposure, Feeding
from rnncore.runs.store import RunInfo

SEQUENCE = "sequence"
"""Parameter: which sequence of the batch is shown as text, from 1."""
GAP, LOSSES = "gap", "losses"
"""Parameters: 1 for the difference by position in place of both losses; for both over training in place of it."""


def unfed(config: RunConfig) -> RunConfig:
    """The configuration apart from what is fed, from its name, and from what is measured."""
    return config.model_copy(update={"scheduled_sampling": ScheduledSampling(), "name": "", "watch": Watch()})


def names(runs: Sequence[RunInfo]) -> list[str]:
    """What each run is called on this page: its schedule, behind what else it is made of where that differs."""
    fed = [run.config.scheduled_sampling.label or "teacher forcing" for run in runs]
    if any(run.config.name or run.elsewhere for run in runs) or len({unfed(run.config) for run in runs}) > 1:
        fed = [
            run.config.label if run.config.name or run.elsewhere else f"{unfed(run.config).label} · {label}"
            for run, label in zip(runs, fed, strict=True)
        ]
    return [f"{name} ({run.id})" if fed.count(name) > 1 else name for name, run in zip(fed, runs, strict=True)]


def schedule_lines(scene: Scene) -> list[tuple[Line, WatchedRun]]:
    """Each run beside its line, called by its schedule."""
    infos = [run.info for run in scene.runs]
    found = lines(list(zip(names(infos), [info.config.model.cell for info in infos], strict=True)))
    return list(zip(found, scene.runs, strict=True))


def _known(run: WatchedRun) -> bool:
    """Whether what the run is fed is known."""
    return not run.info.elsewhere


def _forced(run: WatchedRun) -> bool:
    return _known(run) and run.info.config.scheduled_sampling.teacher_forcing


def _why(runs: list[WatchedRun], otherwise: str) -> str:
    """Why runs have no records of text."""
    if all(run.info.elsewhere for run in runs):
        return "A model that is trained elsewhere does not say what it was fed."
    if all(isinstance(run.info.config.task, HenonTask) for run in runs):
        return "This card is about text.<br>What feeding back does to numbers is on Distributional shift."
    return otherwise


def _until(columns: Columns, at: int | None) -> Columns:
    end = None if at is None else int(np.searchsorted(columns["step"], at, side="right"))
    return {name: column[:end] for name, column in columns.items()}


def _scheduled(scene: Scene) -> list[Scheduled]:
    return [
        Scheduled(
            line,
            run.info.config.scheduled_sampling,
            run.info.config.training.steps,
            _until(run.series["feeding"], scene.at),
        )
        for line, run in schedule_lines(scene)
        if _known(run)
    ]


def _epsilon(scene: Scene) -> dict[str, Any]:
    return {"figure": epsilon.plain(_scheduled(scene), scene.look, at=scene.at)}


def _deviation(scene: Scene) -> dict[str, Any]:
    return {"figure": deviation.plain(_scheduled(scene), scene.look)}


def _batch(scene: Scene) -> dict[str, Any]:
    """What the two pictures of a batch have in common."""
    why = FORCED if _forced(scene.run) else _why([scene.run], feeding.WAIT)
    return {"sequence": max(scene.params.get(SEQUENCE, 1), 1), "why": why}


def _coins(scene: Scene) -> dict[str, Any]:
    return {"figure": coins.plain(scene.record(Feeding.kind), scene.look, **_batch(scene))}


def _fed_text(scene: Scene) -> dict[str, Any]:
    return {"figure": fed_text.plain(scene.record(Feeding.kind), scene.look, **_batch(scene))}


def _exposures(scene: Scene) -> Exposures:
    found = [(line, cast("Exposure | None", scene.record(Exposure.kind, run))) for line, run in schedule_lines(scene)]
    return [(line, record) for line, record in found if record is not None]


def _by_position(scene: Scene) -> dict[str, Any]:
    gap = bool(scene.params.get(GAP, 0))
    why = _why(scene.runs, exposure.WAIT)
    return {"figure": exposure_by_position.plain(_exposures(scene), scene.look, gap=gap, why=why)}


def _written(scene: Scene) -> dict[str, Any]:
    return {"figure": written_bits.plain(_exposures(scene), scene.look, why=_why(scene.runs, exposure.WAIT))}


def _over_training(scene: Scene) -> dict[str, Any]:
    found = [(line, cast("list[Exposure]", history(scene, Exposure.kind, run))) for line, run in schedule_lines(scene)]
    gap = not scene.params.get(LOSSES, 0)
    why = _why(scene.runs, exposure.WAIT)
    return {"figure": exposure_over_training.plain(found, scene.look, gap=gap, at=scene.at, why=why)}


def _timed(scene: Scene, line: Line, run: WatchedRun) -> Timed:
    train, fed = (_until(run.series[name], scene.at) for name in ("train", "feeding"))
    return Timed(line, train, fed, _forced(run))


def _cost(scene: Scene) -> dict[str, Any]:
    found = [_timed(scene, line, run) for line, run in schedule_lines(scene) if _known(run)]
    return {"figure": feeding_cost.plain(found, scene.look)}


def _state(scene: Scene) -> dict[str, Any]:
    """What each run is doing, and what was found of its exposure."""
    found = []
    for line, run in schedule_lines(scene):
        record = cast("Exposure | None", scene.record(Exposure.kind, run))
        items = state_chips(scene, run, warm=record is not None or _forced(run))
        items += [] if record is None else _findings(record)
        found.append({"label": line.label if len(scene.runs) > 1 else "", "items": items})
    return {"verdicts": found}


def _findings(record: Exposure) -> list[dict[str, Any]]:
    """Whether what is written stays like real text, and whether it gets worse as it goes on."""
    if not record.order:
        return [chip("exposure", f"{record.note[:1].upper()}{record.note[1:]}")] if record.note else []
    total, drift = len(record.positions), record.drift_interval
    kept = f"all {total}" if record.keeps == total else f"{record.keeps} of {total}"
    said = f"At step {record.step:,} what it writes keeps to real text for {kept} {record.unit}s"
    gets = {1: "It gets less likely as it goes on", -1: "It gets likelier as it goes on", 0: "No certain drift"}
    worse = f"{gets[drift.sign]}: {interval_in_words(drift, signed=False)}"
    severity = "good" if record.keeps == total else "info"
    chips = [chip("keeps", said, severity=severity, positions=record.keeps)]
    return chips + ([chip("drift", worse, bits=drift.mean)] if math.isfinite(drift.mean) else [])


def _numbers(scene: Scene) -> dict[str, Any]:
    """A row per run, to be compared column by column."""
    return {"metrics": [_row(scene, line, run) for line, run in schedule_lines(scene)]}


def _row(scene: Scene, line: Line, run: WatchedRun) -> dict[str, Any]:
    config, timed = run.info.config, _timed(scene, line, run)
    steps, total = timed.train["step"], config.training.steps
    step = int(steps[-1]) if len(steps) else 0
    record = cast("Exposure | None", scene.record(Exposure.kind, run))
    items = [
        ("Step", f"{step:,}", f"of {total:,}" if total else "taken"),
        *_fed(run, timed.feeding, step),
        *_losses(run, timed.train, scene.at),
        *_exposed(run, record),
        _deciding(timed),
    ]
    return {
        "label": line.label,
        "cell": config.model.cell,
        "progress": step / total if total else 0.0,
        "items": [{"label": label, "value": value, "unit": unit} for label, value, unit in items],
    }


def _fed(run: WatchedRun, fed: Columns, step: int) -> list[tuple[str, str, str]]:
    """ε as it is, and what the coins made of it."""
    if not _known(run):
        return [("ε", "–", "trained elsewhere"), ("Really fed", "–", "of the truth")]
    settings = run.info.config.scheduled_sampling
    now = ("ε", f"{float(settings.epsilon_at(max(step - 1, 0))):.3f}", "of the truth")
    if not len(fed["step"]):
        return [now, ("Really fed", "100%" if settings.teacher_forcing else "–", "without a coin")]
    total = windows(fed, most=1)
    error = 100 * SIGMAS * float(total.error[0])
    share = f"{100 * float(total.fraction[0]):.2f}%"
    return [now, ("Really fed", share, f"{100 * float(total.expected[0]):.2f} ± {error:.2f}% expected")]


def _losses(run: WatchedRun, train: Columns, at: int | None) -> list[tuple[str, str, str]]:
    unit, validation = unit_of(run.info.config.task), _until(run.series["validation"], at)["loss"]
    short = unit.short or unit.name
    trained = unit.text(float(np.mean(train["loss"][-100:])) / unit.size) if len(train["loss"]) else "–"
    held_out = unit.text(float(validation[-1]) / unit.size) if len(validation) else "–"
    return [("Training", trained, f"{short}, as fed"), ("Validation", held_out, f"{short}, truth fed")]


def _exposed(run: WatchedRun, record: Exposure | None) -> list[tuple[str, str, str]]:
    if isinstance(run.info.config.task, HenonTask):
        return [("Free-running gap", "–", "see Distributional shift")]
    if record is None or not record.streams:
        return [("Free-running gap", "–", "bits"), ("Keeps to real text", "–", "positions")]
    gap = in_bits(record.gap_interval)
    half = (gap.high - gap.low) / 2
    said = f"{gap.mean:+.2f} ± {half:.2f}" if math.isfinite(half) else "–"
    keeps = f"{record.keeps} of {len(record.positions)}" if record.order else "–"
    gaps = ("Free-running gap", said, "bits, 95% interval")
    return [gaps, ("Keeps to real text", keeps, f"{record.unit}s")]


def _deciding(timed: Timed) -> tuple[str, str, str]:
    cost = cost_of(timed)
    if cost is None or not cost.deciding:
        return ("Deciding", "0%" if timed.forced else "–", "of a step")
    return ("Deciding", f"{cost.deciding / cost.step:.0%}", f"of a step, {cost.deciding:.3g} ms")


PANELS: dict[str, PanelType] = {
    "sampling_state": PanelType(("info", Exposure.kind), _state),
    "sampling_numbers": PanelType(("info", "train", "validation", "feeding", Exposure.kind), _numbers),
    "epsilon": PanelType(("feeding",), _epsilon),
    "epsilon_deviation": PanelType(("feeding",), _deviation),
    "coins": PanelType((Feeding.kind,), _coins, one_run=True),
    "fed_text": PanelType((Feeding.kind,), _fed_text, one_run=True),
    "exposure": PanelType((Exposure.kind,), _by_position),
    "written_bits": PanelType((Exposure.kind,), _written),
    "exposure_over_training": PanelType((Exposure.kind,), _over_training),
    "feeding_cost": PanelType(("train", "feeding"), _cost),
}

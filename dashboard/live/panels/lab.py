"""The panels of the live lab."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from dashboard.figures.gate_activity import RANKINGS, columns_of, gate_activity
from dashboard.figures.gradient_flow import gradient_flow
from dashboard.figures.gradient_norm import gradient_norm
from dashboard.figures.learning_curve import AS_LOGGED, Curve, Unit, learning_curve, unit_of
from dashboard.figures.saturation import saturation
from dashboard.live.panels import lab_scores
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from dashboard.live.source import WatchedRun
from rnncore.cells import CELLS
from rnncore.config import KnownTask, RunConfig
from rnncore.diagnostics.findings import ANY_LOSS, KINDS, Evidence, Finding, Floor, LossUnit, verdict
from rnncore.records import Baselines, Columns, GateActivity, Sample, Saturation
from rnncore.runs.elsewhere import Elsewhere
from rnncore.tasks import make_task

SAMPLES_SHOWN = 12


def _learning_curve(scene: Scene) -> dict[str, Any]:
    curves = [
        Curve(line, run.series["train"], run.series["validation"])
        for line, run in zip(lines_of(scene), scene.runs, strict=True)
    ]
    floors = {run.info.config.task for run in scene.runs}
    found = (scene.source.record(run, "baselines") for run in scene.runs)  # the same for all, if the text is
    baselines = cast("Baselines | None", next(filter(None, found), None)) if len(floors) == 1 else None
    units = {_unit(run) for run in scene.runs}
    unit = units.pop() if len(units) == 1 else AS_LOGGED
    tasks = [task for task in floors if isinstance(task, KnownTask)]
    floor = tasks[0].floor / unit.size if len(tasks) == len(floors) == 1 else None
    one_way = None if floor is None else getattr(tasks[0], "one_way_floor", None)
    if one_way is not None:
        one_way /= unit.size
    return {"figure": learning_curve.plain(curves, baselines, scene.look, scene.at, unit, floor, one_way)}


def _unit(run: WatchedRun) -> Unit:
    """What a run's loss is shown in."""
    return AS_LOGGED if run.info.elsewhere else unit_of(run.info.config.task)


def _gradient_flow(scene: Scene) -> dict[str, Any]:
    pairs = zip(lines_of(scene), scene.runs, strict=True)
    flows = [(line, scene.record("gradient_flow", run)) for line, run in pairs]
    found = [(line, flow) for line, flow in flows if flow is not None]
    direct = bool(scene.params.get("direct", 0))
    return {
        "figure": gradient_flow.plain(found, scene.look, layer=scene.layer, total=len(scene.runs) == 1, direct=direct)
    }


def _gradient_norm(scene: Scene) -> dict[str, Any]:
    pairs = [(line, run.series["train"]) for line, run in zip(lines_of(scene), scene.runs, strict=True)]
    return {"figure": gradient_norm.plain(pairs, scene.look, scene.at)}


def _gate_activity(scene: Scene) -> dict[str, Any]:
    """All channels, or one of them large; a page may sort the units and mark one."""
    record = cast("GateActivity | None", scene.record("gate_activity"))
    table = CELLS[scene.cell].gates
    wanted = scene.params.get(f"channel{scene.params.get('run', 0)}", 0)  # 0 for all, else counted from 1
    known = record is not None and scene.cell == scene.run.info.config.model.cell and 0 < wanted <= len(record.channels)
    channel = record.channels[wanted - 1] if record is not None and known else None
    narrow = len(scene.runs) > 1
    sort = scene.params.get("sort", 0)
    options: dict[str, Any] = {
        "layer": scene.layer,
        "narrow": narrow,
        "by": RANKINGS[sort - 1] if 0 < sort <= len(RANKINGS) else None,
        "unit": scene.params.get("unit"),
    }
    if record is None or channel is not None:
        return {"figure": gate_activity.plain(record, table, scene.look, channel=channel, **options)}
    parts = [  # one plot each: the browser draws one per frame, so that no frame is long
        gate_activity.plain(record, table, scene.look, channel=symbol, small=len(record.channels) > 1, **options)
        for symbol in record.channels
    ]
    return {"figures": parts, "columns": columns_of(record, narrow), "caption": parts[0]["layout"]["meta"]["caption"]}


def _saturation(scene: Scene) -> dict[str, Any]:
    record = cast("Saturation | None", scene.record("saturation"))
    names = {gate.symbol: gate.name for gate in CELLS[scene.cell].gates}
    unit = scene.params.get("unit")
    return {"figure": saturation.plain(record, names, scene.look, layer=scene.layer, unit=unit)}


def _samples(scene: Scene) -> dict[str, Any]:
    found = cast("list[Sample]", scene.source.records(scene.run, "sample", SAMPLES_SHOWN, scene.at))
    items = [{"step": one.step, "primer": one.primer, "text": one.text} for one in found]
    caption = ""
    if found:
        caption = f"temperature {found[0].temperature:g}, the same primer and seed each time; the primer is underlined"
    return {"samples": items, "caption": caption, "empty": "The first sample comes with the first training step."}


def _metrics(scene: Scene) -> dict[str, Any]:
    return {"metrics": [_run_metrics(run, scene.at) for run in scene.runs]}


def _run_metrics(run: WatchedRun, at: int | None) -> dict[str, Any]:
    info, train = run.info, run.series["train"]
    end = len(train["step"]) if at is None else int(np.searchsorted(train["step"], at, side="right"))
    step = int(train["step"][end - 1]) if end else 0
    seconds = float(train["seconds"][end - 1]) if end else 0.0
    total = info.config.training.steps
    rate = info.steps_per_second
    left = (total - step) / rate if total and rate > 0 and info.state == "running" and at is None else None
    validation = run.series["validation"]
    seen = len(validation["step"]) if at is None else int(np.searchsorted(validation["step"], at, side="right"))
    unit = _unit(run)
    loss = float(np.mean(train["loss"][max(end - 100, 0) : end])) / unit.size if end else None
    held_out = float(validation["loss"][seen - 1]) / unit.size if seen else None
    items = [
        ("Step", f"{step:,}", f"of {total:,}" if total else "taken"),
        ("Training", "–" if loss is None else unit.text(loss), unit.name),
        ("Validation", "–" if held_out is None else unit.text(held_out), unit.name),
        *lab_scores.score_item(run, at),
        ("Speed", f"{rate:.3g}" if rate and at is None else "–", "steps per second"),
        ("Elapsed", clock(seconds), "of training"),
        ("Remaining", "–" if left is None else clock(left), "at this speed"),
        ("Learning rate", _lr(run, end), _clip(run, end)),
    ]
    return {
        "label": info.config.label,
        "cell": info.config.model.cell,
        "progress": step / total if total else 0.0,
        "items": [{"label": label, "value": value, "unit": unit} for label, value, unit in items],
    }


def _lr(run: WatchedRun, end: int) -> str:
    value = float(run.series["train"]["lr"][end - 1]) if end else run.info.config.training.lr
    return "–" if not math.isfinite(value) or (run.info.elsewhere and not end) else f"{value:.3g}"


def _clip(run: WatchedRun, end: int) -> str:
    value = run.series["train"]["clip_norm"][end - 1] if end else run.info.config.training.clip_norm
    if value is None or not math.isfinite(value):
        return "no clipping logged" if run.info.elsewhere else "clipping off"
    return f"clipped at {value:.3g}"


def clock(seconds: float) -> str:
    """75 → '1:15', 3725 → '1:02:05'."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _verdict(scene: Scene) -> dict[str, Any]:
    found = []
    for run in scene.runs:
        items = [_chip(finding) for finding in _findings(scene, run)]
        found.append({"label": run.info.config.label if len(scene.runs) > 1 else "", "items": items})
    return {"verdicts": found}


PAGES = {"gradient-flow": "see Gradient flow", "gates-and-memory": "see Gates and memory"}
"""Pages that a finding may point to."""


def _chip(finding: Finding) -> dict[str, Any]:
    chip = {
        "severity": finding.severity,
        "text": finding.sentence,
        "advice": finding.advice,
        "code": finding.code,
        "evidence": finding.evidence,
    }
    if finding.view is not None:
        chip["view"] = finding.view._asdict()
        if finding.view.page in PAGES and finding.advice:
            chip["page"] = {"title": PAGES[finding.view.page], "path": finding.view.page}
    return chip


def _findings(scene: Scene, run: WatchedRun) -> list[Finding]:
    info, config = run.info, run.info.config
    train, validation = (_until(run.series[name], scene.at) for name in ("train", "validation"))
    records = [scene.source.record(run, kind, None if kind == "baselines" else scene.at) for kind in KINDS]
    evidence = Evidence(
        records=tuple(record for record in records if record is not None),
        train=train,
        validation=validation,
        lag=config.model.t_max,
        floor=_floor(config),
        unit=ANY_LOSS if not _unit(run).short else LossUnit(_unit(run).name, _unit(run).size),
        names=config.model.layer_names,
    )
    if scene.at is not None:
        return verdict("running", "", evidence)
    return verdict(info.state, info.reason, evidence, info.queue_place, info.step)


def _until(series: Columns, at: int | None) -> Columns:
    if at is None:
        return series
    end = int(np.searchsorted(series["step"], at, side="right"))
    return {name: column[:end] for name, column in series.items()}


def _floor(config: RunConfig) -> Floor | None:
    """What the user of a model trained elsewhere named, or a task knows; of text, its baselines tell."""
    if isinstance(config, Elsewhere):
        known = config.floor
    elif isinstance(config.task, KnownTask):
        known = config.task.floor
    else:
        known = make_task(config).floor if config.corpus is None else None
    return None if known is None else Floor(known, "knowing nothing")


PANELS: dict[str, PanelType] = {
    "verdict": PanelType(("info", "train", "validation", *KINDS), _verdict),
    "metrics": PanelType(("info", "train", "validation", "score"), _metrics),
    "learning_curve": PanelType(("train", "validation", "baselines"), _learning_curve),
    "gradient_flow": PanelType(("gradient_flow",), _gradient_flow),
    "gradient_norm": PanelType(("train",), _gradient_norm),
    "gate_activity": PanelType(("gate_activity",), _gate_activity, one_run=True),
    "saturation": PanelType(("saturation",), _saturation, one_run=True),
    "samples": PanelType(("sample",), _samples, one_run=True),
    **lab_scores.PANELS,
}

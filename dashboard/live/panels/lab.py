"""The panels of the live lab."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from dashboard.figures.gate_activity import columns_of, gate_activity
from dashboard.figures.gradient_flow import gradient_flow
from dashboard.figures.gradient_norm import gradient_norm
from dashboard.figures.learning_curve import Curve, learning_curve
from dashboard.figures.saturation import saturation
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from dashboard.live.source import WatchedRun
from rnncore.cells import CELLS
from rnncore.diagnostics.findings import Finding, verdict
from rnncore.records import Baselines, GateActivity, GradientFlow, Sample, Saturation

SAMPLES_SHOWN = 12


def _learning_curve(scene: Scene) -> dict[str, Any]:
    curves = [
        Curve(line, run.series["train"], run.series["validation"])
        for line, run in zip(lines_of(scene), scene.runs, strict=True)
    ]
    floors = {run.info.config.task for run in scene.runs}
    found = (scene.source.record(run, "baselines") for run in scene.runs)  # the same for all, if the text is
    baselines = cast("Baselines | None", next(filter(None, found), None)) if len(floors) == 1 else None
    return {"figure": learning_curve.plain(curves, baselines, scene.look, scene.at)}


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
    record = cast("GateActivity | None", scene.record("gate_activity"))
    table = CELLS[scene.run.info.config.model.cell].gates
    wanted = scene.params.get(f"channel{scene.params.get('run', 0)}", 0)  # 0 for all, else counted from 1
    channel = record.channels[wanted - 1] if record is not None and 0 < wanted <= len(record.channels) else None
    narrow = len(scene.runs) > 1
    if record is None or channel is not None:
        figure = gate_activity.plain(record, table, scene.look, layer=scene.layer, narrow=narrow, channel=channel)
        return {"figure": figure}
    parts = [  # one plot each: the browser draws one per frame, so that no frame is long
        gate_activity.plain(
            record, table, scene.look, layer=scene.layer, narrow=narrow, channel=symbol, small=len(record.channels) > 1
        )
        for symbol in record.channels
    ]
    return {"figures": parts, "columns": columns_of(record, narrow), "caption": parts[0]["layout"]["meta"]["caption"]}


def _saturation(scene: Scene) -> dict[str, Any]:
    record = cast("Saturation | None", scene.record("saturation"))
    names = {gate.symbol: gate.name for gate in CELLS[scene.run.info.config.model.cell].gates}
    return {"figure": saturation.plain(record, names, scene.look, layer=scene.layer)}


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
    left = (total - step) / rate if rate > 0 and info.state == "running" and at is None else None
    validation = run.series["validation"]
    seen = len(validation["step"]) if at is None else int(np.searchsorted(validation["step"], at, side="right"))
    bits = float(np.mean(train["loss"][max(end - 100, 0) : end])) / math.log(2) if end else None
    items = [
        ("Step", f"{step:,}", f"of {total:,}"),
        ("Training", "–" if bits is None else f"{bits:.2f}", "bits per character"),
        ("Validation", f"{validation['loss'][seen - 1] / math.log(2):.2f}" if seen else "–", "bits per character"),
        ("Speed", f"{rate:.3g}" if rate and at is None else "–", "steps per second"),
        ("Elapsed", clock(seconds), "of training"),
        ("Remaining", "–" if left is None else clock(left), "at this speed"),
        ("Learning rate", f"{train['lr'][end - 1]:.3g}" if end else f"{info.config.training.lr:.3g}", _clip(run, end)),
    ]
    return {
        "label": info.config.label,
        "cell": info.config.model.cell,
        "progress": step / total,
        "items": [{"label": label, "value": value, "unit": unit} for label, value, unit in items],
    }


def _clip(run: WatchedRun, end: int) -> str:
    value = run.series["train"]["clip_norm"][end - 1] if end else run.info.config.training.clip_norm
    return "clipping off" if value is None or not math.isfinite(value) else f"clipped at {value:.3g}"


def clock(seconds: float) -> str:
    """75 → '1:15', 3725 → '1:02:05'."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _verdict(scene: Scene) -> dict[str, Any]:
    found = []
    for run in scene.runs:
        findings = _findings(scene, run)
        found.append(
            {
                "label": run.info.config.label if len(scene.runs) > 1 else "",
                "items": [
                    {"severity": one.severity, "text": one.sentence, "advice": one.advice, "code": one.code}
                    for one in findings
                ],
            }
        )
    return {"verdicts": found}


def _findings(scene: Scene, run: WatchedRun) -> list[Finding]:
    train, info = run.series["train"], run.info
    if scene.at is not None:
        end = int(np.searchsorted(train["step"], scene.at, side="right"))
        train = {name: column[:end] for name, column in train.items()}
    flow = cast("GradientFlow | None", scene.record("gradient_flow", run))
    baselines = cast("Baselines | None", scene.source.record(run, "baselines"))
    state = info.state if scene.at is None else "running"
    return verdict(state, info.reason, train, flow, baselines, info.queue_place)


PANELS: dict[str, PanelType] = {
    "verdict": PanelType(("info", "train", "gradient_flow", "baselines"), _verdict),
    "metrics": PanelType(("info", "train", "validation"), _metrics),
    "learning_curve": PanelType(("train", "validation", "baselines"), _learning_curve),
    "gradient_flow": PanelType(("gradient_flow",), _gradient_flow),
    "gradient_norm": PanelType(("train",), _gradient_norm),
    "gate_activity": PanelType(("gate_activity",), _gate_activity, one_run=True),
    "saturation": PanelType(("saturation",), _saturation, one_run=True),
    "samples": PanelType(("sample",), _samples, one_run=True),
}

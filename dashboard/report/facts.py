"""A run in words and numbers, as markup with everything escaped that a user or a model wrote."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from dashboard.live.panels.lab import clock
from dashboard.widgets.runs import what_is_learned
from rnncore.config import KnownTask, RunConfig, field_of, unit_of
from rnncore.runs.store import RunInfo, RunStore

OVER = 100
"""Steps that the training loss is a mean over, as in the cards' numbers."""


def facts(store: RunStore, run: RunInfo) -> str:
    """What became of a run, and what it is."""
    rows = [
        ("Run", run.id),
        ("Learns", "trained elsewhere" if run.elsewhere else what_is_learned(run.config)),
        ("State", f"{run.state}: {run.reason}" if run.reason else run.state),
        ("Steps", f"{run.step:,} in {clock(run.seconds)} of training"),
        ("Begun", when(run.created)),
        ("Parameters", f"{run.parameters:,}" if run.parameters else ""),
        *((name, f"{value} {unit}") for name, value, unit in _results(store, run)),
        ("Target", _target(run)),
        ("Tags", ", ".join(run.tags)),
        ("Note", run.note),
    ]
    return _rows(rows) + settings(run)


def table(store: RunStore, runs: Sequence[RunInfo], contenders: Mapping[str, str] | None = None) -> str:
    """One row per run, for several of them.

    Args:
        store: where they are.
        runs: which.
        contenders: run id → what its contender is called; None where there are none.
    """
    names = ["Run", "What" if contenders is None else "Contender", "Seed", "State", "Steps", "Training", "Parameters"]
    results = [{f"{name}, {unit}": value for name, value, unit in _results(store, run)} for run in runs]
    more = list(dict.fromkeys(name for result in results for name in result))
    head = "".join(f"<th>{escape(name)}</th>" for name in names + more)
    body = []
    for run, result in zip(runs, results, strict=True):
        size = f"{run.parameters:,}" if run.parameters else ""
        what = run.config.label if contenders is None else contenders[run.id]
        known = [run.id, what, str(run.config.seed), run.state, f"{run.step:,}", clock(run.seconds), size]
        cells = known + [result.get(name, "") for name in more]
        body.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return f'<div class="wide"><table class="grid"><tr>{head}</tr>{"".join(body)}</table></div>'


def when(moment: float) -> str:
    """A moment in this machine's time."""
    return time.strftime("%d %B %Y, %H:%M", time.localtime(moment))


def _results(store: RunStore, run: RunInfo) -> list[tuple[str, str, str]]:
    """Losses and score as they stood at the end: name, value, unit."""
    task, found = run.config.task, []
    for name, series, over in (("Training loss", "train", OVER), ("Validation loss", "validation", 1)):
        if (value := _last(store, run, series, "loss", over)) is not None:
            found.append((name, f"{value / task.loss_size:.4g}", task.loss_unit))
    if isinstance(task, KnownTask) and (value := _last(store, run, "score", "score")) is not None:
        found.append(("Score", f"{value:.4g}", task.score_name))
    return found


def _last(store: RunStore, run: RunInfo, series: str, column: str, over: int = 1) -> float | None:
    """The mean over the last rows of a series, None where there is none."""
    values = store.series(run.id, series).get(column)
    return None if values is None or not len(values) else float(np.mean(values[-over:]))


def _target(run: RunInfo) -> str:
    """What a score is held against."""
    task = run.config.task
    if run.elsewhere or not isinstance(task, KnownTask):
        return ""
    better = "or more" if task.higher_is_better else "or less"
    return f"{task.solved_at:.3g} {better} counts as solved, chance gives {task.chance:.3g}"


def settings(run: RunInfo) -> str:
    """A run's whole configuration: what differs from the defaults, all of it, and as JSON."""
    text = f"<pre>{escape(run.config.model_dump_json(indent=2))}</pre>"
    if run.elsewhere:
        return f"<details><summary>What was seen of it, as JSON</summary>{text}</details>"
    config: RunConfig = run.config
    changed = " ".join(f"{name}={value}" for name, value in config.to_flat().items())
    rows = [
        (name, _valued(value, unit_of(name, config.task.kind)), field_of(name, config.task.kind).description or "")
        for name, value in config.to_flat(all_fields=True).items()
    ]
    body = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td><td>{escape(about)}</td></tr>"
        for name, value, about in rows
    )
    return (
        f"<p>Settings that differ from the defaults: <code>{escape(changed or 'none')}</code></p>"
        f'<details><summary>All settings</summary><table class="settings">{body}</table></details>'
        f"<details><summary>As JSON, for train --config</summary>{text}</details>"
    )


def _valued(value: str, unit: str) -> str:
    return value if value in ("", "off") else f"{value} {unit}".strip()


def _rows(rows: Sequence[tuple[str, str]]) -> str:
    body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
    return f'<dl class="facts">{body}</dl>'

"""A newcomer's tour: the four main views of the live lab, each introduced when it has something to show."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import numpy as np

from dashboard.live.panels.scene import PanelType, Scene
from dashboard.live.panels.state import chip
from rnncore.config import TextTask
from rnncore.records import Columns, GateActivity, GradientFlow, Sample

APART = 5.0
"""Seconds of training between two introductions, at least: time to read."""
READABLE = 0.42
"""Of what a guess costs: below, most of what a character model writes are words."""
_MEAN = 20  # steps that the loss is averaged over


class Stop(NamedTuple):
    """One view of the tour, and what to see there."""

    title: str
    text: str
    panel: str  # the card's id


def stops(scene: Scene) -> list[Stop]:
    """The views that have something to show at the scene's moment, in the tour's order, one every few seconds."""
    run = scene.runs[0]
    train = _until(run.series["train"], scene.at)
    steps = len(train.get("step", ()))
    if not steps:
        return []
    seconds = float(train["seconds"][-1])
    found = [
        _loss(train),
        _gradient(cast("GradientFlow | None", scene.source.record(run, GradientFlow.kind, scene.at))),
        _gates(cast("GateActivity | None", scene.source.record(run, GateActivity.kind, scene.at))),
        _sample(scene, train),
    ]
    reached = int(seconds // APART) + 1
    shown: list[Stop] = []
    for stop in found[:reached]:
        if stop is None:
            break  # one after the other: what comes later waits
        shown.append(stop)
    return shown


def _loss(train: Columns) -> Stop:
    now = float(np.mean(train["loss"][-_MEAN:])) / math.log(2)
    return Stop(
        "Loss",
        f"The network began by guessing, at {train['loss'][0] / math.log(2):.1f} bits per character, and is at "
        f"{now:.1f} now. The dotted lines are what counting letters of the text reaches.",
        "loss",
    )


def _gradient(flow: GradientFlow | None) -> Stop | None:
    if flow is None or not np.isfinite(flow.factor[0]):
        return None
    return Stop(
        "Gradient across time",
        f"How far back it can learn from: each step back multiplies the gradient by {flow.factor[0]:.2f}. A line that "
        "falls to the left is a past that does not count.",
        "gradient",
    )


def _gates(gates: GateActivity | None) -> Stop | None:
    if gates is None:
        return None
    return Stop(
        "Inside the network",
        "A row for each unit, a column for each character that it reads. Rows that change with the text have found "
        "something in it; the buttons show one gate at a time.",
        "gates0",
    )


def _sample(scene: Scene, train: Columns) -> Stop | None:
    sample = cast("Sample | None", scene.source.record(scene.runs[0], Sample.kind, scene.at))
    if sample is None:
        return None
    written = " ".join(sample.text.split())[:48]
    if not readable(train):
        more = "Not readable yet; watch it become so."
    else:
        more = (
            "Words, from a network that was told nothing but the next character. That was the tour: Diagnose, Compare "
            "and the Lecture go on from here."
        )
    return Stop("What it writes", f"At step {sample.step:,}: “{written}…”. {more}", "samples0")


def readable(train: Columns) -> bool:
    """Whether the loss has come down to where samples are words."""
    loss = train["loss"]
    return bool(len(loss) > _MEAN and np.mean(loss[-_MEAN:]) < READABLE * loss[0])


def _until(series: Columns, at: int | None) -> Columns:
    end = None if at is None else int(np.searchsorted(series["step"], at, side="right"))
    return {name: column[:end] for name, column in series.items()}


def _tour(scene: Scene) -> dict[str, Any]:
    """What has been introduced, in short, and the newest in words."""
    if not isinstance(scene.runs[0].info.config.task, TextTask):
        text = "The tour goes along a run on a text: choose one on the left and press Train."
        return {"verdicts": [{"label": "Tour", "items": [chip("tour", text)]}]}
    shown = stops(scene)
    if not shown:
        return {"verdicts": [{"label": "Tour", "items": [chip("tour", "It begins with the first training step.")]}]}
    items = [chip(f"tour_{place}", stop.title, severity="good") for place, stop in enumerate(shown[:-1], 1)]
    newest = chip(f"tour_{len(shown)}", f"{len(shown)} of 4 · {shown[-1].title}: {shown[-1].text}")
    items.append(newest | {"points": shown[-1].panel})
    return {"verdicts": [{"label": "Tour", "items": items}]}


PANELS = {"tour": PanelType(("info", "train", GradientFlow.kind, GateActivity.kind, Sample.kind), _tour)}

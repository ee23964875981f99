"""The panels of Structured prediction. What is not about one run shows all of them, the first one strongly."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from dashboard.figures.structured_prediction import (
    Course,
    exact_share,
    nonsense_by_length,
    valid_by_epsilon,
    valid_over_training,
)
from dashboard.figures.structured_prediction_intruder import intruder_distribution, intruder_entropy
from dashboard.figures.word_marginals import word_marginals
from dashboard.figures.word_tree import share, word_tree
from dashboard.live.panels.history import history
from dashboard.live.panels.lab import clock
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from dashboard.live.panels.state import chip, state_chips
from rnncore.lecture.structured_prediction import optimal_loss
from rnncore.records import Intruders, SentenceShares, WordTree

SENTENCE, PLACE, WORD, THEN = "sentence", "place", "word", "then"
"""Parameters: the disturbed sentence, where, by which word, and the place whose prediction is looked at."""
CLOSE = 0.02
"""P(valid) of a trained network lies this near to the exact value."""
_SHARES, _TREE, _INTRUDERS = SentenceShares.kind, WordTree.kind, Intruders.kind
_MEAN = 50  # steps that the loss is averaged over


def _latest(scene: Scene) -> SentenceShares | None:
    return cast("SentenceShares | None", scene.record(_SHARES))


def _courses(scene: Scene, *, whole: bool = False) -> list[Course]:
    """What each run has measured, oldest first: all of it, or the newest at the scene's moment."""
    found = []
    for line, run in zip(lines_of(scene), scene.runs, strict=True):
        records = history(scene, _SHARES, run) if whole else [scene.record(_SHARES, run)]
        there = [cast("SentenceShares", record) for record in records if record is not None]
        found.append(Course(line, there, run is scene.runs[0]))
    return found


def _by_epsilon(scene: Scene) -> dict[str, Any]:
    return {"figure": valid_by_epsilon.plain(_courses(scene), scene.look)}


def _over_training(scene: Scene) -> dict[str, Any]:
    return {"figure": valid_over_training.plain(_courses(scene, whole=True), scene.look, at=scene.at)}


def _by_length(scene: Scene) -> dict[str, Any]:
    return {"figure": nonsense_by_length.plain(_courses(scene)[0], scene.look)}


def _tree(scene: Scene) -> dict[str, Any]:
    return {"figure": word_tree.plain(cast("WordTree | None", scene.record(_TREE)), scene.look)}


def _marginals(scene: Scene) -> dict[str, Any]:
    return {"figure": word_marginals.plain(cast("WordTree | None", scene.record(_TREE)), scene.look, cell=scene.cell)}


def _intruder(scene: Scene) -> dict[str, Any]:
    record = cast("Intruders | None", scene.record(_INTRUDERS))
    if record is None:
        return {"figure": intruder_entropy.plain(None, scene.look, sentence=0, place=0, word=0)}
    sentences, places, words, _, _ = record.distributions.shape
    where = {
        "sentence": min(scene.params.get(SENTENCE, 0), sentences - 1),
        "place": min(scene.params.get(PLACE, 0), places - 1),
        "word": min(scene.params.get(WORD, words - 1), words - 1),
        "then": scene.params.get(THEN),
    }
    drawn = [draw.plain(record, scene.look, **where) for draw in (intruder_entropy, intruder_distribution)]
    return {"figures": drawn, "columns": 2}


def _state(scene: Scene) -> dict[str, Any]:
    """What the run is doing, and whether it is where theory says, in a sentence each."""
    info, record = scene.run.info, _latest(scene)
    items = state_chips(scene, scene.run, warm=record is not None)
    if record is not None:
        off = record.valid - exact_share(record.epsilon)
        near = abs(off) <= CLOSE
        words = f"within {CLOSE} of the exact value" if near else f"{abs(off):.2f} {'above' if off > 0 else 'below'} it"
        text = f"{share(record.valid)} of its texts are sentences, {words}"
        text += "" if near else ": not there, or not any more"
        items.append(chip("valid_share", text, severity="good" if near else "info", difference=off))
    return {"verdicts": [{"label": info.config.label if len(scene.runs) > 1 else "", "items": items}]}


def _metrics(scene: Scene) -> dict[str, Any]:
    """The run that is looked at in numbers, each beside what theory says."""
    info, record, train = scene.run.info, _latest(scene), scene.run.series["train"]
    end = len(train["step"]) if scene.at is None else int(np.searchsorted(train["step"], scene.at, side="right"))
    step, total = int(train["step"][end - 1]) if end else 0, info.config.training.steps
    seconds = float(train["seconds"][end - 1]) if end else 0.0
    rate = info.steps_per_second
    left = (total - step) / rate if rate > 0 and info.state == "running" and scene.at is None else None
    items = [("Step", f"{step:,}", f"of {total:,}"), *_beside_theory(record)]
    if end and record is not None:
        loss = float(np.mean(train["loss"][max(end - _MEAN, 0) : end]))
        items.append(("Loss", f"{loss:.3f}", f"nats per word; at best {optimal_loss(record.epsilon):.3f}"))
    items.append(("Elapsed", clock(seconds), "of training" if left is None else f"{clock(left)} to go"))
    row = {
        "label": info.config.label,
        "cell": info.config.model.cell,
        "progress": step / total if total else 0.0,
        "items": [{"label": label, "value": value, "unit": unit} for label, value, unit in items],
    }
    return {"metrics": [row]}


def _beside_theory(record: SentenceShares | None) -> list[tuple[str, str, str]]:
    if record is None:
        return [("P(valid) measured", "–", "running freely")]
    return [
        ("ε", f"{record.epsilon:.3g}", "probability of the truth"),
        ("P(valid) measured", f"{record.valid:.4f}", f"at step {record.step:,}, by enumeration"),
        ("P(valid) exact", f"{exact_share(record.epsilon):.4f}", "optimum at this ε"),
        ("Nonsense", share(float(record.nonsense[3])), "after four words"),
    ]


PANELS: dict[str, PanelType] = {
    "sentences_state": PanelType(("info", _SHARES), _state, one_run=True),
    "sentences_metrics": PanelType(("info", "train", _SHARES), _metrics, one_run=True),
    "valid_by_epsilon": PanelType((_SHARES,), _by_epsilon),
    "valid_over_training": PanelType((_SHARES,), _over_training),
    "nonsense_by_length": PanelType((_SHARES,), _by_length),
    "word_tree": PanelType((_TREE,), _tree, one_run=True),
    "word_marginals": PanelType((_TREE,), _marginals, one_run=True),
    "intruder": PanelType((_INTRUDERS,), _intruder, one_run=True),
}

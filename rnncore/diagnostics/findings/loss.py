"""What the losses say: learning, standing still, getting worse, no better than the floor, and the learning rate."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from rnncore.diagnostics.findings.finding import BITS, LOSS, PARAMETERS, Finding, LossUnit
from rnncore.records import Array, Columns, Parameters

WINDOW = 200
"""Steps over which the recent loss is averaged."""
FEWEST = 20
"""Steps before anything is said of the loss."""
SIGNIFICANT = 2.0
"""Standard errors by which two averages must differ to be called different: 95 % of a normal distribution."""
RISE = 0.035
"""Of the present loss: a smaller rise is no trouble yet."""
FLOOR_MARGIN = 0.02
"""A validation loss within 2 % of the floor is no better than it."""
SETTLED = 200
"""Steps before a run is held against the floor, or said not to move."""
START = 10
"""Steps whose mean loss counts as that of the start."""
BLOWN_UP, BLOWN_STEPS, RECOVERED = 1.5, 3, 0.75
"""Three steps whose loss was 1.5 times the untrained model's, and the present one is still above .75 of it. Measured on
text with 64 units and Adam: never at learning rates up to .03, always at 1 (a tanh RNN rises from 6.6 to 38 bits)."""
SOLVED = 0.5
"""A loss below half of the untrained model's: what the task asks for arrives."""
UNMOVED = 0.01
"""A loss within 1 % of the untrained model's has not moved."""
RATIO_LOW = 1e-4
"""‖update‖/‖weight‖ of the median weight matrix. About 1e-3 is the rule of thumb (Karpathy, CS231n notes, "Neural
Networks 3", ratio of weights to updates); an order of magnitude below, 300 steps of Adam move the loss on text by
less than .01 bits (measured: ratio 1.2e-5, learning rate 1e-6), where 5e-3 to 2e-2 is what learns."""
RATIO_HIGH = 1.0
"""An update as large as the weights leaves nothing of them. Measured: 1.4 at the first step of Adam at .1, which stays
worse than at .03 (ratio .41); 14 at 1, which never learns."""
DECAYED = 0.5
"""Below half of its largest value a learning rate was lowered on purpose."""


class Floor(NamedTuple):
    """The loss of knowing little, in the stored unit, and what it knows."""

    loss: float
    words: str


def learning(train: Columns, unit: LossUnit = BITS) -> Finding | None:
    """Whether the training loss falls, stands or rises; None before 20 steps, or where it is not finite."""
    loss = np.asarray(train.get("loss", ()), float)
    if len(loss) < FEWEST or not np.isfinite(loss[-2 * WINDOW :]).all():
        return None
    width = min(WINDOW, len(loss) // 2)
    now, before = loss[-width:], loss[-2 * width : -width]
    drop, level = float(before.mean() - now.mean()), float(now.mean())
    error = math.sqrt(now.var() / width + before.var() / width)
    evidence = {"loss": level, "drop": drop, "standard_error": error, "steps": float(width)}
    if drop > SIGNIFICANT * error and drop > 1e-3 * abs(level):
        said = f"Learning: {unit.say(level)}, {unit.number(drop)} less than {width} steps ago"
        return Finding("learning", "good", said, evidence, view=LOSS)
    if -drop > SIGNIFICANT * error and -drop > RISE * abs(level):
        said = f"Getting worse: {unit.say(level)}, {unit.number(-drop)} more than {width} steps ago"
        return Finding("rising", "warning", said, evidence, "lower the learning rate, or clip the gradient", LOSS)
    advice = "a lower learning rate, a larger model or more data may go further"
    return Finding("steady", "info", f"Holding level at {unit.say(level)}", evidence, advice, LOSS)


def at_floor(train: Columns, validation: Columns, floor: Floor | None, unit: LossUnit = BITS) -> Finding | None:
    """Whether the model is no better than knowing little; None without a floor, or in the first 200 steps.

    The validation loss is held against it; the training loss where none was measured.
    """
    held_out = _finite(validation.get("loss", ()))
    steps = np.asarray(train.get("step", ()))
    if floor is None or not len(steps) or steps[-1] < SETTLED:
        return None
    if len(validation.get("loss", ())):
        if not len(held_out) or validation["step"][-1] < SETTLED:
            return None
        level, which = float(held_out[-1]), "in validation"
    else:
        recent = _finite(train["loss"][-WINDOW:])
        if not len(recent):
            return None
        level, which = float(recent.mean()), "in training"
    if level <= floor.loss - FLOOR_MARGIN * abs(floor.loss):
        return None
    return Finding(
        "at_floor",
        "warning",
        f"At the floor: {unit.say(level)} {which}, no better than {floor.words} ({unit.number(floor.loss)})",
        {"loss": level, "floor": floor.loss, "step": float(steps[-1])},
        "raise the learning rate, or look whether the gradient reaches back",
        LOSS,
    )


def learning_rate(train: Columns, parameters: Parameters | None = None, unit: LossUnit = BITS) -> Finding | None:
    """Whether the learning rate is too high or too low, from updates where they were measured, and from the loss."""
    return _too_high(train, parameters, unit) or _too_low(train, parameters, unit)


def solved(train: Columns) -> bool:
    """Whether the loss has fallen below half of the untrained model's."""
    loss = _finite(train.get("loss", ()))
    return len(loss) >= FEWEST and loss[0] > 0 and bool(loss[-WINDOW // 4 :].mean() < SOLVED * loss[0])


def update_ratio(parameters: Parameters) -> float:
    """‖update‖/‖weight‖ of the median weight matrix or gate; nan where none can be told."""
    wanted = np.array(["bias" not in name for name in parameters.names], bool)
    ratio = _finite(parameters.ratio[wanted])
    return float(np.median(ratio)) if len(ratio) else math.nan


def _too_high(train: Columns, parameters: Parameters | None, unit: LossUnit) -> Finding | None:
    advice = "lower it to a third, and again until the loss falls"
    ratio = math.nan if parameters is None else update_ratio(parameters)
    if parameters is not None and ratio >= RATIO_HIGH:
        said = f"The learning rate is too high: an update changed the weights by {ratio:.1f} times their own size"
        return Finding("lr_too_high", "bad", said, {"ratio": ratio, "step": float(parameters.step)}, advice, PARAMETERS)
    loss = np.asarray(train.get("loss", ()), float)
    if len(loss) < FEWEST or not loss[0] > 0:
        return None
    start, level, finite = float(loss[0]), _finite(loss[-WINDOW:]), np.where(np.isfinite(loss), loss, 0.0)
    if (finite > BLOWN_UP * start).sum() < BLOWN_STEPS or not len(level) or level.mean() < RECOVERED * start:
        return None
    worst, now = float(finite.max()), float(level.mean())
    said = f"The learning rate is too high: the untrained model had {unit.say(start)}, it rose to {unit.number(worst)} "
    evidence = {"start": start, "worst": worst, "loss": now, "step": float(train["step"][-1])}
    if math.isfinite(ratio):
        evidence["ratio"] = ratio
    return Finding("lr_too_high", "warning", said + f"and is at {unit.number(now)}", evidence, advice, LOSS)


def _too_low(train: Columns, parameters: Parameters | None, unit: LossUnit) -> Finding | None:
    loss, steps = np.asarray(train.get("loss", ()), float), np.asarray(train.get("step", ()))
    lr = _finite(train.get("lr", ()))
    if not len(steps) or steps[-1] < SETTLED or (len(lr) and lr[-1] < DECAYED * lr.max()):
        return None
    advice = "raise the learning rate tenfold; if that changes nothing, look whether the gradient reaches back"
    ratio = math.nan if parameters is None else update_ratio(parameters)
    if parameters is not None and math.isfinite(ratio):
        if ratio >= RATIO_LOW or solved(train):  # near 0, what is left to learn makes updates small
            return None
        said = f"The learning rate is too low: an update changes the weights by {ratio:.1g} of their size"
        return Finding(
            "lr_too_low", "warning", said, {"ratio": ratio, "step": float(parameters.step)}, advice, PARAMETERS
        )
    start, now = _finite(loss[:START]), _finite(loss[-WINDOW:])
    if not len(start) or not len(now):
        return None
    level, first = float(now.mean()), float(start.mean())
    if abs(first - level) > UNMOVED * abs(first):
        return None
    said = f"The loss has not moved in {int(steps[-1]):,} steps: {unit.say(level)}, as at the start"
    evidence = {"start": first, "loss": level, "steps": float(steps[-1])}
    return Finding(
        "not_moving", "warning", said, evidence, "raise the learning rate tenfold; then " + advice[19:], LOSS
    )


def _finite(values: object) -> Array:
    found = np.asarray(values, float)
    return found[np.isfinite(found)]

"""Verdicts in words, each from numbers that are shown: a code, a severity, the evidence, and what to try.

NumPy only: the pages call this on what the run store holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rnncore.records import Array, Baselines, Columns, GradientFlow

Severity = Literal["good", "info", "warning", "bad"]

VANISHING = 0.9
"""Factor per step below which half the gradient is gone within 6.6 steps. Freshly initialised tanh RNN, LSTM
and GRU measure .62-.65 and are stuck on lags of 50; LSTMs that solve them start at .98 (SCIENCE table)."""
EXPLODING = 1.02
"""Factor per step above which the gradient more than triples within 64 steps."""
CLIPPED_SHARE = 0.95
FLOOR_MARGIN = 0.02
WINDOW = 200
"""Steps over which the recent loss is averaged."""


@dataclass(frozen=True)
class Finding:
    """One verdict.

    Attributes:
        code: stable name, e.g. ``vanishing``.
        severity: good, info, warning or bad.
        sentence: what is the case, with its numbers.
        evidence: the numbers that it rests on.
        advice: what to try, '' where nothing is wrong.
        view: the panel or page that shows the evidence.
    """

    code: str
    severity: Severity
    sentence: str
    evidence: dict[str, float] = field(default_factory=dict)
    advice: str = ""
    view: str = ""


def bits(nats: float | Array) -> float | Array:
    """Nats → bits."""
    return nats / math.log(2)


def learning(train: Columns, baselines: Baselines | None) -> Finding | None:
    """Whether the loss falls, stands, or is no better than character frequencies; None before 20 steps."""
    loss = np.asarray(train.get("loss", ()), float)
    if len(loss) < 20:
        return None
    width = min(WINDOW, len(loss) // 2)
    now, before = loss[-width:], loss[-2 * width : -width]
    drop = float(bits(before.mean() - now.mean()))
    error = float(bits(math.sqrt(now.var() / width + before.var() / width)))
    level = float(bits(now.mean()))
    evidence = {"bits": level, "drop": drop, "standard_error": error, "steps": float(width)}
    if baselines is not None and len(loss) >= WINDOW and len(baselines.bits):
        unigram = baselines.bits[0]
        if level > unigram * (1 - FLOOR_MARGIN):
            return Finding(
                "at_floor",
                "warning",
                f"At the floor: {level:.2f} bits per character, no better than counting characters ({unigram:.2f})",
                evidence | {"unigram": unigram},
                "raise the learning rate, or look whether the gradient reaches back",
                "loss",
            )
    if drop > 2 * error and drop > 0.002:
        return Finding(
            "learning",
            "good",
            f"Learning: {level:.2f} bits per character, {drop:.2f} less than {width} steps ago",
            evidence,
            view="loss",
        )
    if -drop > 2 * error and -drop > 0.05:
        return Finding(
            "rising",
            "warning",
            f"Getting worse: {level:.2f} bits per character, {-drop:.2f} more than {width} steps ago",
            evidence,
            "lower the learning rate, or clip the gradient",
            "loss",
        )
    return Finding(
        "steady",
        "info",
        f"Holding level at {level:.2f} bits per character",
        evidence,
        "a lower learning rate, a larger model or more text may go further",
        "loss",
    )


def gradient(flow: GradientFlow | None, layer: int = -1) -> Finding | None:
    """Whether the gradient vanishes or explodes with the lag; None where it cannot be told."""
    if flow is None:
        return None
    if not np.isfinite(flow.hidden_last).all():
        return Finding(
            "gradient_not_finite",
            "bad",
            "The gradient is no longer finite",
            {"step": float(flow.step)},
            "lower the learning rate, the recurrent gain, or clip",
            "gradient",
        )
    factor, half_life = float(flow.factor[layer]), float(flow.half_life[layer])
    if not math.isfinite(factor):
        return None
    evidence = {"factor": factor, "half_life": half_life, "step": float(flow.step)}
    if factor < VANISHING:
        return Finding(
            "vanishing",
            "warning",
            f"Vanishing: the gradient shrinks to {factor:.2f} of itself with each step back, half is gone "
            f"after {half_life:.1f} steps",
            evidence,
            "set the forget-gate bias to 1 or more, use chrono or orthogonal initialisation",
            "gradient",
        )
    if factor > EXPLODING:
        return Finding(
            "exploding",
            "bad",
            f"Exploding: the gradient grows by {factor:.2f} with each step back, and doubles every "
            f"{-half_life:.1f} steps",
            evidence,
            "clip the gradient, or lower the recurrent gain",
            "gradient",
        )
    return Finding(
        "carried",
        "good",
        f"The gradient reaches back: {factor:.3f} a step"
        + (f", half is left after {half_life:.0f} steps" if half_life > 0 else ""),
        evidence,
        view="gradient",
    )


def clipping(train: Columns) -> Finding | None:
    """Whether nearly every recent step was clipped."""
    norm = np.asarray(train.get("grad_norm", ()), float)[-WINDOW:]
    threshold = np.asarray(train.get("clip_norm", ()), float)[-WINDOW:]
    if len(norm) < 50 or not np.isfinite(threshold).any():
        return None
    share = float(np.mean(norm > np.where(np.isfinite(threshold), threshold, np.inf)))
    if share < CLIPPED_SHARE:
        return None
    return Finding(
        "always_clipped",
        "info",
        f"{share:.0%} of the last {len(norm)} steps were clipped",
        {"share": share, "median_norm": float(np.median(norm)), "threshold": float(threshold[-1])},
        "the threshold now sets the step size: raise it, or lower the learning rate on purpose",
        "norm",
    )


_STATES: dict[str, tuple[Severity, str]] = {
    "queued": ("info", "Waiting for a free core"),
    "starting": ("info", "Starting"),
    "paused": ("info", "Paused"),
    "finished": ("good", "Finished"),
    "stopped": ("info", "Stopped"),
    "diverged": ("bad", "Diverged"),
    "failed": ("bad", "Failed"),
    "interrupted": ("warning", "Interrupted"),
}


def state(name: str, reason: str, queue_place: int | None = None) -> Finding | None:
    """What the run's state means to a reader; None while it simply runs."""
    if name not in _STATES:
        return None
    severity, title = _STATES[name]
    if name == "queued" and queue_place is not None:
        reason = f"place {queue_place} in the queue"
    text = reason[:1].upper() + reason[1:] if name in ("diverged", "finished", "stopped") else reason
    if name in ("diverged", "stopped") and reason:
        return Finding(name, severity, text)
    return Finding(name, severity, f"{title}: {reason}" if reason else title)


def verdict(
    state_name: str,
    reason: str,
    train: Columns,
    flow: GradientFlow | None,
    baselines: Baselines | None,
    queue_place: int | None = None,
) -> list[Finding]:
    """The verdict line: what the run does, most telling first. Never empty."""
    found = [
        state(state_name, reason, queue_place),
        learning(train, baselines),
        gradient(flow),
        clipping(train),
    ]
    findings = [finding for finding in found if finding is not None]
    return findings or [Finding("warming_up", "info", "Warming up: the first steps tell little")]

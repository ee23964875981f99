"""What the gradient says: vanishing, exploding, none at all, clipped at every step, no longer finite."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnncore.cells import CELLS
from rnncore.diagnostics.findings.finding import GATES, GRADIENT, LOSS, NORM, Finding
from rnncore.diagnostics.findings.loss import WINDOW
from rnncore.records import Array, Columns, GateActivity, GradientFlow

VANISHING = 0.9
"""Factor per step below which half the gradient is gone within 6.6 steps. Freshly initialised tanh RNN, LSTM
and GRU measure .62-.65 and are stuck on lags of 50; LSTMs that solve them start at .98."""
EXPLODING = 1.02
"""Factor per step above which the gradient more than triples within 64 steps. A spectral norm above 1 is necessary
for that: Pascanu et al. 2013, arXiv:1211.5063."""
CLIPPED_SHARE = 0.95
"""Pascanu et al. 2013, section 3.2, take half to ten times the average norm as threshold: far fewer steps are clipped
then. Where nearly all are, the threshold alone sets the size of a step."""
FEWEST = 50
"""Steps before anything is said of clipping."""


def not_finite(
    train: Columns, flow: GradientFlow | None = None, gates: GateActivity | None = None, names: Sequence[str] = ()
) -> Finding | None:
    """NaN or infinity: the training step, and the first tensor that has it.

    In the forward pass that is the one at the earliest step of the sequence; where that is sound, the gradient at the
    latest, where the backward pass begins.
    """
    advice = "lower the learning rate or the recurrent gain, clip the gradient, and look for NaN in the data"
    where = _first_state(gates) or _first_gradient(flow)
    if where is not None:
        step, layer, t, what = where
        name = names[layer] if layer < len(names) else f"layer {layer + 1}"
        said = f"Not finite at training step {step:,}: {what} of {name} first, at step {t} of the sequence"
        evidence = {"step": float(step), "layer": float(layer), "t": float(t)}
        return Finding("not_finite", "bad", said, evidence, advice, GATES if what[:7] != "the gra" else GRADIENT)
    loss, steps = np.asarray(train.get("loss", ()), float), np.asarray(train.get("step", ()))
    if not len(loss) or np.isfinite(loss[-1]) or not (np.isfinite(loss).any() or np.isinf(loss).any()):
        return None
    sound = np.flatnonzero(np.isfinite(loss))
    first = int(sound[-1]) + 1 if len(sound) else 0
    said = f"Not finite since training step {int(steps[first]):,}: the loss is {loss[first]}"
    return Finding("not_finite", "bad", said, {"step": float(steps[first])}, advice, LOSS)


def gradient(flow: GradientFlow | None, names: Sequence[str] = (), *, solved: bool = False) -> Finding | None:
    """Whether the gradient vanishes or explodes with the lag, in the layer where it reaches furthest.

    None where it cannot be told: too few steps, or not finite (see ``not_finite``).

    Args:
        flow: one probe's gradient.
        names: of the layers.
        solved: the loss is low already: what it depends on lies near, and a gradient that fades is no trouble.
    """
    if flow is None or not (np.isfinite(flow.hidden_last).all() and np.isfinite(flow.hidden_total).all()):
        return None
    if not flow.hidden_total.any():
        return Finding(
            "no_gradient",
            "bad",
            "No gradient reaches the recurrent layers: it is zero at every step",
            {"largest": 0.0, "step": float(flow.step)},
            "look for dead units, for a detach() on the way, and whether the loss depends on these layers",
            GRADIENT,
        )
    if flow.cell in CELLS and not CELLS[flow.cell].recurrent:
        return _field(flow)
    if not np.isfinite(flow.factor).any():
        return None
    layer = int(np.nanargmax(flow.factor))
    factor, half_life = float(flow.factor[layer]), float(flow.half_life[layer])
    evidence = {"factor": factor, "half_life": half_life, "layer": float(layer), "step": float(flow.step)}
    evidence = {name: value for name, value in evidence.items() if math.isfinite(value)}
    where = "" if len(flow.factor) == 1 else f" in {names[layer] if layer < len(names) else f'layer {layer + 1}'}"
    if factor < VANISHING:
        each = "" if len(flow.factor) == 1 else f"; {where.strip()}, where it reaches furthest"
        said = f"Vanishing: the gradient shrinks to {factor:.2f} of itself with each step back, half is gone after "
        said += f"{half_life:.1f} steps{each}"
        advice = _REACH_FURTHER.get(flow.cell, _OTHER_CELL)
        if solved:
            return Finding("vanishing", "info", f"{said}; the loss fell all the same", evidence, advice, GRADIENT)
        return Finding("vanishing", "warning", said, evidence, advice, GRADIENT)
    if factor > EXPLODING:
        said = f"Exploding: the gradient grows by {factor:.2f} with each step back{where}, and doubles every "
        said += f"{-half_life:.1f} steps"
        return Finding("exploding", "bad", said, evidence, "clip the gradient, or lower the recurrent gain", GRADIENT)
    left = f", half is left after {half_life:.0f} steps" if 0 < half_life < math.inf else ""
    said = f"The gradient reaches back{where}: {factor:.3f} a step{left}"
    return Finding("carried", "good", said, evidence, view=GRADIENT)


def _field(flow: GradientFlow) -> Finding | None:
    """Without a recurrence no gradient fades from step to step; it may end."""
    steps = flow.hidden_last.shape[1]
    if not 0 < flow.field < steps:
        return None
    return Finding(
        "short_field",
        "info",
        f"An output sees {flow.field} of the window's {steps} steps: what lies before has a gradient of exactly 0",
        {"field": float(flow.field), "window": float(steps), "step": float(flow.step)},
        "add layers if the task needs more: each doubles the receptive field of a TCN",
        GRADIENT,
    )


_REACH_FURTHER = {
    "lstm": "set the forget-gate bias to 1 or more, or use chrono initialisation",
    "gru": "raise the update-gate bias, or use chrono initialisation",
}
_OTHER_CELL = "use an LSTM or a GRU with chrono initialisation, or orthogonal recurrent weights"


def clipping(train: Columns) -> Finding | None:
    """Whether nearly every recent step was clipped."""
    norm = np.asarray(train.get("grad_norm", ()), float)[-WINDOW:]
    threshold = np.asarray(train.get("clip_norm", ()), float)[-WINDOW:]
    known = np.isfinite(norm)
    if known.sum() < FEWEST or not np.isfinite(threshold).any():
        return None
    norm, threshold = norm[known], threshold[known]
    share = float(np.mean(norm > np.where(np.isfinite(threshold), threshold, np.inf)))
    if share < CLIPPED_SHARE:
        return None
    limit = float(threshold[np.isfinite(threshold)][-1])
    return Finding(
        "always_clipped",
        "info",
        f"{share:.0%} of the last {len(norm)} steps were clipped: the norm is {np.median(norm):.3g}, the threshold "
        f"{limit:.3g}",
        {"share": share, "median_norm": float(np.median(norm)), "threshold": limit},
        "the threshold now sets the step size: raise it, or lower the learning rate on purpose",
        NORM,
    )


_STATES = {"h": "the hidden state", "c": "the cell state"}


def _first_state(gates: GateActivity | None) -> tuple[int, int, int, str] | None:
    """Training step, layer, t and channel of the first value in the forward pass that is not finite."""
    if gates is None:
        return None
    found = None
    for layer in range(len(gates.values)):
        if not gates.ran(layer):
            continue
        one = gates.of_layer(layer)
        lost: Array = ~np.isfinite(one.values[0]).all(-1)  # (K, T)
        if lost.any():
            t = int(np.argmax(lost.any(0)))
            symbol = one.channels[int(np.argmax(lost[:, t]))]
            if found is None or t < found[2]:
                found = (gates.step, layer, t, _STATES.get(symbol, f"gate {symbol}"))
    return found


def _first_gradient(flow: GradientFlow | None) -> tuple[int, int, int, str] | None:
    """The same in the backward pass: the latest step, in the topmost layer."""
    if flow is None:
        return None
    lost = ~np.isfinite(flow.hidden_total)  # (L, T)
    if not lost.any():
        return None
    t = int(np.flatnonzero(lost.any(0))[-1])
    return flow.step, int(np.flatnonzero(lost[:, t])[-1]), t, "the gradient on the hidden state"

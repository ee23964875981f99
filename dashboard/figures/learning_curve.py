"""Loss in bits per character against the training step, with what knowing little would reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.figures.base import (
    LIGHT,
    MANY,
    MOST_POINTS,
    Drawn,
    Line,
    Look,
    Sketch,
    empty,
    figure,
    finite,
    plain,
    smooth,
    thin,
)
from dashboard.figures.decades import marks
from dashboard.theme import with_alpha
from rnncore.config import Task
from rnncore.diagnostics.findings.finding import two_decimals
from rnncore.records import Array, Baselines, Columns

SMOOTHING = 0.02
"""The drawn mean runs over this share of the steps so far (at least 1, at most 500)."""


@dataclass(frozen=True)
class Curve:
    """One run's losses: series "train" and "validation", as stored (nats per character for text)."""

    line: Line
    train: Columns
    validation: Columns = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """What losses are shown in: ``size`` of the stored unit is one of this, ``short`` names it on a hover."""

    name: str
    short: str
    size: float
    log: bool = False

    @property
    def digits(self) -> str:
        """How numbers are written."""
        return ".2f" if self.short else ".4g"

    def text(self, value: float) -> str:
        """A number in this unit, as a caption has it."""
        return two_decimals(value) if self.short else f"{value:{self.digits}}"


BITS = Unit("bits per character", "bits", math.log(2))
AS_LOGGED = Unit("loss, as it was logged", "", 1.0)
"""For a model that is trained elsewhere: its loss may be anything."""


def unit_of(task: Task) -> Unit:
    """The unit of a task's loss; errors that are no bits fall by orders of magnitude."""
    bits = task.loss_unit.startswith("bits")
    return Unit(task.loss_unit, "bits" if bits else "", task.loss_size, log=not bits)


@Drawn
def learning_curve(
    curves: list[Curve],
    baselines: Baselines | None = None,
    look: Look = LIGHT,
    at: int | None = None,
    unit: Unit = BITS,
    floor: float | None = None,
    one_way: float | None = None,
) -> Sketch:
    """Training loss (faint: each batch; strong: running mean) and validation loss (dots), lower is better.

    Args:
        curves: one per run.
        baselines: of the text, drawn as quiet lines.
        at: mark this training step.
        unit: what the losses are shown in.
        floor: the loss of knowing nothing, in that unit; None where it is not known.
        one_way: the least loss of whoever reads the past alone, likewise; drawn as ``floor`` is.
    """
    curves = [curve for curve in curves if len(curve.train.get("step", ()))]
    if not curves:
        return empty(look, "The loss appears here with the first training step.")
    fig = figure(look, _captions(curves, baselines, unit))
    tops: list[float] = []
    bottoms: list[float] = []
    starts: list[float] = []
    for curve in curves:
        steps, raw = curve.train["step"], finite(curve.train["loss"]) / unit.size
        width = int(min(max(len(raw) * SMOOTHING, 1), 500))
        mean = smooth(raw, width)
        x, y = thin(steps, raw)
        colour = curve.line.style(look)["color"]
        who = f"{plain(curve.line.label)} " if len(curves) > 1 else ""
        fig.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=f"{who}batches",
            showlegend=False,
            hoverinfo="skip",
            line={"color": with_alpha(colour, 0.28), "width": 1},
        )
        x, y = thin(steps, mean, MOST_POINTS // 2)
        fig.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=who.strip() or "training",
            line=curve.line.style(look),
            hovertemplate=f"%{{y:{unit.digits}}} {unit.short}<extra>%{{fullData.name}}</extra>",
        )
        if len(curve.validation.get("step", ())):
            bits = (finite(curve.validation["loss"]) / unit.size).astype(np.float32)
            fig.add_scatter(
                x=curve.validation["step"],
                y=bits,
                mode="lines+markers",
                name=f"{who}validation",
                showlegend=len(curves) == 1,
                line=curve.line.style(look, 1.2, dash="dot"),
                marker={"size": 6, "color": look.palette.card, "line": {"color": colour, "width": 1.8}},
                hovertemplate=f"%{{y:{unit.digits}}} {unit.short}<extra>%{{fullData.name}}</extra>",
            )
            bottoms += bits[~np.isnan(bits)].tolist()
        measured = raw[~np.isnan(raw)]
        if len(measured):
            tops.append(float(np.nanmax(mean)))
            bottoms.append(float(measured.min()))
            starts.append(float(measured[0]))
    levels = {name: loss for name, loss in (("knowing nothing", floor), ("one way", one_way)) if loss is not None}
    if tops:
        tops, bottoms, starts = ([*values, *levels.values()] for values in (tops, bottoms, starts))
    if unit.short:
        low, high = _range(tops, bottoms, baselines.uniform if baselines else max(starts, default=8.0), baselines)
    elif unit.log:
        low, high = _any_range(np.log10(_positive(tops)).tolist(), np.log10(_positive(bottoms)).tolist())
    else:
        low, high = _any_range(tops, bottoms)
    if baselines is not None:
        _draw_baselines(fig, baselines, look, low, high)
    for name, loss in levels.items():
        _level(fig, name, loss, look, log=unit.log)
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": unit.name}, "range": [low, high], "type": "linear"}
        | ({"type": "log"} | marks(10**low, 10**high) if unit.log else {}),
        margin={"r": 64},
    )
    return fig


def _range(
    tops: list[float], bottoms: list[float], untrained: float, baselines: Baselines | None
) -> tuple[float, float]:
    if baselines is not None:
        tops, bottoms = [*tops, baselines.uniform], [*bottoms, *baselines.bits]
    ceiling = 1.6 * untrained  # an explosion must not hide the rest
    low, high = max(0.0, min(bottoms, default=0.0) - 0.25), min(max(tops, default=8.0) + 0.25, ceiling)
    return low, max(high, low + 0.5)


def _positive(values: list[float]) -> Array:
    """Those that a log axis can show."""
    found = np.array(values)
    return found[found > 0]


def _any_range(tops: list[float], bottoms: list[float]) -> tuple[float, float]:
    """For a loss of any size and sign."""
    low, high = min(bottoms, default=0.0), max(tops, default=1.0)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _draw_baselines(fig: Sketch, baselines: Baselines, look: Look, low: float, high: float) -> None:
    named = [("uniform", baselines.uniform)]
    named += [(f"{order}-gram", bits) for order, bits in zip(baselines.orders, baselines.bits, strict=True)]
    named = [one for one in named if one[0] != "6-gram" or one[1] < min(baselines.bits[:-1], default=math.inf)]
    best = min(baselines.bits, default=baselines.uniform)
    labelled: list[float] = []
    for name, bits in sorted(named, key=lambda one: (one[1] not in (baselines.uniform, best), -one[1])):
        if not low <= bits <= high:
            continue
        clear = all(abs(other - bits) > 0.055 * (high - low) for other in labelled)
        _level(fig, name if clear else "", bits, look)
        labelled += [bits] if clear else []


def _level(fig: Sketch, name: str, loss: float, look: Look, *, log: bool = False) -> None:
    """A loss that may be compared with, as a quiet line with its name."""
    fig.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=loss, y1=loss, layer="below",
        line={"color": look.palette.line, "width": 1, "dash": "dot"},
    )  # fmt: skip
    if name:
        fig.add_annotation(
            text=name.replace(" ", "<br>"), xref="paper", x=1.005, xanchor="left", align="left", showarrow=False,
            y=math.log10(loss) if log else loss, font={"size": 10, "color": look.palette.quiet},
        )  # fmt: skip


def _captions(curves: Sequence[Curve], baselines: Baselines | None, unit: Unit) -> str:
    """Of many runs, what they came to in validation only."""
    held_out = [finite(curve.validation.get("loss", np.empty(0)))[-1:] for curve in curves]
    if len(curves) < MANY or any(not len(one) or np.isnan(one[0]) for one in held_out):
        return "; ".join(_caption(curve, baselines, len(curves), unit) for curve in curves)
    each = (
        f"{plain(curve.line.label)} {unit.text(float(one[0]) / unit.size)}"
        for curve, one in zip(curves, held_out, strict=True)
    )
    return f"{unit.name} in validation: " + ", ".join(each)


def _caption(curve: Curve, baselines: Baselines | None, runs: int, unit: Unit) -> str:
    who = f"{plain(curve.line.label)}: " if runs > 1 else ""
    loss, steps = finite(curve.train["loss"]), curve.train["step"]
    if np.isnan(loss[-1]):
        measured = np.flatnonzero(~np.isnan(loss))
        return f"{who}the loss is not finite since step {steps[measured[-1] + 1 if len(measured) else 0]:,}"
    shown = f"{unit.text(float(np.nanmean(loss[-100:])) / unit.size)} {unit.name if unit.short else ''}".strip()
    words = f"{who}{shown} in training"
    validation = finite(curve.validation.get("loss", np.empty(0)))
    if not len(validation) or np.isnan(validation[-1]):
        return words if baselines is None else f"{words}; guessing is {baselines.uniform:.2f}"
    held_out = float(validation[-1]) / unit.size
    words += f", {unit.text(held_out)} in validation at step {int(curve.validation['step'][-1]):,}"
    if baselines is None:
        return words
    # The baselines are scored on the validation text, so only the validation loss may be held against them.
    named = zip(baselines.bits, baselines.orders, strict=True)
    beaten = min(((bits, order) for bits, order in named if held_out < bits), default=None)
    return f"{words}; better than a {beaten[1]}-gram" if beaten else f"{words}; guessing is {baselines.uniform:.2f}"

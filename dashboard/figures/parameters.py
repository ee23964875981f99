"""Gradient of each parameter and gate, how far a step moves the weights, and the gradient noise scale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, finite, plain
from dashboard.figures.decades import log_axis, positive
from dashboard.theme import GATE_COLOURS, SPARE_COLOURS, gate_colour, with_alpha
from rnncore.records import Array, Parameters

WAIT = (
    "appears here some seconds into the run;<br>Measure now asks for a measurement at once.<br>"
    "A run trained elsewhere has none."
)
RATIOS = (-6, 0)
"""Decades of update to weight that are shown."""
USUAL_RATIO = 1e-3
"""Rule of thumb for a healthy step (Karpathy, CS231n notes, "Neural Networks Part 3": somewhere around 1e-3)."""
_OF_A_LAYER = re.compile(r"(.*\.)?(\w+?)_l(\d+)(_reverse)?$")
"""As torch.nn names a recurrent layer's parameters, and our own layers theirs: layers.0.weight_up_l0."""
KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
MOST_CURVES = 10
"""Where whole parameters would be more, those of few numbers are left out: biases, and what normalises."""


@Drawn
def gradient_by_gate(record: Parameters | None, look: Look = LIGHT, *, layer: int = 0) -> Sketch:
    """Gradient norm of each parameter of a layer, gate by gate, and of the parameters around the layers.

    Args:
        record: one measurement.
        look: see ``Look``.
        layer: which recurrent layer (and direction), in the model's order.
    """
    if record is None:
        return empty(look, f"The gradient of each gate {WAIT}")
    own, others = parts_in(record, layer)
    norms = finite(record.gradient)
    rows = [*dict.fromkeys(kind for kind, _ in own), *(record.names[n] for n in others)]
    fig = figure(look, _gate_caption(record, own), hovermode="closest")
    marks: dict[str, tuple[list[str], list[int]]] = {}
    for kind, n in own:
        labels, index = marks.setdefault(record.gates[n], ([], []))
        labels.append(kind)
        index.append(n)
    colours = _colours(marks, look)
    if others:
        marks["others"] = [record.names[n] for n in others], others
    for symbol, (labels, index) in marks.items():
        gate = symbol not in ("", "others")
        colour = colours[symbol] if gate else look.palette.quiet
        fig.add_scatter(
            x=positive(norms[index]),
            y=[plain(label) for label in labels],
            mode="markers",
            name=symbol if gate else "no gates",
            showlegend=gate,
            customdata=(norms[index] / np.sqrt(record.sizes[index])).astype(np.float32),
            marker={"size": 11, "color": with_alpha(colour, 0.75), "line": {"width": 1, "color": colour}},
            hovertemplate="norm %{x:.3g}, %{customdata:.1e} for a single weight<extra>%{y} %{fullData.name}</extra>",
        )
    fig.update_layout(
        xaxis={"title": {"text": "gradient norm before clipping"}, "type": "log"} | _span(norms),
        yaxis={"categoryorder": "array", "categoryarray": [plain(row) for row in rows[::-1]], "type": "category"},
        margin={"l": 108},
    )
    return fig


@Drawn
def update_ratio(
    records: list[Parameters], look: Look = LIGHT, *, layer: int = 0, kind: str = "", at: int | None = None
) -> Sketch:
    """‖update‖/‖weight‖ of one optimiser step over training, by parameter or by the gates of one.

    Args:
        records: of one run, oldest first.
        look: see ``Look``.
        layer: which recurrent layer.
        kind: weight_ih, weight_hh, bias_ih or bias_hh: its gates; '' for whole parameters.
        at: mark this training step.
    """
    if not records:
        return empty(look, f"How far each step moves the weights {WAIT}")
    drawn = _ratios(records, layer, kind, look)
    fig = figure(look, _ratio_caption(records, layer, at), showlegend=True)
    steps = np.array([record.step for record in records])
    for name, values, style in drawn:
        fig.add_scatter(
            x=steps,
            y=positive(finite(values)),
            mode="lines" if len(steps) > 2 else "lines+markers",
            name=name,
            line=style,
            hovertemplate="%{y:.1e}<extra>%{fullData.name}</extra>",
        )
    fig.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=USUAL_RATIO, y1=USUAL_RATIO, layer="below",
        line={"color": look.palette.line, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis=log_axis("‖update‖ / ‖weight‖", list(RATIOS)),
    )
    return fig


@Drawn
def noise_scale(histories: list[tuple[Line, list[Parameters]]], look: Look = LIGHT, *, at: int | None = None) -> Sketch:
    """The gradient noise scale over training with its 95 % interval, and the batch size.

    Args:
        histories: of each run, oldest first.
        look: see ``Look``.
        at: mark this training step.
    """
    histories = [(line, records) for line, records in histories if records]
    if not histories:
        return empty(look, f"The gradient noise scale {WAIT}")
    fig = figure(look, "; ".join(_noise_caption(line, records, at, len(histories)) for line, records in histories))
    bounds: list[float] = []
    for line, records in histories:
        steps = np.array([record.step for record in records])
        value, low, high = (
            finite(np.array([getattr(record, f"noise_{name}") for record in records]))
            for name in ("scale", "low", "high")
        )
        who = f"{plain(line.label)}: " if len(histories) > 1 else ""
        _draw_band(fig, steps, low, high, with_alpha(line.style(look)["color"], 0.18))
        fig.add_scatter(
            x=steps,
            y=positive(value),
            mode="lines+markers",
            marker={"size": 4},
            name=f"{who}noise scale",
            line=line.style(look),
            hovertemplate="%{y:.3g} sequences<extra>%{fullData.name}</extra>",
        )
        fig.add_scatter(
            x=steps[[0, -1]],
            y=np.full(2, records[-1].batch, np.float32),
            mode="lines",
            name=f"{who}batch size",
            line={"color": look.palette.ink, "width": 1.2, "dash": line.dash if line.dash != "solid" else "dot"},
            hovertemplate="%{y} sequences<extra>%{fullData.name}</extra>",
        )
        bounds += [float(one) for one in (*value, *low, *high, records[-1].batch) if one > 0 and math.isfinite(one)]
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "sequences"}, "type": "log"} | _span(np.array(bounds), least=(0, 3)),
        showlegend=True,
    )
    return fig


def parts_in(record: Parameters, layer: int) -> tuple[list[tuple[str, int]], list[int]]:
    """Kind and place of each part of one layer of the network; places of all parts that belong to none."""
    layers: dict[str, list[tuple[str, int]]] = {}
    others = []
    for n, name in enumerate(record.names):
        found = _OF_A_LAYER.match(name)
        if found is None:
            others.append(n)
        else:
            layers.setdefault("".join(part or "" for part in found.group(1, 3, 4)), []).append((found[2], n))
    return (list(layers.values())[min(layer, len(layers) - 1)] if layers else []), others


def _ratios(records: list[Parameters], layer: int, kind: str, look: Look) -> list[tuple[str, Array, dict[str, Any]]]:
    """Name, values over training, and line style of each curve."""
    last = records[-1]
    own, others = parts_in(last, layer)
    if kind:
        found, colours = [], _colours([last.gates[n] for _, n in own], look)
        for symbol, n in [(last.gates[n], n) for one, n in own if one == kind]:
            colour = colours.get(symbol, look.palette.accent)
            values = np.array([record.ratio[n] for record in records])
            found.append((f"{kind} {symbol}".strip(), values, {"color": colour, "width": 1.8}))
        return found
    spare = SPARE_COLOURS[look.mode]
    kinds = list(dict.fromkeys(one for one, _ in own))
    colours = {"weight_ih": spare[5], "weight_hh": look.palette.ink, "bias_ih": spare[4], "bias_hh": spare[2]}
    more = [one for one in kinds if one not in colours and not _small(one)]
    colours |= {one: (spare[0], spare[1], spare[3], look.palette.ink)[n % 4] for n, one in enumerate(more)}
    names = [(one, last.names[n], colours.get(one, look.palette.quiet), "solid") for one, n in own] + [
        (last.names[n], last.names[n], spare[index % 4], "dot") for index, n in enumerate(others)
    ]
    names = list(dict.fromkeys(names))
    if _few(last, layer):
        names = [one for one in names if not _small(one[0])]
    found = []
    for label, name, colour, dash in names:
        wholes = [record.whole(name) for record in records]
        values = np.array([update / weight if weight else math.nan for _, weight, update in wholes])
        found.append((plain(label), values, {"color": colour, "width": 1.8, "dash": dash}))
    return found


def _few(record: Parameters, layer: int) -> bool:
    """Whether there are too many parameters to draw all of them as curves."""
    own, others = parts_in(record, layer)
    return len({kind for kind, _ in own}) + len(others) > MOST_CURVES


def _small(name: str) -> bool:
    """A bias, or a factor of a normalisation: few numbers beside a matrix."""
    return "bias" in name or "norm" in name


def _colours(symbols: Iterable[str], look: Look) -> dict[str, str]:
    """Of each gate; those that have none of their own take turns."""
    known = [symbol for symbol in dict.fromkeys(symbols) if symbol]
    spare = iter([*SPARE_COLOURS[look.mode], *(look.palette.quiet for _ in known)])
    return {one: gate_colour(one, look.mode) if one in GATE_COLOURS else next(spare) for one in known}


def _draw_band(fig: Sketch, steps: Array, low: Array, high: Array, colour: str) -> None:
    """The intervals, each stretch of measurements that have one."""
    there = np.isfinite(low) & np.isfinite(high)
    if there.any():
        x = steps[there]
        fig.add_scatter(
            x=np.concatenate([x, x[::-1]]),
            y=np.maximum(np.concatenate([high[there], low[there][::-1]]), 1e-3).astype(np.float32),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=colour,
            hoverinfo="skip",
            showlegend=False,
        )


def _span(values: Array, least: tuple[float, float] | None = None) -> dict[str, Any]:
    """The range of a log axis in whole decades around what is finite, marked in powers of ten."""
    there = values[np.isfinite(values) & (values > 0)]
    low, high = (math.floor(np.log10(there.min())), math.ceil(np.log10(there.max()))) if len(there) else (-3, 0)
    if least is not None:
        low, high = min(low, least[0]), max(high, least[1])
    high = max(high, low + 1)
    every = max(1, round((high - low) / 6))
    return {"range": [low, high], "dtick": every, "exponentformat": "power", "tickfont": {"size": 9}}


def _gate_caption(record: Parameters, own: list[tuple[str, int]]) -> str:
    if not np.isfinite(record.gradient).all():
        return "the gradient is no longer finite"
    when = f"at step {record.step:,}"
    part = f"; {record.share:.0%} of the weights looked at" if record.share < 1 else ""
    recurrent = [(float(record.gradient[n]), record.gates[n]) for kind, n in own if kind == "weight_hh"]
    if len(recurrent) < 2:
        return f"{when}{part}"
    (most, strong), (least, weak) = max(recurrent), min(recurrent)
    if least == 0:
        return f"{when}, weight_hh: no gradient at {weak}{part}"
    return f"{when}, weight_hh: {strong} gets {most / least:.2g} times the gradient of {weak}{part}"


def _ratio_caption(records: list[Parameters], layer: int, at: int | None) -> str:
    record = _at(records, at)
    own, _ = parts_in(record, layer)
    recurrent = next((record.names[n] for kind, n in own if kind == "weight_hh"), "")
    name = recurrent or (record.names[0] if record.names else "")
    _, weight, update = record.whole(name)
    rule = "dotted: 1/1000, a rule of thumb" + ("; without biases and norms" if _few(record, layer) else "")
    if not weight or not math.isfinite(update):
        return rule
    short = "weight_hh" if recurrent else plain(name)
    return f"step {record.step:,} moved {short} by {update / weight:.1e} of its norm; {rule}"


def _at(records: list[Parameters], at: int | None) -> Parameters:
    """The newest record up to a training step."""
    return next((one for one in reversed(records) if at is None or one.step <= at), records[0])


def _noise_caption(line: Line, records: list[Parameters], at: int | None, runs: int) -> str:
    who = f"{plain(line.label)}: " if runs > 1 else ""
    record = _at(records, at)
    if not math.isfinite(record.noise_scale):
        return f"{who}cannot be told: {record.why}"
    interval = f"{record.noise_scale:.3g} sequences ({record.noise_low:.3g} to {record.noise_high:.3g})"
    return f"{who}{interval} over {record.noise_count} measurements; the batch has {record.batch}"

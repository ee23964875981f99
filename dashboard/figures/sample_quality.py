"""Sample quality over training: a small chart for each measure, with the levels that it is read beside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Line, Look, Sketch, empty, figure, plain
from dashboard.theme import with_alpha
from rnncore.records import Array, QualityLevels, SampleQuality

LEAST_SAMPLES = 3
"""Samples that a value is drawn of: two quoted lines say nothing about a network's quotes."""
HEIGHT = 236
COLUMNS = 3
_TOP, _LEGEND, _RIGHT = 46, 20, 56  # pixels, for the title, a legend below it, and the names of levels
_APART = 0.085  # of the axis: names of levels that are closer than this would overlap


@dataclass(frozen=True)
class Scale:
    """How a measure is called, and what its axis is.

    Attributes:
        title: above its chart.
        axis: what the axis counts, with its unit.
        share: between 0 and 1, written as a percentage.
        about: what is counted, or what to beware of, in a few words.
    """

    title: str
    axis: str
    share: bool = True
    about: str = ""

    def written(self, value: float) -> str:
        """A value as it is read out."""
        if math.isnan(value):
            return "–"
        return f"{value:.0%}" if self.share else f"{value:.3g}"


SCALES = {
    "valid_words": Scale("Valid words", "share of words", about="that the training text has"),
    "ngram_bits": Scale("Bits under a 5-gram", "bits per character", share=False, about="low for repetition too"),
    "novelty": Scale("Novelty", "share of 8-grams", about="not in the training text"),
    "copied": Scale("Longest copied span", "letters and digits", share=False, about="mean over the samples"),
    "brackets": Scale("Brackets", "share of brackets", about="nested, and closed in the sample"),
    "quotes": Scale("Quotes", "share of lines with quotes", about="where they come in pairs"),
    "environments": Scale("LaTeX environments", "share of \\end", about="that name what is open"),
    "parses": Scale("Python that parses", "share of samples", about="where they are cut is forgiven"),
    "distinct_1": Scale("Distinct words", "share of words", about="distinct-1; noise has most"),
    "distinct_2": Scale("Distinct word pairs", "share of pairs", about="distinct-2; noise has most"),
    "distinct_3": Scale("Distinct word triples", "share of triples", about="distinct-3; noise has most"),
    "self_bleu": Scale("Self-BLEU", "BLEU-4", about="how much samples repeat each other"),
}
"""Measure → its chart, in the order in which they stand."""


@dataclass(frozen=True)
class Quality:
    """One run's measures over training, oldest first."""

    line: Line
    records: list[SampleQuality] = field(default_factory=list)

    def value(self, name: str, at: int | None) -> float:
        """A measure as it was last known, up to a step if one is given."""
        known = (known_value(record, name) for record in reversed(self.records) if at is None or record.step <= at)
        return next((value for value in known if not math.isnan(value)), math.nan)


def known_value(record: SampleQuality, name: str) -> float:
    """A measure, nan where it is that of too few samples to tell anything."""
    if name not in record.names or (not pooled(name) and record.defined[record.names.index(name)] < LEAST_SAMPLES):
        return math.nan
    return record.value(name)


def pooled(name: str) -> bool:
    """Whether a measure is one of all samples together."""
    return name.startswith("distinct")


@Drawn
def sample_quality(
    name: str,
    runs: list[Quality],
    levels: QualityLevels | None = None,
    look: Look = LIGHT,
    *,
    at: int | None = None,
    first: bool = False,
) -> Sketch:
    """One measure against the training step, the mean over the samples with its standard deviation as a band.

    Args:
        name: of ``SCALES``.
        runs: those in view.
        levels: of their text; None draws none.
        look: see ``Look``.
        at: mark this training step.
        first: whether the legend of several runs stands here.
    """
    scale = SCALES[name]
    shown = [run for run in runs if any(name in record.names for record in run.records)]
    fig = figure(look, height=HEIGHT, showlegend=first and len(runs) > 1)
    seen: list[float] = []
    for run in shown:
        seen += _draw_run(fig, name, run, look, band=len(runs) == 1)
    marks = _marks(name, levels, look)
    low, high = _range(scale, seen + [value for _, value, _ in marks])
    _draw_levels(fig, marks, low, high)
    if at is not None:
        fig.add_vline(x=at, line={"color": look.palette.accent, "width": 1.5})
    legend = _LEGEND if len(runs) > 1 else 0
    _draw_title(fig, scale, [run.value(name, at) for run in shown], look, legend)
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "type": "log", "dtick": 1, "range": _steps(shown)},
        yaxis={"title": {"text": scale.axis}, "range": [low, high], "nticks": 5}
        | ({"tickformat": ".0%"} if scale.share else {}),
        margin={"t": _TOP + legend, "r": _RIGHT},
    )
    return fig


@Drawn
def no_quality(message: str, look: Look = LIGHT) -> Sketch:
    """Says why there are no measures."""
    return empty(look, message)


def names_shown(runs: list[Quality]) -> list[str]:
    """The measures that any of the runs has, in the order of ``SCALES``."""
    known = {name for run in runs for record in run.records[-1:] for name in record.names}
    return [name for name in SCALES if name in known]


def caption(runs: list[Quality], levels: QualityLevels | None) -> str:
    """What was measured, and what the lines beside it are."""
    newest = next((run.records[-1] for run in runs if run.records), None)
    if newest is None:
        return ""
    lengths = sorted({run.records[-1].length for run in runs if run.records})
    temperatures = sorted({run.records[-1].temperature for run in runs if run.records})
    words = (
        f"{newest.samples} samples of {_either(lengths)} characters at each point, temperature {_either(temperatures)}"
    )
    if levels is None:
        return words + "; the runs learn different texts, so no levels are drawn"
    words += f"; dashed: held-out text, dotted: {levels.order}-gram and uniform"
    if levels.counted < levels.training:
        words += f"; held against the first {levels.counted:,} of {levels.training:,} characters"
    return words


def _either(values: Sequence[float]) -> str:
    return " and ".join(f"{value:g}" for value in values)


def _draw_run(fig: Sketch, name: str, run: Quality, look: Look, *, band: bool) -> list[float]:
    """Adds the line and its band; how high they reach."""
    records = [record for record in run.records if name in record.names]
    steps = np.array([record.step for record in records])
    values = np.array([known_value(record, name) for record in records])
    spread = np.array([record.spread[record.names.index(name)] for record in records])
    known = ~np.isnan(values)
    style, scale = run.line.style(look), SCALES[name]
    around = np.nan_to_num(spread[known]) if band else np.zeros(int(known.sum()))
    if around.any():
        _draw_band(fig, steps[known], values[known], around, style["color"], most=1.0 if scale.share else math.inf)
    hover = [
        f"{scale.written(value)}{'' if np.isnan(one) else f' ± {scale.written(one)}'} · {_defined(record, name)}"
        for record, value, one in zip(records, values, spread, strict=True)
    ]
    fig.add_scatter(
        x=steps,
        y=values.astype(np.float32),
        mode="lines+markers",
        name=plain(run.line.label),
        line=style,
        marker={"size": 4.5, "color": style["color"]},
        connectgaps=True,
        text=hover,
        hovertemplate="%{text}<extra>%{fullData.name}</extra>",
    )
    return [float(value) for value in values[known] + around]


def _defined(record: SampleQuality, name: str) -> str:
    """Of how many samples the value is a mean."""
    count = int(record.defined[record.names.index(name)])
    return f"{record.samples} samples together" if pooled(name) else f"{count} of {record.samples} samples"


def _draw_band(fig: Sketch, x: Array, y: Array, spread: Array, colour: str, most: float) -> None:
    """One standard deviation to either side, as far as there are such values."""
    shape = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    fig.add_scatter(x=x, y=np.clip(y - spread, 0, None).astype(np.float32), **shape)
    upper = np.clip(y + spread, None, most).astype(np.float32)
    fig.add_scatter(x=x, y=upper, fill="tonexty", fillcolor=with_alpha(colour, 0.14), **shape)


_Mark = tuple[str, float, dict[str, Any]]  # a level's name, its value, how it is drawn


def _marks(name: str, levels: QualityLevels | None, look: Look) -> list[_Mark]:
    """The levels that are known, the most telling first."""
    if levels is None or name not in levels.names:
        return []
    place, palette = levels.names.index(name), look.palette
    given = [
        ("text", levels.text, {"color": palette.good, "width": 1.6, "dash": "dash"}),
        (f"{levels.order}-gram", levels.ngram, {"color": palette.quiet, "width": 1.1, "dash": "dot"}),
        ("uniform", levels.uniform, {"color": palette.line, "width": 1.1, "dash": "dot"}),
    ]
    return [(label, float(values[place]), line) for label, values, line in given if not math.isnan(values[place])]


def _draw_levels(fig: Sketch, marks: list[_Mark], low: float, high: float) -> None:
    """A line for each; names that would overlap give way to the more telling one."""
    named: list[float] = []
    for label, value, line in marks:
        fig.add_shape(type="line", xref="paper", x0=0, x1=1, y0=value, y1=value, layer="below", line=line)
        if all(abs(other - value) > _APART * (high - low) for other in named):
            font = {"size": 10, "color": line["color"] if label == "text" else None}
            fig.add_annotation(
                text=label, xref="paper", x=1.01, xanchor="left", y=value, showarrow=False,
                font={key: one for key, one in font.items() if one},
            )  # fmt: skip
            named.append(value)


def _draw_title(fig: Sketch, scale: Scale, values: list[float], look: Look, lift: int) -> None:
    """Name and values, and below it what is counted; ``lift`` pixels are left free for a legend."""
    words = " and ".join(map(scale.written, values))
    where = {"xref": "paper", "yref": "paper", "x": 0, "xanchor": "left", "y": 1, "showarrow": False, "align": "left"}
    fig.add_annotation(
        text=f"<b>{scale.title}</b>  {words}", yanchor="bottom", yshift=22 + lift, font={"size": 12.5}, **where
    )
    quiet = {"size": 10.5, "color": look.palette.quiet}
    fig.add_annotation(text=scale.about, yanchor="bottom", yshift=6 + lift, font=quiet, **where)


def _range(scale: Scale, values: list[float]) -> tuple[float, float]:
    if scale.share:
        return -0.04, 1.04
    return 0.0, 1.08 * max(values, default=1.0)


def _steps(runs: list[Quality]) -> list[float]:
    """From the first step on, in logarithms; at least a decade."""
    last = max((run.records[-1].step for run in runs), default=10)
    return [-0.06, math.log10(max(last, 10)) + 0.06]

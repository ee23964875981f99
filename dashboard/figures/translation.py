"""Translation: how well, where the decoder looks, what the beam keeps, and how the gradient gets to the encoder."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, plain
from dashboard.theme import magnitude
from rnncore.records import Translation
from rnncore.records.translation import ATTENTION, PLAIN

NAMES = ("with attention", "last state alone")
_WAIT = "Both networks begin to train in a moment."


def colours(look: Look) -> tuple[str, str]:
    """Of the network with attention, and of the other."""
    return look.palette.accent, look.palette.warning


@Drawn
def right(record: Translation | None, look: Look = LIGHT) -> Sketch:
    """Share of held-out dates without a mistake over training."""
    if record is None:
        return empty(look, _WAIT)
    weights = " and ".join(f"{count:,}" for count in record.parameters)
    fig = figure(look, f"dates never trained on, written by itself without a mistake; {weights} weights")
    for which, (name, colour) in enumerate(zip(NAMES, colours(look), strict=True)):
        fig.add_scatter(
            x=record.steps, y=finite(record.right[which]), mode="lines+markers", name=name, marker={"size": 5},
            line={"color": colour, "width": 2.4}, hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "training step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "dates right"}, "tickformat": ".0%", "range": [-0.02, 1.05]},
    )
    return fig


@Drawn
def attention(record: Translation | None, look: Look = LIGHT, *, n: int = 0) -> Sketch:
    """Which letters of a source each written symbol looks at; what is written stands at the left, red where wrong."""
    if record is None:
        return empty(look, _WAIT)
    n = min(n, len(record.sources) - 1)
    source, target, found = record.sources[n], record.targets[n], record.written[ATTENTION][n]
    fig = figure(look, "each row is a symbol that is written, and sums to 1 over the letters read", hovermode="closest")
    letters = ["␣" if one == " " else plain(one) for one in source]
    small = {"size": 11, "color": look.palette.quiet}
    fig.add_heatmap(
        z=finite(record.attention[n][:, : len(source)]), x=list(range(len(source))), y=list(range(len(found))),
        zmin=0, zmax=1, colorscale=magnitude(look.mode), xgap=1, ygap=1,
        customdata=[[[written, letter] for letter in letters] for written in found],
        colorbar={"title": {"text": "weight", "side": "right", "font": small}, "thickness": 10, "tickfont": small,
                  "outlinewidth": 0},
        hovertemplate="%{customdata[0]} looks at %{customdata[1]}: %{z:.2f}<extra></extra>",
    )  # fmt: skip
    rows = [
        one if one == wanted else f"<span style='color:{look.palette.bad}'><b>{one}</b></span>"
        for one, wanted in zip(found, target, strict=True)
    ]
    fig.update_layout(
        xaxis={"title": {"text": "read"}, "tickvals": list(range(len(source))), "ticktext": letters, "tickangle": 0,
               "showgrid": False, "side": "top"},
        yaxis={"title": {"text": "written"}, "tickvals": list(range(len(found))), "ticktext": rows, "showgrid": False,
               "range": [len(found) - 0.5, -0.5]},
        margin={"t": 60},
    )  # fmt: skip
    return fig


@Drawn
def bridge(record: Translation | None, look: Look = LIGHT, *, n: int = 0) -> Sketch:
    """The gradient at each state, from the first letter read to the last symbol written, across the bridge."""
    if record is None:
        return empty(look, _WAIT)
    n = min(n, len(record.sources) - 1)
    source, target = record.sources[n], record.targets[n]
    fig = figure(look, "of the sum of all symbols' losses; the decoder begins where the line stands")
    labels = ["␣" if one == " " else plain(one) for one in source] + [plain(one) for one in ("▸" + target)[:-1]]
    for which, (name, colour) in enumerate(zip(NAMES, colours(look), strict=True)):
        norms = np.concatenate([record.encoder[which, : len(source), n], record.decoder[which, :, n]])
        fig.add_scatter(
            x=list(range(len(norms))), y=finite(np.maximum(norms, 1e-12)), mode="lines+markers", name=name,
            marker={"size": 4}, line={"color": colour, "width": 2.2}, customdata=labels,
            hovertemplate="at %{customdata}: %{y:.2e}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    at = len(source) - 0.5
    fig.add_shape(
        type="line", x0=at, x1=at, yref="paper", y0=0, y1=1,
        line={"color": look.palette.quiet, "width": 1.2, "dash": "dot"},
    )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "read, then written"}, "tickvals": list(range(len(labels))), "ticktext": labels,
               "tickangle": 0, "showgrid": False},
        yaxis={"title": {"text": "gradient ‖∂L/∂h‖"}, "type": "log", "exponentformat": "power",
               "dtick": 1},
    )  # fmt: skip
    return fig


@Drawn
def beam(record: Translation | None, look: Look = LIGHT, *, n: int = 0) -> Sketch:
    """All beginnings that the beam kept, as a tree: the further down, the less likely; whole texts end at the right."""
    if record is None:
        return empty(look, _WAIT)
    n = min(n, len(record.sources) - 1)
    there = int((record.beam_step[n] >= 0).sum())
    step, parent = record.beam_step[n, :there].astype(int), record.beam_parent[n, :there].astype(int)
    bits, last = record.beam_bits[n, :there], [int(one) for one in record.survivors[n]]
    rank = np.array([int((np.arange(there)[step == step[node]] < node).sum()) for node in range(there)])
    alive: set[int] = set()
    best = _path(parent, last[0])
    for node in last:
        alive |= _path(parent, node)
    width = int(rank.max()) + 1
    kept = f"{width} likeliest beginnings" if width > 1 else "likeliest beginning: greedy"
    fig = figure(
        look, f"after each symbol the {kept}, each with its probability; what ends early was overtaken",
        hovermode="closest", showlegend=False,
    )  # fmt: skip
    for node in range(there):
        start = (-1, rank[last[0]]) if parent[node] < 0 else (step[parent[node]], rank[parent[node]])
        strong = node in best
        colour = look.palette.accent if strong else look.palette.quiet if node in alive else look.palette.line
        fig.add_shape(
            type="line", x0=int(start[0]), y0=int(start[1]), x1=int(step[node]), y1=int(rank[node]), layer="below",
            line={"color": colour, "width": 3 if strong else 1.6 if node in alive else 1},
        )  # fmt: skip
    symbols = [record.symbols[int(one)] for one in record.beam_symbol[n, :there]]
    fig.add_scatter(
        x=[-1, *step.tolist()], y=[0, *rank.tolist()], mode="markers+text", text=["▸", *symbols],
        textfont={"size": 13, "color": look.palette.ink},
        marker={"size": 24, "color": look.palette.card,
                "line": {"width": 2, "color": [look.palette.accent, *(
                    look.palette.accent if node in best else look.palette.quiet if node in alive else look.palette.line
                    for node in range(there))]}},
        customdata=["begin", *(f"{record.beam_text(n, node)}: {bits[node]:.3g} bits" for node in range(there))],
        hovertemplate="%{customdata}<extra></extra>", cliponaxis=False,
    )  # fmt: skip
    fig.add_scatter(
        x=step.tolist(), y=rank.tolist(), mode="markers+text", text=[f"{2 ** -one:.2g}" for one in bits],
        textposition="bottom center", textfont={"size": 10, "color": look.palette.quiet}, hoverinfo="skip",
        marker={"size": 25, "opacity": 0}, cliponaxis=False,
    )  # fmt: skip
    target = record.targets[n]
    for node in last:
        text = record.beam_text(n, node)
        fig.add_annotation(
            x=int(step[node]) + 0.35, y=int(rank[node]), xanchor="left", showarrow=False,
            text=f"{'✓' if text == target else '✗'} {text} · {2 ** -bits[node]:.2g}",
            font={"size": 12, "color": look.palette.good if text == target else look.palette.ink},
        )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "symbols written"}, "tickvals": list(range(len(target))), "zeroline": False,
               "ticktext": [str(one + 1) for one in range(len(target))], "showgrid": False,
               "range": [-1.4, len(target) + 2.6]},
        yaxis={"visible": False, "range": [width - 0.3, -0.5]},
    )  # fmt: skip
    return fig


def _path(parent: np.ndarray, node: int) -> set[int]:
    """A node and all that it continues."""
    found: set[int] = set()
    while node >= 0:
        found.add(node)
        node = int(parent[node])
    return found


def marked(found: str, target: str) -> str:
    """What is written, with a sign of whether it is right."""
    return f"{'✓' if found == target else '✗'} {found}"


def rows_of(record: Translation) -> list[list[str]]:
    """Source, truth, and what each network writes."""
    return [
        [source, target, marked(record.written[ATTENTION][n], target), marked(record.written[PLAIN][n], target)]
        for n, (source, target) in enumerate(zip(record.sources, record.targets, strict=True))
    ]

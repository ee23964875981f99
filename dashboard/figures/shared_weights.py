"""A walk backwards in time: the network with what has come back, and the gradient overwritten and added up."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import CELL_COLOURS, diverging, with_alpha
from rnncore.records import SharedWeights

HEIGHT = 330
FEW = 12
"""Up to here each node has room for its name and number."""
_WAIT = "The walk appears here in a moment."
_LOSS, _STATE, _WEIGHTS, _FOUND = 3.0, 2.0, 1.0, 0.38  # rows of the drawing


@Drawn
def walk(record: SharedWeights | None, look: Look = LIGHT, *, done: int = 0) -> Sketch:
    """The unrolled network; what is done of the way back is in colour, the step of the moment strongest."""
    if record is None:
        return empty(look, _WAIT)
    length, done = record.length, min(done, record.length)
    fig = figure(look, _caption(record, done), hovermode="closest", showlegend=False)
    fig.layout["meta"]["bare"] = True
    fig.update_layout(
        margin={"l": 4, "r": 4, "t": 4, "b": 4}, dragmode=False,
        xaxis={"visible": False, "range": [-0.09 * length - 0.6, length + 0.45], "fixedrange": True},
        yaxis={"visible": False, "range": [0.1, 3.45], "fixedrange": True},
    )  # fmt: skip
    for t in range(1, length + 1):
        back = t > length - done
        now = t == length - done + 1
        ways = [((t, _WEIGHTS), (t, _STATE), back)]
        if record.each or t == length:
            ways.append(((t, _STATE), (t, _LOSS), back))
        carried = t > length - done + 1  # into the step before
        along = ((t, _STATE), (t - 1, _STATE)) if carried else ((t - 1, _STATE), (t, _STATE))
        _arrow(fig, look, *along, length, carried, t == length - done + 2)
        for start, end, passed in ways:
            _arrow(fig, look, end if passed else start, start if passed else end, length, passed, now)
    _nodes(fig, record, look, done)
    _names(fig, record, look, done)
    return fig


def _arrow(
    fig: Sketch, look: Look, start: tuple[float, float], end: tuple[float, float], length: int, back: bool, now: bool
) -> None:
    (x0, y0), (x1, y1) = start, end
    radius = _size(length) / 2 + 2
    fig.add_annotation(
        x=x1, y=y1, ax=x0, ay=y0, xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True, arrowhead=2,
        arrowwidth=3 if back and now else 1.8 if back else 1, arrowsize=0.8,
        arrowcolor=look.palette.accent if back else look.palette.line, standoff=radius, startstandoff=radius,
    )  # fmt: skip


def _size(length: int) -> int:
    """Of a node, in pixels."""
    return 36 if length <= FEW else 20 if length <= 24 else 13


def _nodes(fig: Sketch, record: SharedWeights, look: Look, done: int) -> None:
    """Losses, states and the copies of the weights, filled where the backward pass has been."""
    length, palette = record.length, look.palette
    named, cell = length <= FEW, CELL_COLOURS["rnn_tanh"][look.mode]
    steps = range(1, length + 1)
    sizes, found = np.linalg.norm(record.delta, axis=1), np.linalg.norm(record.found, axis=(1, 2))
    rows = (
        (_LOSS, [t for t in steps if record.each or t == length], "L", "circle", palette.quiet),
        (_STATE, list(range(length + 1)), "h", "circle", cell),
        (_WEIGHTS, list(steps), "θ", "square", palette.ink),
    )
    for y, places, letter, symbol, colour in rows:
        passed = [t > length - done for t in places]
        fig.add_scatter(
            x=places, y=[y] * len(places), mode="markers+text" if named else "markers", cliponaxis=False,
            text=[letter if letter == "θ" else f"{letter}<sub>{t}</sub>" for t in places],
            textfont={"size": 14, "color": palette.ink},
            customdata=[max(length + 1 - t, 1) if t else length for t in places],
            marker={
                "size": _size(length), "symbol": symbol, "line": {"width": 2, "color": colour}, "opacity": 1,
                "color": [_mixed(look, palette.accent) if back else palette.card for back in passed],
            },
            hovertext=[_about(record, letter, t, sizes, found) for t in places],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip


def _mixed(look: Look, colour: str) -> str:
    return with_alpha(colour, 0.22 if look.mode == "light" else 0.35)


def _about(record: SharedWeights, letter: str, t: int, sizes: np.ndarray, found: np.ndarray) -> str:
    if letter == "L":
        return f"loss {record.losses[t - 1]:.4g} at step {t}"
    if letter == "h":
        return f"‖δ‖ = {sizes[t - 1]:.3g} at step {t}" if t else "the state before the first step"
    return f"step {t} finds a gradient of length {found[t - 1]:.3g}"


def _names(fig: Sketch, record: SharedWeights, look: Look, done: int) -> None:
    """Sizes of what has come back, and what the rows are."""
    length, palette = record.length, look.palette
    for y, text in ((_LOSS, "losses"), (_STATE, "states"), (_WEIGHTS, "weights"), (_FOUND, "found here")):
        fig.add_annotation(
            text=text, x=0, xref="paper", xanchor="left", y=y,
            showarrow=False, font={"size": 12, "color": palette.quiet},
        )  # fmt: skip
    every = 1 if length <= FEW else 4 if length <= 24 else 5
    sizes, found = np.linalg.norm(record.delta, axis=1), np.linalg.norm(record.found, axis=(1, 2))
    for t in range(length - done + 1, length + 1):
        now = t == length - done + 1
        if not now and (length - t) % every:
            continue
        colour = palette.accent if now else palette.quiet
        style = {"showarrow": False, "font": {"size": 12, "color": colour}}
        shift = _size(length) / 2 + 9
        fig.add_annotation(
            text=f"δ {short(sizes[t - 1])}", x=t, y=_STATE, yshift=-shift, xanchor="left", xshift=6, **style
        )
        fig.add_annotation(text=_bold(short(found[t - 1]), now), x=t, y=_FOUND, **style)


def _bold(text: str, on: bool) -> str:
    return f"<b>{text}</b>" if on else text


def short(value: float) -> str:
    """Two digits; powers of ten for what is tiny."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "not known"
    return f"{value:.0e}".replace("e-0", "e-") if 0 < value < 0.01 else f"{value:.2g}"


def _caption(record: SharedWeights, done: int) -> str:
    if not done:
        return "forward only: nothing has come back yet"
    t = record.length - done + 1
    share = np.linalg.norm(record.delta[t - 1])
    return f"step {done} of the way back, t = {t}: ‖δ‖ = {share:.3g}"


@Drawn
def gradients(record: SharedWeights | None, look: Look = LIGHT, *, done: int = 0) -> Sketch:
    """[W U b]'s gradient so far: overwritten, added up, and autograd's."""
    if record is None:
        return empty(look, _WAIT)
    done = min(done, record.length)
    overwritten, added = record.so_far(done)
    blocks = (("grad = …", overwritten), ("grad += …", added), ("autograd", record.autograd))
    rows, columns = record.autograd.shape
    fig = figure(look, _compared(record, done), hovermode="closest")
    gap = 2
    field = np.full((rows, 3 * columns + 2 * gap), np.nan)
    size = record.h.shape[1]
    names = [f"W, h{n}" for n in range(size)] + [f"U, x{n}" for n in range(columns - size - 1)] + ["b"]
    text = [[""] * field.shape[1] for _ in range(rows)]
    for at, (name, values) in enumerate(blocks):
        left = at * (columns + gap)
        field[:, left : left + columns] = values if done or name == "autograd" else np.nan
        for row in range(rows):
            text[row][left : left + columns] = [f"{name}: unit {row}, {column}" for column in names]
        fig.add_shape(
            type="rect", x0=left - 0.5, x1=left + columns - 0.5, y0=-0.5, y1=rows - 0.5,
            line={"color": look.palette.quiet, "width": 1.5},
        )  # fmt: skip
        norm = float(np.linalg.norm(values))
        fig.add_annotation(
            text=f"<b>{name}</b>", x=left + columns / 2 - 0.5, y=1, yref="paper", yanchor="bottom",
            showarrow=False, font={"size": 13, "color": look.palette.ink},
        )  # fmt: skip
        fig.add_annotation(
            text=f"length {short(norm)}", x=left + columns / 2 - 0.5, y=0, yref="paper", yanchor="top",
            showarrow=False, font={"size": 12, "color": look.palette.quiet},
        )  # fmt: skip
    finite = np.abs(field[np.isfinite(field)])
    bound = float(finite.max()) or 1.0
    fig.add_heatmap(
        z=field.astype(np.float32), zmin=-bound, zmax=bound, colorscale=diverging(look.mode, steep=True), xgap=1,
        ygap=1, text=text, hovertemplate="%{text}: %{z:.3g}<extra></extra>", showscale=False,
    )  # fmt: skip
    fig.update_layout(
        xaxis={"visible": False}, yaxis={"visible": False, "range": [rows - 0.5, -0.5]},
        margin={"l": 6, "r": 6, "t": 28, "b": 26},
    )  # fmt: skip
    return fig


def _compared(record: SharedWeights, done: int) -> str:
    if not done:
        return "nothing is written yet"
    overwritten, added = record.so_far(done)
    whole = np.linalg.norm(record.autograd)
    off = np.linalg.norm(added - record.autograd) / whole if whole else 0.0
    left = np.linalg.norm(overwritten) / whole if whole else 0.0
    return f"overwritten: {short(float(left))} of autograd's length; added: off by {short(float(off))}"


@Drawn
def ratios(record: SharedWeights | None, look: Look = LIGHT) -> Sketch:
    """The overwritten gradient's length over the true one's, against the number of steps."""
    if record is None:
        return empty(look, "The size of the mistake appears here in a moment.")
    values = record.ratios
    with np.errstate(invalid="ignore"):
        shown = np.where(values > 0, values, np.nan)
    lengths = np.arange(1, len(values) + 1)
    last = "0" if values[-1] == 0 else short(float(values[-1]))
    fig = figure(look, f"overwritten / true: {last} over {len(values)} steps", hovermode="closest", showlegend=False)
    colour = CELL_COLOURS["rnn_tanh"][look.mode]
    fig.add_scatter(
        x=lengths, y=shown, mode="lines+markers", line={"color": colour, "width": 2.2}, marker={"size": 5},
        hovertemplate="%{y:.2g} over %{x} steps<extra></extra>",
    )  # fmt: skip
    at = record.length
    if np.isfinite(shown[at - 1]):
        fig.add_scatter(
            x=[at], y=[shown[at - 1]], mode="markers+text", text=[f"the walk: {short(float(shown[at - 1]))}"],
            textposition="top right" if at < 25 else "top left", textfont={"size": 12, "color": look.palette.accent},
            marker={"size": 11, "color": look.palette.accent}, hoverinfo="skip", cliponaxis=False,
        )  # fmt: skip
    if (values == 0).any():
        first = int(lengths[values == 0][0])
        fig.add_annotation(
            text=f"exactly 0 from {first} steps on: nothing comes back to the first step", x=0.5, y=0.5, xref="paper",
            yref="paper", showarrow=False, font={"size": 12, "color": look.palette.quiet},
        )  # fmt: skip
    low = math.floor(math.log10(np.nanmin(shown))) - 0.5 if np.isfinite(shown).any() else -1
    fig.update_layout(
        xaxis={"title": {"text": "length, steps"}, "range": [0, len(values) + 1]},
        yaxis={"title": {"text": "overwritten / true"}, "type": "log", "range": [min(low, -1.0), 0.9],
               "exponentformat": "power", "dtick": 1 if low > -4 else 2 if low > -14 else 4},
    )  # fmt: skip
    return fig


@Drawn
def twice(record: SharedWeights | None, look: Look = LIGHT, *, x: int = 34) -> Sketch:
    """f(x) = x sin x with the slope at x: the total derivative, and what is left of it by overwriting."""
    if record is None:
        return empty(look, "The curve appears here in a moment.")
    at = min(x, len(record.places) - 1)
    place, value = float(record.places[at]), float(record.value[at])
    direct, through, total = (float(part[at]) for part in (record.direct, record.through, record.total))
    fig = figure(
        look, f"x = {_plain(place)}: sin x + x cos x = {_two(direct)} {_added(through)} = {_two(direct + through)}; "
        f"autograd {_two(total)}", hovermode="closest",
    )  # fmt: skip
    fine = np.linspace(record.places[0], record.places[-1], 241)
    fig.add_scatter(
        x=fine, y=fine * np.sin(fine), mode="lines", name="f(x) = x sin x", hoverinfo="skip",
        line={"color": look.palette.ink, "width": 2},
    )  # fmt: skip
    for slope, name, colour, dash in (
        (total, f"added: slope {_two(total)}", look.palette.accent, "solid"),
        (through, f"overwritten: {_two(through)}", look.palette.bad, "dash"),
    ):
        reach = 3.2 / math.hypot(1, slope / 1.5)
        fig.add_scatter(
            x=[place - reach, place + reach], y=[value - reach * slope, value + reach * slope], mode="lines", name=name,
            line={"color": colour, "width": 3, "dash": dash}, hoverinfo="skip",
        )  # fmt: skip
    fig.add_scatter(
        x=[place], y=[value], mode="markers", marker={"size": 11, "color": look.palette.ink}, showlegend=False,
        hovertemplate="f(%{x:g}) = %{y:.3f}<extra></extra>",
    )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "x"}, "range": [record.places[0], record.places[-1]]},
        yaxis={"title": {"text": "f(x)"}, "range": [-6.2, 3.2]},
    )  # fmt: skip
    return fig


def _two(value: float) -> str:
    """Two decimals, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def _added(value: float) -> str:
    return f"− {_two(-value)}" if value < 0 else f"+ {_two(value)}"


def _plain(value: float) -> str:
    return f"{value:g}".replace("-", "−")

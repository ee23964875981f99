"""The cell as a diagram, with the numbers of one unit at one step flowing through it.

Every number is the trace's own: the gates, h and c of a step, and the states that the step before left. What the
diagram computes are the products on the way, f · c and the like.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, shown
from dashboard.figures.canvas import Canvas, Place
from dashboard.figures.gate_activity import place_of
from dashboard.theme import MONO, diverging, gate_colour, with_alpha
from rnncore.cells import CELLS, Gate
from rnncore.diagnostics.gate_activity import still
from rnncore.records import GateActivity

HEIGHT = 470
WIDE, TALL = 100.0, 60.0  # the drawing's own units, whatever the card's width
_BOX, _CHIP = (11.0, 13.0), (11.5, 8.5)  # width and height of a gate and of a state
_AROUND = 24  # characters shown before and after the one that is read


@dataclass
class _Drawing(Canvas):
    """A canvas with numbers by name, and where each stands."""

    values: dict[str, float]
    numbers: list[tuple[str, Place, str]] = field(default_factory=list)  # name, place, position of the text

    def ink(self, value: float) -> str:
        """Blue for positive, orange for negative, as in the heatmaps."""
        scale = diverging(self.look.mode)
        return str(scale[-1][1] if value > 0 else scale[0][1]) if math.isfinite(value) else self.look.palette.bad

    def number(self, name: str, x: float, y: float, *, beside: bool = False) -> None:
        """The number of that name, in digits: around its place, or to the right of it."""
        self.numbers.append((name, (x, y), "middle right" if beside else "middle center"))

    def flow(self, *way: Place, value: float | None = None, symbol: str = "") -> None:
        """An arrow along some corners: as thick as its value is large, in the gate's colour or its sign's.

        Without a value it is a thin grey one: what flows is a whole vector.
        """
        width = 1.2 if value is None else thickness(value)
        colour = self.look.palette.line if value is None else self.ink(value)
        if symbol and value is not None and math.isfinite(value):
            colour = gate_colour(symbol, self.look.mode)
        self.arrow(*way, colour=colour, width=width)

    def box(self, gate: Gate, x: float, y: float) -> None:
        """A gate: its letter, name and number, filled as far as it is open; a tanh gate from its middle."""
        colour, (width, height) = gate_colour(gate.symbol, self.look.mode), _BOX
        value = self.values[gate.symbol]
        left, right, bottom = x - width / 2, x + width / 2, y - height / 2
        if math.isfinite(value):
            start = bottom if gate.sigmoid else y
            span = value * (height if gate.sigmoid else height / 2)
            self.rect(left, start, right, start + span, fillcolor=with_alpha(colour, 0.25), line={"width": 0})
        self.rect(left, bottom, right, bottom + height, line={"color": colour, "width": 1.8})
        self.label(f"<b>{gate.symbol}</b> {gate.name}", x, y + 3.4, colour)
        self.number(gate.symbol, x, y - 2.0)

    def chip(self, name: str, text: str, x: float, y: float, symbol: str) -> None:
        """A state: its letter and its number."""
        width, height = _CHIP
        colour = gate_colour(symbol, self.look.mode)
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        self.rect(*corners, fillcolor=with_alpha(colour, 0.12), line={"color": colour, "width": 1.2})
        self.label(text, x, y + 2.0, colour)
        self.number(name, x, y - 1.7)

    def finish(self) -> None:
        """Write all numbers: as text for the reader, and exactly, by name, for whoever reads them back."""
        values = [self.values[name] for name, _, _ in self.numbers]
        self.fig.add_scatter(
            x=[x for _, (x, _), _ in self.numbers],
            y=[y for _, (_, y), _ in self.numbers],
            mode="text",
            name="numbers",
            ids=[name for name, _, _ in self.numbers],
            textposition=[position for _, _, position in self.numbers],
            text=[digits(value) for value in values],
            customdata=values,
            textfont={"size": 14, "color": self.look.palette.ink},
            hovertemplate="%{id} = %{customdata:.6f}<extra></extra>",
            showlegend=False,
            cliponaxis=False,
        )


@Drawn
def cell_diagram(
    record: GateActivity | None,
    table: tuple[Gate, ...],
    look: Look = LIGHT,
    *,
    layer: int = 0,
    unit: int = 0,
    t: int = 0,
) -> Sketch:
    """The equations of the cell as boxes, ⊙ and +, with the numbers of one unit at one step.

    Args:
        record: one probe's values.
        table: the cell's gate table.
        layer: which layer; a run that has fewer shows its top one.
        unit: its number; the nearest kept one is shown.
        t: the step; the last one where the sequence is shorter.
    """
    if record is None:
        return empty(look, "The cell's numbers appear here with the first probe,<br>at the first training step.")
    layer, t = min(layer, len(record.values) - 1), min(t, len(record.text) - 1)
    place = place_of(record.units, unit)
    fig = figure(look, _caption(record, layer, place, t), height=HEIGHT, hovermode="closest")
    drawing = _Drawing(fig, look, numbers(record, layer, place, t))
    drawing.fit(WIDE, TALL)
    draw = _KINDS.get(record.cell)
    if draw is None:
        _equations(drawing, table, record)
    else:
        draw(drawing, table)
    _reads(drawing, record.text, t)
    drawing.finish()
    return fig


def numbers(record: GateActivity, layer: int, place: int, t: int) -> dict[str, float]:
    """Everything on the way through the cell, by name: channels of the trace, and products of them."""
    v = {symbol: float(record.channel(layer, symbol)[t, place]) for symbol in record.channels}
    v |= {f"{symbol} before": float(record.before(layer, symbol)[t, place]) for symbol in record.states}
    with np.errstate(all="ignore"):
        if record.cell in ("lstm", "peephole"):
            squashed = float(np.tanh(v["c"]))
            v |= {"f · c before": v["f"] * v["c before"], "i · g": v["i"] * v["g"], "tanh c": squashed}
        elif record.cell == "gru":
            v |= {"1 − z": 1 - v["z"], "z · h before": v["z"] * v["h before"], "(1 − z) · n": (1 - v["z"]) * v["n"]}
    return v


def _lstm(d: _Drawing, table: tuple[Gate, ...]) -> None:
    """c_t = f ⊙ c_{t-1} + i ⊙ g along the top, h_t = o ⊙ tanh(c_t) down to the right."""
    v, (i, f, g, o) = d.values, table
    top, middle, low = 45.0, 31.0, 17.0
    columns = {"f": 27.0, "i": 43.0, "g": 61.0, "o": 79.0}
    plus = 52.0
    _reading(d, [*columns.values()], low, chip=low)
    for gate in (f, i, g, o):
        d.box(gate, columns[gate.symbol], low)
    d.node("⊙", columns["f"], top, "what is kept: f · c<sub>t−1</sub>")
    d.node("⊙", plus, middle, "what is written: i · g")
    d.node("⊙", columns["o"], middle, "what is shown: o · tanh c<sub>t</sub>")
    d.node("+", plus, top, "c<sub>t</sub> = what is kept + what is written")
    edge = low + _BOX[1] / 2
    d.flow((12, top), (columns["f"], top), value=v["c before"])
    d.flow((columns["f"], edge), (columns["f"], top), value=v["f"], symbol="f")
    d.flow((columns["f"], top), (plus, top), value=v["f · c before"])
    d.flow((columns["i"], edge), (columns["i"], middle), (plus, middle), value=v["i"], symbol="i")
    d.flow((columns["g"], edge), (columns["g"], middle), (plus, middle), value=v["g"], symbol="g")
    d.flow((plus, middle), (plus, top), value=v["i · g"])
    d.flow((plus, top), (WIDE - 12, top), value=v["c"])
    d.flow((columns["o"], top), (columns["o"], middle), value=v["tanh c"])
    d.flow((columns["o"], edge), (columns["o"], middle), value=v["o"], symbol="o")
    d.flow((columns["o"], middle), (WIDE - 12, middle), value=v["h"])
    d.chip("c before", "c<sub>t−1</sub>", 6, top, "c")
    d.chip("c", "c<sub>t</sub>", WIDE - 6, top, "c")
    d.chip("h", "h<sub>t</sub>", WIDE - 6, middle, "h")
    _named(d, "f · c before", "kept: f · c<sub>t−1</sub>", (columns["f"] + plus) / 2, top + 2.4)
    _named(d, "i · g", "written: i · g", plus + 1, (top + middle) / 2 - 1.5, beside=True)
    _named(d, "tanh c", "tanh c<sub>t</sub>", columns["o"] + 1, (top + middle) / 2 - 1.5, beside=True)
    _sum(d, "c", "f · c<sub>t−1</sub> + i · g", f"{digits(v['f · c before'])} + {bracketed(v['i · g'])}", 0)
    _sum(d, "h", "o · tanh c<sub>t</sub>", f"{digits(v['o'])} · {bracketed(v['tanh c'])}", 1)


def _gru(d: _Drawing, table: tuple[Gate, ...]) -> None:
    """h_t = z ⊙ h_{t-1} + (1 − z) ⊙ n along the top; r scales what n sees of h_{t-1}."""
    v, (r, z, n) = d.values, table
    top, middle, low = 45.0, 31.0, 17.0
    columns = {"z": 27.0, "r": 45.0, "n": 72.0}
    _reading(d, [*columns.values()], low, chip=top)
    for gate in (z, r, n):
        d.box(gate, columns[gate.symbol], low)
    edge, plus = low + _BOX[1] / 2, columns["n"]
    d.node("⊙", columns["z"], top, "what is kept: z · h<sub>t−1</sub>")
    d.node("⊙", plus, middle, "what is written: (1 − z) · n")
    d.node("+", plus, top, "h<sub>t</sub> = what is kept + what is written")
    d.flow((12, top), (columns["z"], top), value=v["h before"])
    d.flow((columns["z"], edge), (columns["z"], top), value=v["z"], symbol="z")
    d.flow((columns["z"], middle), (plus, middle), value=v["1 − z"], symbol="z")
    d.flow((columns["r"] + _BOX[0] / 2, low), (plus - _BOX[0] / 2, low), value=v["r"], symbol="r")
    d.flow((plus, edge), (plus, middle), value=v["n"], symbol="n")
    d.flow((columns["z"], top), (plus, top), value=v["z · h before"])
    d.flow((plus, middle), (plus, top), value=v["(1 − z) · n"])
    d.flow((plus, top), (WIDE - 12, top), value=v["h"])
    d.chip("h", "h<sub>t</sub>", WIDE - 6, top, "h")
    d.label("r scales what<br>n sees of h<sub>t−1</sub>", (columns["r"] + columns["n"]) / 2, low + 5)
    _named(d, "z · h before", "kept: z · h<sub>t−1</sub>", (columns["z"] + plus) / 2, top + 2.4)
    _named(d, "1 − z", "1 − z", (columns["z"] + plus) / 2, middle + 2.4)
    _named(d, "(1 − z) · n", "written: (1 − z) · n", plus + 1, (top + middle) / 2 - 1.5, beside=True)
    kept, written = "z · h<sub>t−1</sub>", "(1 − z) · n"
    _sum(d, "h", f"{kept} + {written}", f"{digits(v['z · h before'])} + {bracketed(v['(1 − z) · n'])}", 0)


def _plain(d: _Drawing, table: tuple[Gate, ...]) -> None:
    """h_t = φ(W x_t + U h_{t-1} + b): nothing is kept but what the weights carry over."""
    middle, x, (width, height) = 31.0, 50.0, _BOX
    _reading(d, [x], middle, middle)
    outline = {"color": gate_colour("h", d.look.mode), "width": 1.8}
    d.rect(x - width, middle - height / 2, x + width, middle + height / 2, line=outline)
    d.label("<b>φ</b>(W x<sub>t</sub> + U h<sub>t−1</sub> + b)", x, middle, d.look.palette.ink)
    d.flow((x + width, middle), (WIDE - 12, middle), value=d.values["h"])
    d.chip("h", "h<sub>t</sub>", WIDE - 6, middle, "h")
    d.label("no gate keeps anything: the state is written anew at each step", x, middle + 10)


def _peephole(d: _Drawing, table: tuple[Gate, ...]) -> None:
    """An LSTM whose gates also read c."""
    _lstm(d, table)
    d.label("i and f also read c<sub>t−1</sub>, o reads c<sub>t</sub>", WIDE / 2, 7.5)


def _equations(d: _Drawing, table: tuple[Gate, ...], record: GateActivity) -> None:
    """Any other cell: what is there before, the gates and how far they are open, what is there after, and the
    equations between them."""
    top, low, bus = 40.0, 19.0, 7.0
    middle = (low + top) / 2
    columns = [WIDE * (n + 1) / (len(table) + 1) for n in range(len(table))]
    cell = CELLS[record.cell]
    if cell.reads_hidden:
        d.chip("h before", "h<sub>t−1</sub>", 6, low, "h")
    d.chip("h", "h<sub>t</sub>", WIDE - 6, low if "c" in record.channels else middle, "h")
    if "c" in record.channels:
        d.chip("c before", "c<sub>t−1</sub>", 6, top, "c")
        d.chip("c", "c<sub>t</sub>", WIDE - 6, top, "c")
        d.flow((12, top), (WIDE - 12, top), value=d.values["c"])
    for gate, x in zip(table, columns, strict=True):
        d.box(gate, x, low)
    edge = low - _BOX[1] / 2
    around = record.cell == "conv_lstm"
    reads_state = cell.recurrent_blocks > 0
    for x in columns:
        if reads_state:
            d.flow((6, low - _CHIP[1] / 2), (6, bus), (x, bus), (x, edge))
    if columns:
        d.label(
            "the gates read h<sub>t−1</sub> and the input, of the pixels around" if around else
            "the gates read h<sub>t−1</sub> of all units, and the input" if reads_state else
            "the gates read the input alone", WIDE / 2, bus - 2.6,
        )  # fmt: skip
    else:
        d.label(
            "no state: each step looks at the inputs themselves" if not cell.recurrent else
            "no gate: nothing decides what is kept but the weights", WIDE / 2, low - 12,
        )  # fmt: skip
    for row, line in enumerate(cell.about.lines):
        d.label(line, WIDE / 2, top - 3.5 - 3.8 * row, d.look.palette.ink)


_KINDS: dict[str, Callable[[_Drawing, tuple[Gate, ...]], None]] = {
    "lstm": _lstm, "peephole": _peephole, "gru": _gru, "rnn_tanh": _plain, "rnn_relu": _plain, "irnn": _plain,
    "orthogonal": _plain,
}  # fmt: skip


def _reading(d: _Drawing, columns: list[float], low: float, chip: float) -> None:
    """What all boxes read: the input and the whole h_{t-1}, to which this unit adds one number."""
    bus = 5.0
    d.chip("h before", "h<sub>t−1</sub>", 6, chip, "h")
    for x in columns:
        d.flow((6, chip - _CHIP[1] / 2), (6, bus), (x, bus), (x, low - _BOX[1] / 2))
    d.label("h<sub>t−1</sub> of all units, and the input", 7.5, bus - 2.2, xanchor="left")


def _named(d: _Drawing, name: str, text: str, x: float, y: float, *, beside: bool = False) -> None:
    """A number on its way, with what it is below it."""
    d.number(name, x, y + 2.2, beside=beside)
    d.label(text, x, y - 0.4, xanchor="left" if beside else "auto")


def _sum(d: _Drawing, symbol: str, formula: str, worked: str, row: int) -> None:
    """The equation with its numbers, along the top."""
    text = f"{symbol}<sub>t</sub> = {formula} = {worked} = <b>{digits(d.values[symbol])}</b>"
    d.label(text, 0.4 + 50 * row, TALL - 6.5, d.look.palette.ink, xanchor="left")


def _reads(d: _Drawing, text: tuple[str, ...], t: int) -> None:
    """The characters around the one that is read, this one in the middle."""
    quiet, accent = d.look.palette.quiet, d.look.palette.accent
    gap = "\u00a0" if any(len(one) > 1 for one in text) else ""  # between numbers and words
    before = gap.join(map(shown, text[max(0, t - _AROUND) : t]))[-_AROUND:].rjust(_AROUND, "\u00a0")
    after = gap.join(map(shown, text[t + 1 : t + 1 + _AROUND]))[:_AROUND].ljust(_AROUND, "\u00a0")
    now = f"<span style='color:{accent}'><b>{shown(text[t])}</b></span>"
    font = {"family": MONO, "size": 13, "color": quiet}
    d.fig.add_annotation(
        text=f"{before}[{now}]{after}", x=WIDE / 2, y=TALL - 1.5, showarrow=False, font=font, xanchor="center"
    )


def thickness(value: float) -> float:
    """Pixels: 1.2 for nothing, 6 for a magnitude of 1 or more."""
    return 1.2 + 4.8 * min(abs(value), 1.0) if math.isfinite(value) else 1.2


def digits(value: float) -> str:
    """Three decimals with a true minus sign; in words what is no number."""
    if math.isnan(value):
        return "not known"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{abs(value):.3f}" if abs(value) < 100 else f"{abs(value):.3g}"
    return f"−{text}" if value < 0 else text


def bracketed(value: float) -> str:
    """As ``digits``, a negative number in brackets, as it stands behind a sign."""
    return f"({digits(value)})" if value < 0 else digits(value)


def _caption(record: GateActivity, layer: int, place: int, t: int) -> str:
    who = f"unit {record.units[place]} of layer {layer + 1}, step t = {t} of 0 to {len(record.text) - 1}"
    reads = f"reads ‘{shown(record.text[t])}’"
    if t < len(record.targets):
        reads += f", to predict ‘{shown(record.targets[t])}’"
    values = record.values[layer, :, t, place]
    if not np.isfinite(values).all():
        return f"{who}; some of its values are not finite"
    if np.isnan(record.before(layer, "h")[t, place]):
        return f"{who}; {reads}; this older run did not record the state before its first step"
    if still(record, layer)[place]:
        return f"{who}; {reads}; this unit never moves in this sequence"
    return f"{who}; {reads}; training step {record.step:,}"

"""Every cell of the registry as a drawing: what it reads, its gates, and how its state goes from step to step.

No number of a run is in it. On the left is what a step reads, on the right what it hands on; the frame between them is
the cell. Gates and states have the colours and letters that they have in every other figure.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, figure
from dashboard.figures.cell_parts import (
    BOX,
    BUS,
    C0,
    CHIP,
    H0,
    JOIN,
    LEFT,
    LOW,
    MID,
    RIGHT,
    TALL,
    TOP,
    WIDE,
    CellCanvas,
    X,
)
from dashboard.theme import cell_colour, gate_colour, with_alpha
from rnncore.cells import CELLS

HEIGHT = 300
_ONE_MINUS = "1−"


@Drawn
def cell_drawing(name: str, look: Look = LIGHT, *, scale: float = 1.0) -> Sketch:
    """A cell of the registry.

    Args:
        name: which.
        scale: how much larger than usual letters are.
    """
    cell = CELLS[name]
    fig = figure(look, cell.about.idea, height=round(HEIGHT * scale), hovermode=False)
    drawing = CellCanvas(fig, look, cell, scale=scale)
    drawing.fit(WIDE, TALL)
    colour = cell_colour(name, look.mode)
    drawing.rect(13, 0.4, 87, TALL - 0.4, fillcolor=with_alpha(colour, 0.05),
                 line={"color": with_alpha(colour, 0.5), "width": 1.2})  # fmt: skip
    DRAWINGS.get(name, _equations)(drawing)
    return fig


def _lstm(
    d: CellCanvas, *, peephole: bool = False, normalised: bool = False, coupled: bool = False, convolved: bool = False
) -> None:
    """c_t = f ⊙ c_{t-1} + i ⊙ g along the top, h_t = o ⊙ tanh c_t down to the right."""
    f, i, g, o, plus = (25.0, 40.0, 58.0, 77.0, 58.0) if coupled else (25.0, 40.0, 56.0, 77.0, 48.0)
    before, stack = ("H<sub>t−1</sub>", 3) if convolved else (H0, 1)
    d.chip(before, LEFT, LOW, "h", stack)
    if normalised or convolved:
        d.through("LN" if normalised else "∗", "each sum, over the units" if normalised else "convolutions")
    d.reads([f, g, o] if coupled else [f, i, g, o], state=(LEFT + CHIP[0] / 2, LOW))
    for sign, x, y in (("⊙", f, TOP), ("⊙", plus, MID), ("+", plus, TOP), ("⊙", o, MID)):
        d.node(sign, x, y)
    d.carried([f, plus], "c", ("C<sub>t−1</sub>", "C<sub>t</sub>") if convolved else (C0, "c<sub>t</sub>"), stack)
    edge = LOW + BOX[1] / 2
    d.flow((f, edge), (f, TOP), symbol="f")
    if coupled:
        d.node(_ONE_MINUS, i, MID)
        d.flow((f, MID), (i, MID), symbol="f")
        d.flow((i, MID), (plus, MID), symbol="f")
        d.flow((g, edge), (plus, MID), symbol="g")
    else:
        d.gate("i", i)
        d.flow((i, edge), (i, MID), (plus, MID), symbol="i")
        d.flow((g, edge), (g, MID), (plus, MID), symbol="g")
    for symbol, x in (("f", f), ("g", g), ("o", o)):
        d.gate(symbol, x, "tanh" if symbol == "g" else "σ")
    d.rail((plus, MID), (plus, TOP), symbol="c")
    d.rail((o, TOP), (o, MID), symbol="c")
    d.tag("tanh LN" if normalised else "tanh", o, (TOP + MID) / 2)
    d.flow((o, edge), (o, MID), symbol="o")
    d.rail((o, MID), (RIGHT - CHIP[0] / 2, MID))
    d.chip("H<sub>t</sub>" if convolved else "h<sub>t</sub>", RIGHT, MID, "h", stack)
    d.label("kept", (f + plus) / 2, TOP + 2.4)
    d.label("written", plus + 1.2, (TOP + MID) / 2, xanchor="left")
    d.label("shown", 82.6, MID + 2.4)
    if peephole:
        over = edge + 3
        for way in (
            ((19.5, TOP), (19.5, over), (f - 3, over), (f - 3, edge)),
            ((19.5, TOP), (19.5, over), (i - 3, over), (i - 3, edge)),
            ((68, TOP), (68, over), (o - 3, over), (o - 3, edge)),
        ):
            d.flow(*way, symbol="c", dash="dot")
        d.label("look at c", 67.2, over + 1.6, size=11, xanchor="right")


def _slstm(d: CellCanvas) -> None:
    """As an LSTM, with a second state n that sums what the input gate has let in, and by which c is divided."""
    f, i, g, o, write, over, below, act = 25.0, 39.0, 54.0, 79.0, 46.5, 70.0, 30.0, 22.0
    edge = LOW + BOX[1] / 2
    d.chip(H0, LEFT, LOW, "h")
    d.reads([f, i, g, o], state=(LEFT + CHIP[0] / 2, LOW))
    for sign, x, y in (("⊙", f, TOP), ("⊙", f, below), ("+", i, below), ("⊙", write, act), ("+", write, TOP),
                       ("÷", over, act), ("⊙", o, act)):  # fmt: skip
        d.node(sign, x, y)
    d.carried([f, write], "c", (C0, "c<sub>t</sub>"))
    for start, stop in ((LEFT + CHIP[0] / 2, f), (f, i), (i, RIGHT - CHIP[0] / 2)):
        d.rail((start, below), (stop, below))
    d.chip("n<sub>t−1</sub>", LEFT, below, "h")
    d.chip("n<sub>t</sub>", RIGHT, below, "h")
    for symbol, x, does in (("f", f, "σ"), ("i", i, "exp"), ("g", g, "tanh"), ("o", o, "σ")):
        d.gate(symbol, x, does)
    d.flow((f, edge), (f, below), symbol="f")
    d.flow((f, below), (f, TOP), symbol="f")
    d.flow((i, edge), (i, below), symbol="i")
    d.flow((i, act), (write, act), symbol="i")
    d.flow((g, edge), (g, act), (write, act), symbol="g")
    d.rail((write, act), (write, TOP), symbol="c")
    d.rail((over, TOP), (over, act), symbol="c")
    d.rail((62, below), (62, act), (over, act))
    d.rail((over, act), (o, act))
    d.flow((o, edge), (o, act), symbol="o")
    d.rail((o, act), (RIGHT - CHIP[0] / 2, act))
    d.chip("h<sub>t</sub>", RIGHT, act, "h")
    d.label("kept", (f + write) / 2, TOP + 2.4)
    d.label("n sums i", write + 1.6, below + 2, xanchor="left", size=11)


def _mlstm(d: CellCanvas) -> None:
    """A matrix C that keeps v kᵀ and is read by q; all gates read the input alone."""
    f, i, v, q, o, write = 21.0, 34.5, 49.0, 63.0, 79.0, 42.0
    edge, content = LOW + BOX[1] / 2, gate_colour("g", d.look.mode)
    d.reads([f, i, v, q, o])
    for sign, x, y in (("·", f, TOP), ("·", write, MID), ("+", write, TOP), ("·", q, MID), ("⊙", o, MID)):
        d.node(sign, x, y)
    d.carried([f, write], "c", ("C<sub>t−1</sub>", "C<sub>t</sub>"))
    d.gate("f", f)
    d.gate("i", i, "exp")
    d.box("<b>v kᵀ</b>", "value, key", v, LOW, content)
    d.box("<b>q</b>", "query", q, LOW, content)
    d.gate("o", o)
    d.flow((f, edge), (f, TOP), symbol="f")
    d.flow((i, edge), (i, MID), (write, MID), symbol="i")
    d.flow((v, edge), (v, MID), (write, MID), symbol="g")
    d.rail((write, MID), (write, TOP), symbol="c")
    d.rail((q, TOP), (q, MID), symbol="c")
    d.flow((q, edge), (q, MID), symbol="g")
    d.rail((q, MID), (o, MID))
    d.flow((o, edge), (o, MID), symbol="o")
    d.rail((o, MID), (RIGHT - CHIP[0] / 2, MID))
    d.chip("h<sub>t</sub>", RIGHT, MID, "h")
    d.label("kept", (f + write) / 2, TOP + 2.4)
    d.label("written", write + 1.2, (TOP + MID) / 2, xanchor="left")
    d.label("read: C q", q + 1.2, (TOP + MID) / 2, xanchor="left")
    d.label("÷ |nᵀ q|", (q + o) / 2, MID + 2.2, size=11)
    d.label("n sums i k, as C sums i v kᵀ", 85.5, TOP + 2.8, size=11, xanchor="right")


def _gru(d: CellCanvas, *, keep: str = "z", reset: str = "r", flipped: bool = False) -> None:
    """h_t along the top: one gate keeps it, another (or the same one) scales what n sees of it.

    Args:
        keep: the gate between the old state and the new value.
        reset: the gate in front of n.
        flipped: open, it lets the new value in.
    """
    z, r, n = 25.0, 43.0, 74.0
    edge, seen = LOW + BOX[1] / 2, 61.0
    d.reads([z, n] if keep == reset else [z, r, n], state=None)
    d.flow((LEFT, TOP - CHIP[1] / 2), (LEFT, LOW), (JOIN, LOW), (JOIN, BUS))
    for sign, x, y in (("⊙", z, TOP), ("+", n, TOP), ("⊙", n, MID), ("⊙", seen, LOW)):
        d.node(sign, x, y)
    d.carried([z, n], "h", (H0, "h<sub>t</sub>"))
    _let_through(d, z, n, keep, flipped=flipped)
    d.gate(keep, z)
    d.gate("n", n, "tanh")
    if reset != keep:
        d.gate(reset, r)
    d.flow(((z if reset == keep else r) + BOX[0] / 2, LOW), (seen, LOW), symbol=reset)
    d.flow((seen, BUS), (seen, LOW))
    d.flow((seen, LOW), (n - BOX[0] / 2, LOW), symbol=reset)
    d.label(f"U {H0}", seen - 1, (LOW + BUS) / 2 - 0.4, xanchor="right")
    d.rail((n, edge), (n, MID), symbol="n")


def _min(d: CellCanvas, *, keep: str, write: str = "") -> None:
    """h_t along the top, and gates that read the input alone.

    Args:
        keep: the gate that keeps the state.
        write: the gate that lets the new value in, '' for one minus the other.
    """
    z, i, n = 25.0, 50.0, 74.0
    edge = LOW + BOX[1] / 2
    d.reads([z, i, n] if write else [z, n])
    for sign, x, y in (("⊙", z, TOP), ("+", n, TOP), ("⊙", n, MID)):
        d.node(sign, x, y)
    d.carried([z, n], "h", (H0, "h<sub>t</sub>"))
    d.gate(keep, z)
    if write:
        d.gate(write, i)
        d.flow((z, edge), (z, TOP), symbol=keep)
        d.flow((i, edge), (i, MID), (n, MID), symbol=write)
        d.label("f + i = 1", (z + i) / 2, LOW)
        _kept_and_written(d, z, n)
    else:
        _let_through(d, z, n, keep)
    d.box("<b>n</b> new", "linear", n, LOW, gate_colour("n", d.look.mode))
    d.rail((n, edge), (n, MID), symbol="n")
    d.label("no gate reads the state: all steps can be computed at once", 19, BUS - 2.4, size=11, xanchor="left")


def _let_through(d: CellCanvas, z: float, n: float, keep: str, *, flipped: bool = False) -> None:
    """One gate for both: what it keeps of the state, it leaves out of the new value."""
    edge, over, beside = LOW + BOX[1] / 2, (TOP + MID) / 2, (z + n) / 2
    minus = (z, over) if flipped else (beside, MID)
    d.node(_ONE_MINUS, *minus)
    if flipped:
        d.flow((z, edge), minus, symbol=keep)
        d.flow(minus, (z, TOP), symbol=keep)
        d.flow((z, MID), (n, MID), symbol=keep)
    else:
        d.flow((z, edge), (z, TOP), symbol=keep)
        d.flow((z, MID), minus, symbol=keep)
        d.flow(minus, (n, MID), symbol=keep)
    _kept_and_written(d, z, n)


def _kept_and_written(d: CellCanvas, z: float, n: float) -> None:
    d.rail((n, MID), (n, TOP), symbol="n")
    d.label("kept", (z + n) / 2, TOP + 2.4)
    d.label("written", n + 1.2, (TOP + MID) / 2, xanchor="left")


def _lru(d: CellCanvas) -> None:
    """A complex state that turns and shrinks by itself; the non-linearity stands behind it."""
    turn, write, read, plus, gelu = 24.0, 40.0, 56.0, 67.0, 78.0
    d.reads([write, plus])
    for sign, x, y in (("⊙", turn, TOP), ("+", write, TOP), ("+", plus, MID)):
        d.node(sign, x, y)
    d.carried([turn, write], "c", (C0, "c<sub>t</sub>"))
    state = gate_colour("c", d.look.mode)
    d.box("<b>λ</b>", "|λ| < 1", turn, MID, state)
    d.box("<b>γ B</b>", "linear", write, LOW, state)
    d.box("<b>C</b>", "real part", read, MID, state)
    d.box("<b>D</b>", "linear", plus, LOW)
    d.flow((turn, MID + BOX[1] / 2), (turn, TOP), symbol="c")
    d.flow((write, LOW + BOX[1] / 2), (write, TOP), symbol="c")
    d.rail((read, TOP), (read, MID + BOX[1] / 2), symbol="c")
    d.flow((read + BOX[0] / 2, MID), (plus, MID), symbol="c")
    d.flow((plus, LOW + BOX[1] / 2), (plus, MID))
    d.rail((plus, MID), (RIGHT - CHIP[0] / 2, MID))
    d.tag("GELU", gelu, MID)
    d.chip("h<sub>t</sub>", RIGHT, MID, "h")
    d.label("kept", (turn + write) / 2, TOP + 2.4)
    d.label("h is never read again", 85.5, MID + 5.5, size=11, xanchor="right")


def _plain(d: CellCanvas, about: str, *, linked: str = "full", does: str = "tanh") -> None:
    """h_t = φ(W x_t + U h_{t-1} + b), with a picture of U.

    Args:
        about: what is special about U.
        linked: which numbers of U there are: ``full``, ``diagonal``, or ``identity`` for a strong diagonal.
        does: φ.
    """
    u, plus, phi, high = 33.0, 55.0, 70.0, 29.0
    d.chip(X, LEFT, LOW - 4)
    d.chip(H0, LEFT, high, "h")
    d.node("+", plus, high)
    _matrix(d, u, high, linked)
    d.label("<b>u</b>" if linked == "diagonal" else "<b>U</b>", u, high + 9.4, d.look.palette.ink, size=13)
    d.label(about, u, high - 9.2)
    d.box("<b>W</b>", "", u, LOW - 4)
    d.rail((LEFT + CHIP[0] / 2, high), (u - 7, high))
    d.rail((u + 7, high), (plus, high))
    d.flow((LEFT + CHIP[0] / 2, LOW - 4), (u - BOX[0] / 2, LOW - 4))
    d.flow((u + BOX[0] / 2, LOW - 4), (plus, LOW - 4), (plus, high))
    d.label("b", plus, high + 9.4, d.look.palette.ink, size=13)
    d.flow((plus, high + 7.4), (plus, high))
    d.rail((plus, high), (phi - BOX[0] / 2, high))
    d.box(f"<b>{does}</b>", "", phi, high, gate_colour("h", d.look.mode))
    d.rail((phi + BOX[0] / 2, high), (RIGHT - CHIP[0] / 2, high))
    d.chip("h<sub>t</sub>", RIGHT, high, "h")
    d.label("the state is written anew", phi + 1.5, high - 9.2)


def _matrix(d: CellCanvas, x: float, y: float, linked: str) -> None:
    """Four rows and columns, dark where there is a number."""
    colour, side, count = gate_colour("h", d.look.mode), 3.0, 4
    for row in range(count):
        for column in range(count):
            on = row == column
            alpha = 0.75 if on and linked != "full" else 0.4 if linked == "full" else 0.1
            if not on and linked == "diagonal":
                alpha = 0.0
            x0, y0 = x + side * (column - count / 2), y - side * (row - count / 2 + 1)
            d.rect(x0, y0, x0 + side, y0 + side, fillcolor=with_alpha(colour, alpha),
                   line={"color": d.look.palette.line, "width": 1})  # fmt: skip


def _tcn(d: CellCanvas) -> None:
    """y_t = x_t + ReLU(W_0 x_t + W_1 x_{t-d} + b)."""
    tap, plus, relu, skip, high = 30.0, 48.0, 62.0, 77.0, 30.0
    d.chip("x<sub>t−d</sub>", LEFT, high)
    d.chip(X, LEFT, LOW)
    for x in (plus, skip):
        d.node("+", x, high)
    d.box("<b>W<sub>1</sub></b>", "", tap, high)
    d.box("<b>W<sub>0</sub></b>", "", tap, LOW)
    d.flow((LEFT + CHIP[0] / 2, high), (tap - BOX[0] / 2, high))
    d.flow((LEFT + CHIP[0] / 2, LOW), (tap - BOX[0] / 2, LOW))
    d.flow((tap + BOX[0] / 2, high), (plus, high))
    d.flow((tap + BOX[0] / 2, LOW), (plus, LOW), (plus, high))
    d.flow((plus, high), (relu - BOX[0] / 2, high))
    d.box("<b>ReLU</b>", "", relu, high)
    d.flow((relu + BOX[0] / 2, high), (skip, high))
    d.flow((16, LOW), (16, BUS), (skip, BUS), (skip, high))
    d.flow((skip, high), (RIGHT - CHIP[0] / 2, high))
    d.chip("y<sub>t</sub>", RIGHT, high)
    d.label("d = 1, 2, 4, … from layer to layer", tap + 5, high + 7)
    d.label("the input goes on beside it", skip - 1.5, BUS + 2, size=11, xanchor="right")
    d.label("no step's result is read", relu, LOW + 6)


def _transformer(d: CellCanvas) -> None:
    """A step's query meets the keys of all steps so far; their values go on, weighted."""
    box, soft, add, mlp, last = 25.0, 44.0, 64.0, 73.0, 82.5
    high, middle, low, ground = 36.5, 28.5, 19.0, 8.0
    content = gate_colour("g", d.look.mode)
    d.chip("x<sub>s ≤ t</sub>", LEFT, (high + middle) / 2, stack=3)
    d.chip(X, LEFT, ground)
    for sign, x in (("Σ", 56.0), ("+", add), ("+", last)):
        d.node(sign, x, high)
    for text, below, y in (("<b>v</b> values", "", high), ("<b>k</b> keys", "", middle), ("<b>q</b> query", "", low)):
        d.box(text, below, box, y, content)
    d.tag("softmax", soft, (middle + low) / 2)
    left, right, end = box - BOX[0] / 2, box + BOX[0] / 2, LEFT + CHIP[0] / 2
    for y in (high, middle):
        d.flow((end, (high + middle) / 2), (16, (high + middle) / 2), (16, y), (left, y))
    d.flow((end, ground), (16, ground), (16, low), (left, low))
    d.flow((right, high), (56, high), symbol="g")
    d.flow((right, middle), (soft, middle), (soft, (middle + low) / 2 + 1.8), symbol="g")
    d.flow((right, low), (soft, low), (soft, (middle + low) / 2 - 1.8), symbol="g")
    d.flow((soft + 5, (middle + low) / 2), (56, (middle + low) / 2), (56, high), symbol="g")
    d.flow((56, high), (add, high), symbol="g")
    d.flow((16, ground), (add, ground), (add, high))
    d.flow((add, high), (last, high))
    d.tag("MLP", mlp, high)
    d.flow((68.3, high), (68.3, middle), (last, middle), (last, high))
    d.flow((last, high), (RIGHT - CHIP[0] / 2, high))
    d.chip("y<sub>t</sub>", RIGHT, high)
    d.label("q asks, all k answer", right + 1, 13.5, size=11, xanchor="left")
    d.label("weighted", 60, high + 3, size=11)
    d.label("all steps so far are read", 85.5, 13.5, size=11, xanchor="right")


def _equations(d: CellCanvas) -> None:
    """Any other cell: its gates, and how its state comes about in words."""
    columns = [20 + 60 * (place + 1) / (len(d.cell.gates) + 1) for place in range(len(d.cell.gates))]
    d.reads(columns)
    d.chip(H0, LEFT, TOP, "h")
    d.chip("h<sub>t</sub>", RIGHT, TOP, "h")
    d.rail((LEFT + CHIP[0] / 2, TOP), (RIGHT - CHIP[0] / 2, TOP))
    for gate, x in zip(d.cell.gates, columns, strict=True):
        d.gate(gate.symbol, x, "σ" if gate.sigmoid else "tanh")
    for row, line in enumerate(d.cell.about.lines):
        d.label(line, WIDE / 2, MID + 4 - 4 * row, d.look.palette.ink)


_EVERY = "every unit reads every unit"
DRAWINGS: dict[str, Callable[[CellCanvas], None]] = {
    "rnn_tanh": partial(_plain, about=_EVERY),
    "rnn_relu": partial(_plain, about=_EVERY, does="ReLU"),
    "lstm": _lstm,
    "gru": _gru,
    "irnn": partial(_plain, about="the identity at the start", linked="identity", does="ReLU"),
    "orthogonal": partial(_plain, about="exp(A − Aᵀ): it can only turn"),
    "indrnn": partial(_plain, about="each unit reads itself alone", linked="diagonal", does="ReLU"),
    "peephole": partial(_lstm, peephole=True),
    "coupled": partial(_lstm, coupled=True),
    "layer_norm_lstm": partial(_lstm, normalised=True),
    "mgu": partial(_gru, keep="f", reset="f", flipped=True),
    "mingru": partial(_min, keep="z"),
    "minlstm": partial(_min, keep="f", write="i"),
    "lru": _lru,
    "slstm": _slstm,
    "mlstm": _mlstm,
    "conv_lstm": partial(_lstm, convolved=True),
    "tcn": _tcn,
    "transformer": _transformer,
}
"""By the name of a cell; any other is drawn from its gate table and its equations."""

"""The lecture's drawings of a network: inputs below, the recurrent network in the middle, answers above."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, figure
from dashboard.theme import cell_colour, with_alpha
from rnncore.cells import CELLS
from rnncore.config import CELL_LABELS, Model


@dataclass(frozen=True)
class Shape:
    """Which steps read something and which answer, and what stands at them.

    Attributes:
        reads, answers: a label for each step, '' for nothing.
        feeds_back: each answer is what the next step reads.
        bridge: the step from which on another network, a decoder, works; 0 for none.
    """

    reads: tuple[str, ...]
    answers: tuple[str, ...]
    feeds_back: bool = False
    bridge: int = 0


SHAPES: dict[str, Shape] = {
    "image": Shape(("picture",), ("digit",)),
    "captions": Shape(("picture", "", "", "", ""), ("f", "i", "v", "e", "."), True),
    "motion": Shape(("frame",) * 5, ("", "", "", "", "motion")),
    "sentiment": Shape(("the", "film", "was", "not", "bad"), ("", "", "", "", "praise")),
    "frames": Shape(("frame",) * 5, ("label",) * 5),
    "translation": Shape(("5.", "mai", "21", "", "", ""), ("", "", "", "2021", "05", "05"), True, bridge=3),
    "adding": Shape((".3", "<b>.7</b>", ".1", "<b>.2</b>", ".9"), ("", "", "", "", ".9")),
    "recall": Shape(("symbol", "·", "·", "·", "?"), ("", "", "", "", "symbol")),
    "video": Shape(("frame", "frame", "", "", ""), ("", "frame", "frame", "frame", "frame"), True),
    "sound": Shape(("♪", "♪", "", "", ""), ("", "♪", "♪", "♪", "♪")),
    "phonemes": Shape(("k", "a", "n", "e", "␣"), ("k", "ā", "n", "–", "–")),
    "both_ways": Shape(("0", "1", "1", "0", "1"), ("no", "no", "no", "yes", "no")),
}
_STEP, _WIDE, _TALL, _PASS = 10.0, 3.4, 2.3, 2.7


@Drawn
def wiring(kind: str, model: Model, look: Look = LIGHT) -> Sketch:
    """The network of a task, unrolled over five steps.

    Args:
        kind: of the task.
        model: its layers, directions, encoder and readout.
    """
    shape = SHAPES[kind]
    encoded, decoded = model.encoder == "convolution" or model.cell == "conv_lstm", model.readout_layers > 1
    rows = model.num_layers * (2 if model.bidirectional else 1)
    bottom = 8.0 + (7.0 if encoded and model.cell != "conv_lstm" else 0.0)
    top = bottom + 8.0 * (rows - 1)
    answers = top + 8.0 + (7.0 if decoded else 0.0)
    fig = figure(look, _caption(model), height=250 + 30 * rows + 40 * (encoded + decoded), hovermode="closest")
    fig.layout["meta"]["bare"] = True
    for t, (read, answer) in enumerate(zip(shape.reads, shape.answers, strict=True)):
        x = t * _STEP
        for row in range(rows):
            # of two directions, one stands a little to the left and one to the right, so that lines pass both
            shift, width = ((-1, 1)[row % 2] if model.bidirectional else 0, 2.4 if model.bidirectional else _WIDE)
            decoding = shape.bridge and t >= shape.bridge
            colour = look.palette.accent if decoding else cell_colour(model.cell, look.mode)
            _box(fig, x + shift, bottom + 8 * row, "h", colour, look, width)
            if not CELLS[model.cell].recurrent:
                _seen(fig, model.cell, t, row, bottom + 8 * row, encoded, look)
            elif t + 1 < len(shape.reads):
                ends = (x + shift + width, x + shift + _STEP - width)
                _arrow(fig, ends[::-1] if shift > 0 else ends, bottom + 8 * row, look)
        if read:
            _label(fig, x, 0, read, look)
            first = 1.8
            if encoded and model.cell != "conv_lstm":
                _box(fig, x, 7.5, "conv", look.palette.quiet, look)
                _up(fig, x, first, 7.5 - _TALL, look)
                first = 7.5 + _TALL
            _up(fig, x - _PASS if model.bidirectional else x, first, bottom - _TALL, look)
            if model.bidirectional:
                _up(fig, x + _PASS, first, bottom + 8 - _TALL, look)
        elif shape.feeds_back and t and shape.answers[t - 1]:
            _label(fig, x, 0, shape.answers[t - 1], look, quiet=True)
            _up(fig, x, 1.8, bottom - _TALL, look, quiet=True)
        for row in range(rows - 1):
            if not model.bidirectional or (row % 2 and row + 2 < rows):
                _up(fig, x, bottom + 8 * row + _TALL, bottom + 8 * (row + 1) - _TALL, look)
        if answer:
            last = top + _TALL
            if decoded:
                _box(fig, x, top + 7.5, "layers", look.palette.quiet, look)
                _up(fig, x, last, top + 7.5 - _TALL, look)
                last = top + 7.5 + _TALL
            if model.bidirectional:
                _up(fig, x - _PASS, top - 8 + _TALL, (top + 7.5 - _TALL) if decoded else answers - 1.8, look)
            _up(fig, x + _PASS if model.bidirectional and not decoded else x, last, answers - 1.8, look)
            _label(fig, x, answers, answer, look)
    fig.update_layout(
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis={"visible": False, "range": _across(len(shape.reads)), "fixedrange": True},
        yaxis={"visible": False, "range": [-3, answers + 3], "fixedrange": True},
        dragmode=False,
    )
    return fig


def _across(steps: int) -> list[float]:
    """The width of the drawing: that of three steps at least, so that a single box does not fill it."""
    beside = 6 + max(0, 3 - steps) * _STEP / 2
    return [-beside, _STEP * (steps - 1) + beside]


def _seen(fig: Sketch, cell: str, t: int, row: int, y: float, encoded: bool, look: Look) -> None:
    """What a step without a state looks at: the step before it at the layer's distance, or all steps before it."""
    back = range(1, t + 1) if cell == "transformer" else [2**row]
    start = y - 8 + _TALL if row else 7.5 + _TALL if encoded else 1.8
    for steps in back:
        if steps <= t:
            _pointed(fig, ((t - steps) * _STEP, start), (t * _STEP - 0.4, y - _TALL), look.palette.line)


def _caption(model: Model) -> str:
    parts = [CELL_LABELS[model.cell]]
    parts += [f"{model.num_layers} layers"] if model.num_layers > 1 else []
    parts += ["both directions"] if model.bidirectional else []
    parts += ["residual"] if model.residual and model.num_layers > 1 else []
    return ", ".join(parts)


def _box(fig: Sketch, x: float, y: float, text: str, colour: str, look: Look, wide: float = _WIDE) -> None:
    fig.add_shape(
        type="rect", x0=x - wide, x1=x + wide, y0=y - _TALL, y1=y + _TALL, fillcolor=with_alpha(colour, 0.14),
        line={"color": colour, "width": 1.6},
    )  # fmt: skip
    size = 13 if len(text) == 1 else 10
    fig.add_annotation(text=text, x=x, y=y, showarrow=False, font={"size": size, "color": look.palette.ink})


def _label(fig: Sketch, x: float, y: float, text: str, look: Look, *, quiet: bool = False) -> None:
    colour = look.palette.quiet if quiet else look.palette.ink
    size = 13 if len(text) < 5 else 12
    fig.add_annotation(text=text, x=x, y=y, showarrow=False, font={"size": size, "color": colour})


def _arrow(fig: Sketch, ends: tuple[float, float], y: float, look: Look) -> None:
    _pointed(fig, (ends[0], y), (ends[1], y), look.palette.quiet)


def _up(fig: Sketch, x: float, y0: float, y1: float, look: Look, *, quiet: bool = False) -> None:
    _pointed(fig, (x, y0), (x, y1), look.palette.line if quiet else look.palette.quiet)


def _pointed(fig: Sketch, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    fig.add_annotation(
        x=end[0], y=end[1], ax=start[0], ay=start[1], xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
        arrowhead=2, arrowwidth=1.5, arrowcolor=colour,
    )  # fmt: skip

"""What a cell's drawing is made of: gates and states in their colours and letters, and the ways between them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from dashboard.figures.canvas import Canvas, Place
from dashboard.theme import gate_colour, with_alpha
from rnncore.cells import Cell

WIDE, TALL = 100.0, 46.0
TOP, MID, LOW, BUS = 38.5, 25.0, 13.0, 4.5  # heights: the state's way, where gates act, the gates, what they read
LEFT, RIGHT, JOIN = 6.0, 94.0, 18.0  # chips on both sides; where x and h come together
BOX, CHIP = (12.0, 8.0), (10.6, 6.4)  # width and height of a gate and of a state
X, H0, C0 = "x<sub>t</sub>", "h<sub>t−1</sub>", "c<sub>t−1</sub>"


@dataclass
class CellCanvas(Canvas):
    """A canvas that knows a cell's gates."""

    cell: Cell

    def gate(self, symbol: str, x: float, does: str = "σ") -> None:
        """A gate of the cell's table: its letter, its name, and its non-linearity."""
        name = next(gate.name for gate in self.cell.gates if gate.symbol == symbol)
        self.box(f"<b>{symbol}</b> {name}", does, x, LOW, gate_colour(symbol, self.look.mode))

    def box(self, text: str, below: str, x: float, y: float, colour: str = "") -> None:
        """A box with a word, and what it does below it."""
        colour, tall = colour or self.look.palette.quiet, BOX[1] if below else CHIP[1]
        corners = (x - BOX[0] / 2, y - tall / 2, x + BOX[0] / 2, y + tall / 2)
        self.rect(*corners, fillcolor=with_alpha(colour, 0.14), line={"color": colour, "width": 1.8})
        self.label(text, x, y + (1.6 if below else 0), self.look.palette.ink, size=13)
        if below:
            self.label(below, x, y - 1.9, size=11)

    def tag(self, text: str, x: float, y: float) -> None:
        """A function on the way: over the arrow that goes through it."""
        palette = self.look.palette
        self.label(text, x, y, palette.ink, size=11, bgcolor=palette.card, bordercolor=palette.quiet, borderpad=3)

    def chip(self, text: str, x: float, y: float, symbol: str = "", stack: int = 1) -> None:
        """What comes in or goes out: a state in its colour, an input in ink; several, where it stands for many."""
        colour = gate_colour(symbol, self.look.mode) if symbol else self.look.palette.ink
        for behind in range(stack - 1, -1, -1):
            x0, y0 = x - CHIP[0] / 2 + 0.3 * behind, y - CHIP[1] / 2 + 0.6 * behind
            for fill in (self.look.palette.card, with_alpha(colour, 0.12)):  # nothing shines through
                self.rect(x0, y0, x0 + CHIP[0], y0 + CHIP[1], fillcolor=fill, line={"color": colour, "width": 1.2})
        self.label(text, x, y, self.look.palette.ink, size=13)

    def rail(self, *way: Place, symbol: str = "h") -> None:
        """The way of a state."""
        self.arrow(*way, colour=gate_colour(symbol, self.look.mode), width=2.4)

    def flow(self, *way: Place, symbol: str = "", dash: str = "solid") -> None:
        """What a gate says; grey where it is no gate's."""
        colour = gate_colour(symbol, self.look.mode) if symbol else self.look.palette.quiet
        self.arrow(*way, colour=colour, width=1.8 if symbol else 1.3, dash=dash)

    def reads(self, columns: list[float], *, state: Place | None = None) -> None:
        """The input, and where the gates read it the state before, led to the boxes above."""
        self.chip(X, LEFT, BUS)
        end = LEFT + CHIP[0] / 2
        for x in columns:
            self.flow((end, BUS), (x, BUS), (x, LOW - BOX[1] / 2))
        if state is not None:
            self.flow(state, (JOIN, state[1]), (JOIN, BUS))

    def carried(self, stops: list[float], symbol: str, names: tuple[str, str], stack: int = 1) -> None:
        """A state from left to right along the top, with stops on the way."""
        for start, stop in itertools.pairwise([LEFT + CHIP[0] / 2, *stops, RIGHT - CHIP[0] / 2]):
            self.rail((start, TOP), (stop, TOP), symbol=symbol)
        self.chip(names[0], LEFT, TOP, symbol, stack)
        self.chip(names[1], RIGHT, TOP, symbol, stack)

    def through(self, text: str, about: str) -> None:
        """A function on what comes in, before the gates."""
        for y in (LOW, BUS):
            self.tag(text, 14.9, y)
        self.label(about, 19, BUS - 2.2, size=11, xanchor="left")

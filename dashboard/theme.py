"""One look: colours, type, and one Plotly template for light and dark.

Colours mean something and mean it everywhere: one for each cell type, one for each gate. They stem from Okabe & Ito's
set and Tol's muted set, darkened or lightened until they hold at 4:1 or more against their card, and until those that
meet in one plot stay apart for readers who do not see red or green (a test simulates both). Heatmaps carry the gate's
letter beside its colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Surface, ink and line colours of one mode."""

    paper: str
    card: str
    ink: str
    quiet: str
    grid: str
    line: str
    accent: str
    good: str
    warning: str
    bad: str


PALETTES: dict[Mode, Palette] = {
    "light": Palette(
        "#f7f6f2", "#ffffff", "#1d2733", "#69737f", "#e9e7e1", "#cfccc3", "#0f6d78", "#2f7d4f", "#a8660a", "#b23a2e"
    ),
    "dark": Palette(
        "#101418", "#171d23", "#e6e9ec", "#8f9ba7", "#252d35", "#3a444e", "#4fb3bf", "#6fbf8b", "#e0a345", "#e5766a"
    ),
}

CELL_COLOURS: dict[str, dict[Mode, str]] = {
    "rnn_tanh": {"light": "#c2570c", "dark": "#f0904a"},
    "rnn_relu": {"light": "#5f4a1a", "dark": "#efe07a"},
    "lstm": {"light": "#1f5fa8", "dark": "#6aa8ee"},
    "gru": {"light": "#0b7f63", "dark": "#45c4a0"},
    "irnn": {"light": "#96690a", "dark": "#d9b04a"},
    "orthogonal": {"light": "#a33a22", "dark": "#ff8f6b"},
    "indrnn": {"light": "#7d5a52", "dark": "#cfa79d"},
    "peephole": {"light": "#3b49c4", "dark": "#8f9bff"},
    "coupled": {"light": "#0f6f94", "dark": "#52b9e3"},
    "layer_norm_lstm": {"light": "#5b6b8c", "dark": "#a9b8d6"},
    "mgu": {"light": "#3f7d20", "dark": "#86cf5f"},
    "mingru": {"light": "#5f7500", "dark": "#bcd34b"},
    "minlstm": {"light": "#6a3fb0", "dark": "#b893f5"},
    "lru": {"light": "#a8246f", "dark": "#f07ab8"},
    "slstm": {"light": "#2b5a5e", "dark": "#8cc4c9"},
    "mlstm": {"light": "#8a3f97", "dark": "#d892e4"},
    "conv_lstm": {"light": "#250489", "dark": "#985dfb"},
    "tcn": {"light": "#8c1d40", "dark": "#f2869f"},
    "transformer": {"light": "#4d3b8f", "dark": "#c0b0ff"},
}
"""One colour per cell type, in every figure."""

SPARE_COLOURS: dict[Mode, tuple[str, ...]] = {
    "light": ("#8a3f97", "#a83d62", "#4a6d1c", "#5c5aa8", "#7a5230", "#3c7384"),
    "dark": ("#c58ad1", "#e487a6", "#9dc063", "#a3a1e8", "#c9a27d", "#86bccc"),
}
"""For cells that have none of their own yet."""

GATE_COLOURS: dict[str, dict[Mode, str]] = {
    "i": {"light": "#0b7f63", "dark": "#45c4a0"},
    "f": {"light": "#1f5fa8", "dark": "#6aa8ee"},
    "g": {"light": "#8a3f97", "dark": "#c58ad1"},
    "o": {"light": "#c2570c", "dark": "#f0904a"},
    "r": {"light": "#a83d62", "dark": "#e487a6"},
    "z": {"light": "#1f5fa8", "dark": "#6aa8ee"},
    "n": {"light": "#8a3f97", "dark": "#c58ad1"},
    "h": {"light": "#4b5563", "dark": "#aab4be"},
    "c": {"light": "#7a5230", "dark": "#c9a27d"},
}
"""One colour per gate; gates that play the same part (f and z, g and n) share one."""

FONT = "Inter, 'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
MONO = "'JetBrains Mono', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def cell_colour(cell: str, mode: Mode) -> str:
    """The colour of a cell type."""
    if cell in CELL_COLOURS:
        return CELL_COLOURS[cell][mode]
    spare = SPARE_COLOURS[mode]
    return spare[sum(map(ord, cell)) % len(spare)]


def gate_colour(symbol: str, mode: Mode) -> str:
    """The colour of a gate or state, by its letter."""
    return GATE_COLOURS.get(symbol, GATE_COLOURS["h"])[mode]


def sequential(symbol: str, mode: Mode) -> list[list[float | str]]:
    """Card colour (0) to the gate's colour (1): for sigmoids."""
    card, full = PALETTES[mode].card, gate_colour(symbol, mode)
    return [[0.0, card], [0.5, _mix(card, full, 0.45)], [1.0, full if mode == "dark" else _mix(full, "#000000", 0.15)]]


def highlight(mode: Mode) -> list[list[float | str]]:
    """Card colour (0) to as much of the accent (1) as leaves ink legible on it: behind text."""
    palette = PALETTES[mode]
    return [[0.0, palette.card], [1.0, _mix(palette.card, palette.accent, 0.62)]]


def magnitude(mode: Mode) -> list[list[float | str]]:
    """Card colour (0) to its opposite (1) through the accent's hue, evenly in lightness: for logarithms of sizes."""
    stops = {
        "light": ("#ffffff", "#cfe5d5", "#6db5ab", "#1b7f88", "#14394f"),
        "dark": ("#171d23", "#1e4552", "#2f8489", "#86c79d", "#f6f2c3"),
    }[mode]
    return [[index / (len(stops) - 1), colour] for index, colour in enumerate(stops)]


def diverging(mode: Mode, *, steep: bool = False) -> list[list[float | str]]:
    """Orange (negative), card colour (0), blue (positive): for tanh, hidden and cell state.

    Args:
        mode: light or dark.
        steep: most of the colour within the first fifth, where a few large values would leave the others pale.
    """
    low, high, middle = ("#b4480a", "#1b5799", "#ffffff") if mode == "light" else ("#f0904a", "#6aa8ee", "#171d23")
    stops = ((0.0, 0.0), (0.02, 0.18), (0.06, 0.42), (0.2, 0.72), (1.0, 1.0)) if steep else ((0.0, 0.0), (1.0, 1.0))
    negative: list[list[float | str]] = [[0.5 - at / 2, _mix(middle, low, share)] for at, share in reversed(stops[1:])]
    positive: list[list[float | str]] = [[0.5 + at / 2, _mix(middle, high, share)] for at, share in stops]
    return negative + positive


def _mix(one: str, other: str, share: float) -> str:
    def parts(colour: str) -> list[int]:
        return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]

    mixed = [round(a + (b - a) * share) for a, b in zip(parts(one), parts(other), strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def with_alpha(colour: str, alpha: float) -> str:
    """A hex colour as rgba(...)."""
    return f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},{alpha:g})"


def template(mode: Mode) -> go.layout.Template:
    """The Plotly template of every figure."""
    palette = PALETTES[mode]
    axis = {
        "gridcolor": palette.grid,
        "linecolor": palette.line,
        "zerolinecolor": palette.grid,
        "tickcolor": palette.line,
        "ticks": "outside",
        "ticklen": 4,
        "tickfont": {"size": 11, "color": palette.quiet},
        "title": {"font": {"size": 12, "color": palette.quiet}, "standoff": 8},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 12, "color": palette.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [colours[mode] for colours in CELL_COLOURS.values()],
            "margin": {"l": 52, "r": 16, "t": 10, "b": 42},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": palette.card,
                "bordercolor": palette.line,
                "font": {"family": FONT, "size": 12, "color": palette.ink},
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "xanchor": "left",
                "yanchor": "bottom",
                "font": {"size": 11, "color": palette.quiet},
                "bgcolor": "rgba(0,0,0,0)",
            },
            "hovermode": "x",
            "dragmode": "zoom",
        }
    )


def apply_page_style() -> None:
    """Streamlit's own spacing, tightened to an instrument's."""
    import streamlit as st

    papers, cards = (
        ", ".join(getattr(PALETTES[mode], part) for mode in ("light", "dark")) for part in ("paper", "card")
    )
    st.html(f"<style>{_PAGE_CSS.replace('PAPERS', papers).replace('CARDS', cards)}</style>")


_PAGE_CSS = """
[data-testid="stMainBlockContainer"] { padding: 2.4rem 2rem 3rem; max-width: 1680px; }
[data-testid="stSidebarContent"] h5 { margin: 0; padding: .7rem 0 .1rem; border-top: 1px solid var(--st-border-color);
  letter-spacing: .01em; opacity: .8; }
[data-testid="stSidebarHeader"] { height: 2.4rem; margin-bottom: 0; }
[data-testid="stSidebarUserContent"] { padding-bottom: 3rem; }
.st-key-pickers, .st-key-toolbar, .st-key-controls { row-gap: .5rem; }
[data-testid="stHeader"] { background: light-dark(PAPERS); }
.st-key-desk_sureness, .st-key-sampling_start, [class*="st-key-theory_"], [class*="st-key-preset_"] {
  background: light-dark(CARDS); }
.st-key-lecture_question, .st-key-lecture_outcome, .st-key-lecture_try,
[class*="st-key-map_"]:not([class*="st-key-map_part"]) { background: light-dark(CARDS); }
[class*="st-key-map_"] [data-testid="stPageLink-NavLink"],
[class*="st-key-shape_"] [data-testid="stPageLink-NavLink"] { padding: 0; }
[class*="st-key-map_"] [data-testid="stPageLink-NavLink"] * { white-space: normal; }
.st-key-lecture_head { margin-top: 1.6rem; margin-bottom: -.6rem; }
.st-key-lecture_tools { flex-wrap: nowrap !important; }
.st-key-lecture_head button { min-height: 2.2rem; }
h1 { padding: 0 0 .2rem; }
"""

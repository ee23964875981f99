"""The LSTM's one matrix as blocks, and how many parameters it is."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.theme import CELL_COLOURS, diverging, gate_colour
from rnncore.config import CELL_LABELS
from rnncore.records import InsideTheLstm
from rnncore.records.inside_the_lstm import BLOCKS

NAMES = {"i": "input gate", "f": "forget gate", "g": "cell gate", "o": "output gate"}
_WAIT = "The matrix appears here in a moment."
_GAP = 1  # fields between b and the rest


@Drawn
def matrix(record: InsideTheLstm | None, look: Look = LIGHT, *, unit: int = 0) -> Sketch:
    """W [h; x] + b as a heatmap, its four blocks framed in their gates' colours, and the four rows of one unit."""
    if record is None:
        return empty(look, _WAIT)
    rows, columns = record.weight.shape
    size, unit = rows // 4, min(unit, rows // 4 - 1)
    fig = figure(look, f"{rows} × {columns} weights and {rows} biases; framed rows: unit {unit}", hovermode="closest")
    field = np.full((rows, columns + _GAP + 1), np.nan)
    field[:, :columns], field[:, -1] = record.weight, record.bias
    bound = float(np.abs(np.nan_to_num(field)).max()) or 1.0
    named = [f"h{n}" for n in range(size)] + [f"x{n}" for n in range(columns - size)] + ["", "b"]
    fig.add_heatmap(
        z=field.astype(np.float32), zmin=-bound, zmax=bound, colorscale=diverging(look.mode), xgap=1, ygap=1,
        text=[[f"{BLOCKS[row // size]}, unit {row % size}, from {name}" for name in named] for row in range(rows)],
        hovertemplate="%{text}: %{z:.3f}<extra></extra>",
        colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": "weight", "side": "right"}},
    )  # fmt: skip
    for at, block in enumerate(BLOCKS):
        colour = gate_colour(block, look.mode)
        for x0, x1 in ((-0.5, columns - 0.5), (columns + _GAP - 0.5, columns + _GAP + 0.5)):
            fig.add_shape(
                type="rect", x0=x0, x1=x1, y0=at * size - 0.5, y1=(at + 1) * size - 0.5,
                line={"color": colour, "width": 2.5},
            )  # fmt: skip
        fig.add_shape(
            type="rect", x0=-0.5, x1=columns + _GAP + 0.5, y0=at * size + unit - 0.5, y1=at * size + unit + 0.5,
            line={"color": look.palette.ink, "width": 1.5},
        )  # fmt: skip
        fig.add_annotation(
            text=f"<b>{block}</b> {NAMES[block]}", x=-0.012, xref="paper", xanchor="right",
            y=(at + 0.5) * size - 0.5, showarrow=False, font={"color": colour, "size": 13},
        )  # fmt: skip
    for x, text in (((size - 1) / 2, "h<sub>t−1</sub>"), ((size + columns - 1) / 2, "x<sub>t</sub>"),
                    (columns + _GAP, "b")):  # fmt: skip
        fig.add_annotation(text=text, x=x, y=1.0, yref="paper", yanchor="bottom", showarrow=False, font={"size": 14})
    fig.add_shape(
        type="line", x0=size - 0.5, x1=size - 0.5, y0=-0.5, y1=rows - 0.5,
        line={"color": look.palette.ink, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    fig.update_layout(
        xaxis={"visible": False}, yaxis={"visible": False, "range": [rows - 0.5, -0.5]},
        margin={"l": 150, "r": 8, "t": 30, "b": 8},
    )  # fmt: skip
    return fig


@Drawn
def counted(record: InsideTheLstm | None, look: Look = LIGHT) -> Sketch:
    """Parameters of cells of the same size, as torch counts them."""
    if record is None:
        return empty(look, _WAIT)
    fig = figure(look, "one layer of each, counted by torch", hovermode="closest", showlegend=False)
    fig.add_bar(
        x=[CELL_LABELS[cell] for cell in record.cells],
        y=list(record.parameters),
        text=[
            f"{count:,}<br>{record.times(cell):g}×"
            for cell, count in zip(record.cells, record.parameters, strict=True)
        ],
        textposition="outside", cliponaxis=False, width=0.55,
        marker={"color": [CELL_COLOURS[cell][look.mode] for cell in record.cells]},
        hovertemplate="%{x}: %{y:,} parameters<extra></extra>",
    )  # fmt: skip
    fig.update_layout(
        yaxis={"title": {"text": "parameters"}, "range": [0, 1.25 * max(record.parameters)]},
        xaxis={"showgrid": False},
    )
    return fig

"""The catalogue of cells: drawing, equations, source, what each takes, and in which races it won."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from dashboard import services
from dashboard.figures.cell_drawing import cell_drawing
from dashboard.owner import owner
from dashboard.widgets import won
from dashboard.widgets.lecture.frame import scale
from dashboard.widgets.still import look
from rnncore.cells import CELLS, Cell
from rnncore.comparison import Result
from rnncore.config import CELL_LABELS, KEEPING_GATE
from rnncore.lecture.cells import CELLS_EXPERIMENT
from rnncore.records import Cells
from rnncore.runs.experiments import ExperimentInfo, Experiments

SIZE = 64
WIDE = 600
"""Pixels that the longest equation needs."""


def catalogue(info: ExperimentInfo | None) -> None:
    """Races and cells, and a fold for each cell.

    Args:
        info: the measurement in view; without one the reader's newest is quoted.
    """
    found, record = won.results(), _record(info)
    won.overview(found, scale())
    st.subheader("The cells, one by one")
    st.caption(
        "In a cell's drawing, on the left is what a step reads, on the right what it hands on. σ gives a value between "
        "0 and 1, tanh one between −1 and 1; ⊙ multiplies unit by unit."
    )
    for name in CELLS:
        _fold(name, record, found)


def _record(info: ExperimentInfo | None) -> Cells | None:
    """What was measured last."""
    kept = Experiments(services.store())
    info = info or kept.newest(owner()).get(CELLS_EXPERIMENT.name)
    found = None if info is None else kept.record(info.id)
    return found if isinstance(found, Cells) else None


@st.fragment
def _fold(name: str, record: Cells | None, found: Sequence[Result]) -> None:
    """One cell. What is in a fold is made when it is opened."""
    cell = CELLS[name]
    fold = st.expander(f"**{CELL_LABELS[name]}** · {cell.about.idea}", key=f"cell_{name}", on_change="rerun")
    if not fold.open:
        return
    with fold:
        grid = st.grid(2, min_column_width=round(WIDE * scale()), gap="medium", vertical_alignment="center")
        with grid.container():
            drawn = cell_drawing(name, look(), scale=scale())
            drawn.update_layout(height=drawn.layout.meta["height"])
            config = {"displayModeBar": False, "staticPlot": True}
            st.plotly_chart(drawn, theme=None, key=f"drawn_{name}", config=config)
        with grid.container():
            st.latex(cell.about.tex)
            st.markdown(_takes(cell))
            st.markdown(_measured(cell, record))
            st.caption(f"Source: {cell.about.source} · `rnncore/cells/{cell.stem}.py`")
        won.races_of(name, found)


def _takes(cell: Cell) -> str:
    """Its parameters and gates, and how its gradient is opened."""
    gates = ", ".join(f"{gate.name} ({gate.symbol})" for gate in cell.gates) or "none"
    kept = KEEPING_GATE.get(cell.name)
    unit = "channels" if cell.name == "conv_lstm" else "units"
    opened = (
        "It has no state: what arrives at a step from outside is the whole of its gradient."
        if not cell.recurrent
        else "The gradient is opened by a hand-made replay."
        if cell.hand_made
        else "The gradient is opened step by step, from the equations alone."
    )
    return (
        f"{cell.parameters(SIZE, SIZE):,} parameters with {SIZE} {unit} and {SIZE} inputs. Gates: {gates}. "
        + (f"The {kept} gate keeps the state. " if kept else "")
        + opened
    )


def _measured(cell: Cell, record: Cells | None) -> str:
    """Its speed and its factor per step, as the page above measured them."""
    if cell.name == "conv_lstm":
        return "Speed and factor per step are not measured here: it reads pictures alone."
    if not cell.recurrent:
        return "Speed and factor per step are not measured here: it hands no state on."
    if record is None:
        return "Speed and factor per step: press **Run** above, and they stand here."
    factor, time = record.value(cell.name, record.factors), record.value(cell.name, record.median)
    if not math.isfinite(factor):
        return "Speed and factor per step: the last measurement has not come to this cell."
    said = f"Measured on this page: at the start its gradient has a factor of **{factor:.3g}** per step"
    if math.isfinite(time):
        relative = time / record.value("lstm", record.median)
        said += f", and a training step takes **{time:.3g} ms**"
        said += f", {relative:.3g} times the fused LSTM" if cell.name != "lstm" else ""
    return said + f" (H = {record.hidden_size}, T = {record.length}, B = {record.batch})."

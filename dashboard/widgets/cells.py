"""The catalogue of cells: equations, source, and what each takes."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets.lecture.frame import answered
from rnncore.cells import CELLS
from rnncore.config import CELL_LABELS, KEEPING_GATE

SIZE = 64


def catalogue() -> None:
    """One fold for each cell; after the question, whose answer stands in it."""
    if not answered():
        return
    st.subheader("The cells, one by one")
    for name, cell in CELLS.items():
        with st.expander(f"**{CELL_LABELS[name]}** · {cell.about.idea}"):
            st.latex(cell.about.tex)
            gates = ", ".join(f"{gate.name} ({gate.symbol})" for gate in cell.gates) or "none"
            kept = KEEPING_GATE.get(name)
            unit = "channels" if name == "conv_lstm" else "units"
            opened = (
                "It has no state: what arrives at a step from outside is the whole of its gradient."
                if not cell.recurrent
                else "The gradient is opened by a hand-made replay."
                if cell.hand_made
                else "The gradient is opened step by step, from the equations alone."
            )
            st.markdown(
                f"{cell.parameters(SIZE, SIZE):,} parameters with {SIZE} {unit} and {SIZE} inputs. Gates: {gates}. "
                + (f"The {kept} gate keeps the state. " if kept else "")
                + opened
            )
            st.caption(f"Source: {cell.about.source} · `rnncore/cells/{cell.stem}.py`")

"""Figures that do not change while they are looked at."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from dashboard.figures.base import Look


def look() -> Look:
    """The look that the reader has chosen."""
    return Look("dark" if st.context.theme.type == "dark" else "light")


def still(figure: go.Figure, *, key: str, height: int) -> None:
    """Draw a figure in the house's look, its caption above it."""
    if caption := figure.layout.meta["caption"]:
        st.caption(caption)
    figure.update_layout(height=height)
    save = {"format": "svg", "filename": key}
    config = {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": save}
    st.plotly_chart(figure, theme=None, key=key, config=config)

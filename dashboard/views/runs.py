"""Runs: every run ever made, to find, name, open, copy, resume and delete."""

import streamlit as st

from dashboard.widgets import address, run_page
from dashboard.widgets.problems import in_words

address.restore()
st.title("Runs")
st.markdown(
    "Every run ever made. Tick runs to open them in any page, to tag, copy, export or delete them. "
    "A click on a column's head sorts by it."
)


@st.fragment(run_every=run_page.EVERY)
def listed() -> None:
    """The table and what may be done with the ticked runs; follows the live ones."""
    with in_words():
        run_page.show()


listed()

"""Live lab: train a recurrent network on real text, and see inside it while it trains."""

import streamlit as st

from dashboard.widgets import address, corpus, settings
from dashboard.widgets.lab_panels import panels
from dashboard.widgets.page import run_cards
from dashboard.widgets.problems import in_words

address.restore()
corpus.choose_uploaded()

with st.sidebar:
    settings.train_bar()
    settings.form(corpus.titles(), corpus.upload)


@st.fragment
def lab() -> None:
    """Run pickers, controls and live panels; runs again by itself when a run's state changes."""
    with in_words():
        if st.session_state.pop("form_changed", False):
            st.rerun(scope="app")
        run_cards(panels, bar="metrics", key="live", empty=settings.welcome)


st.title("Live lab")
lab()

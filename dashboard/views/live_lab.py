"""Live lab: train a recurrent network on real text, and see inside it while it trains."""

import streamlit as st

from dashboard.live.component import Panel
from dashboard.widgets import address, corpus, settings, tour
from dashboard.widgets.lab_panels import panels
from dashboard.widgets.page import run_cards
from dashboard.widgets.problems import in_words
from rnncore.runs.store import RunInfo

address.restore()
corpus.choose_uploaded()

with st.sidebar:
    settings.train_bar()
    settings.form(corpus.titles(), corpus.upload)


def cards(watched: list[RunInfo]) -> list[Panel]:
    """The live panels; for whoever is new with the tour's card, below the verdict: what went wrong is said first."""
    verdict, *others = panels(watched)
    return [verdict, *tour.card(watched), *others]


@st.fragment
def lab() -> None:
    """Run pickers, controls and live panels; runs again by itself when a run's state changes."""
    with in_words():
        if st.session_state.pop("form_changed", False):
            st.rerun(scope="app")
        tour.offer()
        run_cards(cards, bar="metrics", key="live", empty=settings.welcome)


st.title("Live lab")
lab()

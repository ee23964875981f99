"""Live lab: train a recurrent network on real text, and see inside it while it trains."""

import streamlit as st

from dashboard.live.component import live_figures, preload
from dashboard.widgets import address, corpus, runs, settings
from dashboard.widgets.lab_panels import panels
from dashboard.widgets.problems import as_text, in_words

address.restore()
corpus.choose_uploaded()

with st.sidebar:
    settings.train_bar()
    settings.form(corpus.titles(), corpus.upload)


def moved() -> None:
    """The reader went to another moment: keep it in the address."""
    at = st.session_state["live"]["at"]
    if at is None:
        st.query_params.pop("at", None)
    else:
        st.query_params["at"] = str(int(at))


@st.fragment
def lab() -> None:
    """Run pickers, controls and live panels; runs again by itself when a run's state changes."""
    with in_words():
        draw()


def draw() -> None:
    """The page below its title."""
    if st.session_state.pop("form_changed", False):
        st.rerun(scope="app")
    address.show_problems()
    with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
        runs.pick("Run", "run", "No run yet")
        if st.session_state.get("run"):
            runs.pick("Beside", "vs", "Beside another run…")
    address.keep()
    watched = runs.watched()
    if not watched:
        settings.welcome()
        preload()
        return
    st.caption("  \n".join(as_text(runs.summary(run)) for run in watched))
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        runs.controls(watched[0])
        runs.beside(watched[0])
    states = {run.id: run.state for run in watched}
    live_figures(states, panels(watched), key="live", bar="metrics", at=address.moment(), on_at_change=moved)


st.title("Live lab")
lab()

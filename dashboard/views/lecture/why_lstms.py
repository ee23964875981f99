"""Why do LSTMs train better? The delayed-recall race, with and without open gates."""

import streamlit as st

from dashboard.live.component import Panel
from dashboard.widgets.lecture import Form, experiment_page

PANELS = [
    Panel(
        "curves",
        "recall_curves",
        "Right answers over training",
        span=8,
        height=420,
        about="Fifteen runs on the same batches; one that has solved the task stops",
    ),
    Panel(
        "wins",
        "recall_wins",
        "Who has solved it",
        span=4,
        height=420,
        about="Filled: solved, and at which step. Empty: the best share of right answers",
    ),
]


def controls(form: Form) -> None:
    """Length, steps, units."""
    form.slider("length", "Steps to remember", width=200)
    form.slider("steps", "Training steps", 20, width=200)
    form.slider("hidden_size", "Units", 4, width=160)
    form.seed()


experiment_page("why-lstms", controls, PANELS)
if st.button("The same race on Compare, with more seeds", key="to_compare", type="tertiary", icon=":material/flag:"):
    st.switch_page("views/compare.py")

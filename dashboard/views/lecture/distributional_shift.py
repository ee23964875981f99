"""Distributional shift: a network that is fed its own predictions leaves the truth, at a rate that is known."""

import streamlit as st

from dashboard.widgets import address, runs
from dashboard.widgets.lecture import begin, end
from dashboard.widgets.lecture.frame import answered, happened, scale
from dashboard.widgets.lecture.runs import shift
from dashboard.widgets.page import run_cards
from dashboard.widgets.problems import in_words
from dashboard.widgets.shift_panels import panels, settings

NAME = "distributional-shift"


def welcome() -> None:
    """What a newcomer sees before there is a run."""
    st.info(
        "Press **Train**. Within half a minute the slope of the error stands beside the map's own exponent. Then "
        "switch scheduled sampling on and train again: both runs stand beside each other."
    )


@st.fragment
def experiment() -> None:
    """Settings, run pickers and live cards; runs again by itself when a run's state changes."""
    with in_words():
        settings()
        run_cards(panels, bar="metrics", key="shift", empty=welcome, scale=scale())
        happened(text, shift(runs.watched()))


address.restore()
text = begin(NAME, share=False)
if answered():
    experiment()
else:
    st.caption("The experiment comes after your answer.")
end(NAME)

"""From nonsense to prose: a character model's samples, from the first step on."""

import streamlit as st

from dashboard.widgets import address, experiment
from dashboard.widgets.lecture import begin, end
from dashboard.widgets.lecture.frame import answered, happened, scale
from dashboard.widgets.lecture.prose import panels, prose, settings
from dashboard.widgets.problems import in_words

NAME = "from-nonsense-to-prose"


def welcome() -> None:
    """What a newcomer sees before there is a run."""
    st.info("Press **Train** and watch what it writes, from the first step on.")


@st.fragment
def training() -> None:
    """Settings and live cards; runs again by itself when a run's state changes."""
    with in_words():
        settings()
        found = experiment.runs_of("text")
        experiment.shown(found, panels, key="prose", bar="metrics", empty=welcome, scale=scale(), alone=True)
        happened(text, prose(found[:1]))


address.restore()
text = begin(NAME, share=False)
if answered():
    training()
    st.page_link("views/samples.py", label="All about this run's samples", icon=":material/arrow_forward:")
else:
    st.caption("The experiment comes after your answer.")
end(NAME)

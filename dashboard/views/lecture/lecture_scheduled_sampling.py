"""Scheduled sampling: what a network has learned when ε has fallen, on three sentences that can be worked out."""

import streamlit as st

from dashboard.widgets import address, experiment
from dashboard.widgets.lecture import begin, end
from dashboard.widgets.lecture.frame import answered, happened, scale
from dashboard.widgets.lecture.runs import schedules
from dashboard.widgets.lecture.schedules import in_view, panels, settings
from dashboard.widgets.problems import in_words

NAME = "lecture-scheduled-sampling"


def welcome() -> None:
    """What a newcomer sees before there is a run."""
    st.info("Press **Train all three**: the first points appear within seconds.")


@st.fragment
def training() -> None:
    """Settings and live cards; runs again by itself when a run's state changes."""
    with in_words():
        settings()
        found = in_view()
        experiment.shown(found, panels, key="schedules", bar="metrics", empty=welcome, scale=scale())
        happened(text, schedules(found))


address.restore()
text = begin(NAME, share=False)
if answered():
    training()
    st.page_link("views/scheduled_sampling.py", label="Try it on real text", icon=":material/arrow_forward:")
else:
    st.caption("The experiment comes after your answer.")
end(NAME)

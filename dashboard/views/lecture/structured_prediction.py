"""Structured prediction: why outputs must feed back, on three sentences that can be worked out."""

import streamlit as st

from dashboard.widgets import address, experiment
from dashboard.widgets.lecture import begin, end
from dashboard.widgets.lecture.frame import answered, happened, scale
from dashboard.widgets.lecture.runs import sentences
from dashboard.widgets.problems import in_words
from dashboard.widgets.structured_prediction import panels, settings, theory

NAME = "structured-prediction"


def welcome() -> None:
    """What a newcomer sees before there is a run."""
    st.info("Set ε and press **Train**: ten seconds later the measured share of sentences stands on the exact curve.")


@st.fragment
def training() -> None:
    """Settings and live cards; runs again by itself when a run's state changes."""
    with in_words():
        settings()
        found = experiment.runs_of("sentences")
        experiment.shown(found, panels, key="sentences", bar="metrics", empty=welcome, scale=scale())
        happened(text, sentences(found[:1]))


address.restore()
text = begin(NAME, share=False)
if answered():
    theory()
    st.markdown("## Train it yourself")
    st.markdown(
        "An LSTM learns the sentences word by word. In training it reads the true word before with probability ε, else "
        "its own (scheduled sampling). With ε below 1 it is asked for the next word of a sentence that it may not have "
        "been shown, and the best answer to that is no longer the language: the curve is that answer, worked out "
        "exactly (after [Huszár 2015](https://arxiv.org/abs/1511.05101))."
    )
    training()
else:
    st.caption("The experiment comes after your answer.")
end(NAME)

"""Scheduled sampling: what the network is fed in training, the truth or its own prediction, and what comes of it."""

import streamlit as st

from dashboard.widgets import address
from dashboard.widgets.page import run_cards
from dashboard.widgets.problems import in_words
from dashboard.widgets.sampling_panels import panels
from dashboard.widgets.sampling_start import siblings, start, welcome

address.restore()
st.title("Scheduled sampling")
st.markdown(
    "In training a network is usually fed the true text (teacher forcing); when it writes, it is fed what it wrote "
    "itself. Scheduled sampling lets it meet its own predictions in training: at each step of each sequence a coin "
    "decides, and feeds the truth with probability ε, which may fall as training goes on."
)

with in_words(), st.container(border=True, key="sampling_start"):
    start()


@st.fragment
def live() -> None:
    """Run pickers, controls and live cards; runs again by itself when a run's state changes."""
    with in_words():
        run_cards(panels, bar="metrics", key="sampling", empty=welcome, beside=siblings)


live()
st.markdown(
    "**What to look for.** The share of truth that was really fed stays in its band: the coins are fair. The loss in "
    "training is higher with a smaller ε, because the network is asked for the true next character after something "
    "untrue. That free running costs more is true of every network, a perfect one too: its text may go on otherwise. "
    "And a small gap is easily had, by a network that makes little of what it is fed. Telling is whether what "
    "it writes keeps to real text, and whether that gets worse as it goes on.  \n"
    "**Do not expect a gain on every text.** The objective is improper (Huszár 2015, arXiv:1511.05101): with ε below 1 "
    "even the best network does not learn the distribution of the text. On the lecture's three sentences this can be "
    "worked out exactly, see Structured prediction."
)

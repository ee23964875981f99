"""Shapes: all ways in which the lecture uses recurrent networks, with their drawings."""

import streamlit as st

from dashboard.widgets.gallery import gallery
from dashboard.widgets.problems import in_words

st.title("Shapes")
st.markdown(
    "One recurrent layer, used in many ways: what it reads, when it answers, and what stands around it. Each drawing "
    "is a network that trains live on its page, in less than a minute."
)
with in_words():
    gallery()

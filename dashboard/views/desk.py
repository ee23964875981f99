"""Sampling desk: any checkpoint writes what it is asked to, and shows what it thought at each character."""

import streamlit as st

from dashboard.widgets.desk import desk

st.title("Sampling desk")
st.markdown(
    "Point at a character to see what else the model thought of there, and how sure it was. Put another one in its "
    "place, and the model goes on from it with the same random numbers."
)
desk()

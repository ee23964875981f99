"""The router: which pages there are, and in which section."""

import streamlit as st

from dashboard.theme import apply_page_style
from dashboard.widgets.lecture.chapters import CHAPTERS
from dashboard.widgets.problems import in_words

st.set_page_config(page_title="RNN Lab", page_icon="〰️", layout="wide", initial_sidebar_state=336)
apply_page_style()

PAGES = {
    "Lab": [
        st.Page("views/live_lab.py", title="Live lab", url_path="live-lab", default=True),
        st.Page("views/runs.py", title="Runs", url_path="runs"),
    ],
    "Compare": [st.Page("views/compare.py", title="Compare", url_path="compare")],
    "Diagnose": [
        st.Page("views/gradient_flow.py", title="Gradient flow", url_path="gradient-flow"),
        st.Page("views/dynamics.py", title="Dynamics", url_path="dynamics"),
        st.Page("views/gates_and_memory.py", title="Gates and memory", url_path="gates-and-memory"),
        st.Page("views/inside_the_cell.py", title="Inside the cell", url_path="inside-the-cell"),
        st.Page("views/attribution.py", title="What it looks at", url_path="attribution"),
    ],
    "Samples": [
        st.Page("views/scheduled_sampling.py", title="Scheduled sampling", url_path="scheduled-sampling"),
        st.Page("views/samples.py", title="Samples over training", url_path="samples-over-training"),
        st.Page("views/desk.py", title="Sampling desk", url_path="sampling-desk"),
    ],
    "Lecture": [
        *(st.Page(one.view, title=one.title, url_path=one.name) for one in CHAPTERS),
        st.Page("views/shapes.py", title="All shapes", url_path="shapes"),
    ],
}
page = st.navigation({section: pages for section, pages in PAGES.items() if pages}, position="top")
with in_words():
    page.run()

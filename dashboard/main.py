"""The router: which pages there are, and in which section."""

import streamlit as st

from dashboard.theme import apply_page_style
from dashboard.widgets.problems import in_words

st.set_page_config(page_title="RNN Lab", page_icon="〰️", layout="wide", initial_sidebar_state=336)
apply_page_style()

PAGES = {
    "Lab": [st.Page("views/live_lab.py", title="Live lab", url_path="live-lab", default=True)],
    "Diagnose": [],
}
page = st.navigation({section: pages for section, pages in PAGES.items() if pages}, position="top")
with in_words():
    page.run()

"""Choosing a text, or bringing one's own."""

from __future__ import annotations

import streamlit as st

from dashboard import services
from dashboard.owner import owner
from dashboard.widgets.problems import as_text
from rnncore.errors import RnncoreError
from rnncore.tasks.corpora import CORPORA, decode_upload


def titles() -> dict[str, str]:
    """Corpus key → title: those that come with Python, the well-known ones, and what was uploaded."""
    known = {
        key: f"{corpus.title} (download)" if corpus.needs_download else corpus.title for key, corpus in CORPORA.items()
    }
    return known | {
        # two texts may have one name, and Streamlit knows a chosen option by its text
        one.key: f"{one.name} (upload {one.key[-6:]})"
        for one in services.store().corpora()
    }


def upload() -> None:
    """A place to drop a text file; what arrives becomes the form's corpus."""
    with st.popover("Upload a text", width="stretch"):
        file = st.file_uploader("Any UTF-8 text, up to 20 MB", key="upload", max_upload_size=20)
        if file is None or st.session_state.get("uploaded") == file.file_id:
            if problem := st.session_state.get("upload_problem"):
                st.error(as_text(problem))
            elif file is not None:
                st.success(as_text(f"{file.name} is chosen as the corpus"))
            return
        st.session_state["uploaded"] = file.file_id
        try:
            corpus = decode_upload(file.getvalue(), file.name)
            key = services.store().put_corpus(corpus.name, corpus.text, owner())
        except RnncoreError as error:
            st.session_state["upload_problem"] = str(error)
        else:
            st.session_state["upload_problem"] = ""
            st.session_state["corpus_to_choose"] = key
        st.rerun()


def choose_uploaded() -> None:
    """Before the form is drawn: take over the text that was uploaded in the last rerun."""
    if key := st.session_state.pop("corpus_to_choose", None):
        st.session_state["set_corpus"] = key

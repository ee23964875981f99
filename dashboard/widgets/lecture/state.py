"""What a page of the lecture keeps in the address: the reader's answer, the experiment in view, large letters."""

from __future__ import annotations

import streamlit as st

ANSWER, EXPERIMENT, PRESENT = "answer", "exp", "present"
OWN = (ANSWER, EXPERIMENT, PRESENT)
SKIPPED = "-"
"""In place of an answer: the reader would rather see than guess."""
_STAYS = "lecture_"


def restore(name: str) -> None:
    """At each run of a page: what it had when it was left, unless the address says otherwise."""
    st.session_state.setdefault(f"{_STAYS}{PRESENT}", st.query_params.get(PRESENT) == "1")
    for part in (ANSWER, EXPERIMENT):
        kept = f"{_STAYS}{part}_{name}"
        if part not in st.query_params and st.session_state.get(kept):
            st.query_params[part] = st.session_state[kept]
        elif part in st.query_params:
            st.session_state[kept] = st.query_params[part]
    if presenting():
        st.query_params[PRESENT] = "1"


def keep(name: str, part: str, value: str) -> None:
    """Keep the answer or the experiment of a page; '' forgets it."""
    st.session_state[f"{_STAYS}{part}_{name}"] = value
    if value:
        st.query_params[part] = value
    else:
        st.query_params.pop(part, None)


def get(part: str) -> str:
    """What the address says; '' for nothing."""
    return str(st.query_params.get(part, ""))[:64]


def answer(name: str) -> str:
    """What the reader said on a page; the session knows it before the browser's address does."""
    return str(st.session_state.get(f"{_STAYS}{ANSWER}_{name}") or get(ANSWER))[:64]


def presenting() -> bool:
    """Large letters, and nothing but the page."""
    return bool(st.session_state.get(f"{_STAYS}{PRESENT}"))


def present(on: bool) -> None:
    """Switch large letters on or off."""
    st.session_state[f"{_STAYS}{PRESENT}"] = on
    if on:
        st.query_params[PRESENT] = "1"
    else:
        st.query_params.pop(PRESENT, None)

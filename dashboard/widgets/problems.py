"""What went wrong, as a sentence on the page instead of a stack trace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from rnncore.errors import RnncoreError

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!$~:<>|=])")


def as_text(sentence: str) -> str:
    """A sentence for Streamlit's Markdown that shows as it stands: it may hold a file's or a run's name."""
    return _MARKS.sub(r"\\\1", sentence)


@contextmanager
def in_words() -> Iterator[None]:
    """Show an error of ours as its sentence; the rest of the page stays as it is."""
    try:
        yield
    except RnncoreError as error:
        for sentence in getattr(error, "problems", (str(error),)):
            st.error(as_text(sentence))

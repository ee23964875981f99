"""What went wrong, as a sentence on the page instead of a stack trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from rnncore.errors import RnncoreError


@contextmanager
def in_words() -> Iterator[None]:
    """Show an error of ours as its sentence; the rest of the page stays as it is."""
    try:
        yield
    except RnncoreError as error:
        for sentence in getattr(error, "problems", (str(error),)):
            st.error(sentence)

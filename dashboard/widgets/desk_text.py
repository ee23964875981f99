"""The desk's text as a component: it shows the distribution at the character pointed at without asking the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.figures.desk_text import desk_colours, desk_text
from rnncore.records import Writing

_HERE = Path(__file__).parent
_COLOURS = "\n".join(
    [f".dk {{ --card: {desk_colours()[0]}; }}"]
    + [f".dk-l{level} {{ background: {colour}; }}" for level, colour in enumerate(desk_colours())]
)
_component = st.components.v2.component(
    "desk_text",
    html="<div data-desk></div>",
    css=(_HERE / "desk_text.css").read_text("utf-8") + _COLOURS,
    js=(_HERE / "desk_text.js").read_text("utf-8"),
    isolate_styles=False,
)


def show_text(
    writing: Writing | None,
    *,
    key: str,
    tag: str,
    status: str,
    on_pick: Callable[[], None],
    on_back: Callable[[], None],
) -> Any:
    """Draw what was written.

    Args:
        writing: the texts; None while there are none yet.
        key: stable over reruns, so that what is drawn stays while the next text is written.
        tag: which texts: they are drawn anew when it changes.
        status: what is being done, in a sentence; '' for nothing.
        on_pick: called when the reader puts a character into a text; the result's ``pick`` has text, position and id.
        on_back: called when the reader takes the last one back; the result's ``back`` is the text.
    """
    data = {"writing": None if writing is None else desk_text(writing), "tag": tag, "status": status}
    return _component(key=key, data=data, on_pick_change=on_pick, on_back_change=on_back)

"""A button that copies a link to what is in view: page, runs, moment, what was chosen in the charts, settings."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_CSS = """
[data-share] { display: flex; gap: 8px; align-items: center; font-family: var(--st-font); }
[data-share] button { font: inherit; font-size: .875rem;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 8px); min-height: 2.5rem;
  padding: .25rem .75rem; white-space: nowrap; cursor: pointer; min-width: 6rem; }
[data-share] button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
[data-share] button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
[data-share] input { font: inherit; min-width: 16rem; }
"""
_component = st.components.v2.component(
    "share_link",
    html="<div data-share><button type='button' title='A link that opens exactly this view' aria-live='polite'>"
    "Copy link</button><input hidden readonly aria-label='Link to this view'></div>",
    css=_CSS,
    js=Path(__file__).with_name("share.js").read_text("utf-8"),
    isolate_styles=False,
)


def share_button() -> None:
    """Draw it; what it copies is made in the browser, at the moment that it is pressed."""
    _component(key="share", width="content")

"""What every page about runs has in common: which runs, their controls, and the live charts below."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.live.component import Panel, live_figures, preload
from dashboard.widgets import address, exports, runs
from dashboard.widgets.problems import as_text, in_words
from dashboard.widgets.share import share_button
from rnncore.runs.store import RunInfo

Panels = Callable[[list[RunInfo]], list[Panel]]
"""The cards of a page from top to bottom, for the runs in view."""

LIVE_LAB = "views/live_lab.py"


def run_page(title: str, sentence: str, panels: Panels, *, bar: str) -> None:
    """A page about one run or two beside each other.

    Args:
        title: the page's name.
        sentence: what there is to see and what to look for.
        panels: its cards.
        bar: the id of the card below which the playback bar stands.
    """
    address.restore()
    st.title(title)
    st.markdown(sentence)
    _page(panels, bar)


@st.fragment
def _page(panels: Panels, bar: str) -> None:
    """Runs again by itself when a run's state changes."""
    with in_words():
        run_cards(panels, bar=bar, key="diagnose", empty=_no_run)


def run_cards(
    panels: Panels,
    *,
    bar: str,
    key: str,
    empty: Callable[[], None],
    beside: Callable[[RunInfo], list[RunInfo]] = lambda run: [],
    scale: float = 1.0,
) -> None:
    """Run pickers, controls and cards.

    Args:
        panels: see ``run_page``.
        bar: see ``run_page``.
        key: of the live component.
        empty: draws what stands there while no run is chosen.
        beside: the runs that stand beside a run while none is chosen to.
        scale: how much larger than usual the letters of figures are.
    """
    address.show_problems()
    with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
        runs.pick("Run", "run", "Choose a run")
        if st.session_state.get("run"):
            runs.pick("Beside", "vs", "Beside another run…")
    address.keep()
    watched = runs.watched()
    if not watched:
        empty()
        preload()
        return
    if len(watched) == 1:
        watched += beside(watched[0])
    st.caption("  \n".join(as_text(runs.summary(run)) for run in watched))
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        runs.controls(watched[0])
        runs.beside(watched[0])
        exports.export_menu(watched)
        share_button()
    live_figures(
        {run.id: run.state for run in watched},
        panels(watched),
        key=key,
        bar=bar,
        scale=scale,
        at=address.moment(),
        chosen=address.chosen(),
        on_at_change=lambda: address.moved(st.session_state[key]["at"]),
        on_chosen_change=lambda: address.choose(st.session_state[key]["chosen"] or {}),
    )


def _no_run() -> None:
    st.info("Choose a run above, or start one in the Live lab: this page shows what was measured in it.")
    st.page_link(LIVE_LAB, label="Open the Live lab", icon=":material/play_arrow:")

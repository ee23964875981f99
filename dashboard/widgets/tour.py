"""The tour through the live lab: for whoever starts their first run, until they skip it or that run is over."""

from __future__ import annotations

import streamlit as st

from dashboard import services
from dashboard.live.component import Panel
from dashboard.owner import owner
from rnncore.runs.states import ENDED
from rnncore.runs.store import RunInfo

COOKIE = "rnn_tour"
_OVER, _SEEN = "tour_over", "tour_seen"
_CARD = Panel("tour", "tour", kind="words", span=12)
_REMEMBER = f'<script>document.cookie = "{COOKIE}=over; Path=/; Max-Age=31536000; SameSite=Lax";</script>'


def offer() -> None:
    """The button that skips it, while there is a tour; call it once, above the cards."""
    if st.session_state.get(_OVER):
        if not st.session_state.get(_SEEN):  # once: the browser keeps it, so that it does not come back
            st.session_state[_SEEN] = True
            st.html(_REMEMBER, unsafe_allow_javascript=True)
    elif touring(mine := _mine()) and mine:
        st.button("Skip the tour", key="skip_tour", type="tertiary", icon=":material/close:", on_click=_end)


def card(watched: list[RunInfo]) -> list[Panel]:
    """The tour's card, where there is a tour and the newcomer's own run is in view."""
    mine = _mine()
    return [_CARD] if touring(mine) and mine and watched[0].id == mine[0].id else []


def touring(mine: list[RunInfo]) -> bool:
    """Whether this visitor is new: has no run, or one that was seen from its start; and has not skipped the tour."""
    if st.session_state.get(_OVER):
        return False
    if st.context.cookies.get(COOKIE) or len(mine) > 1:
        _end()
        return False
    if not mine:
        st.session_state["tour_from_the_start"] = True
    elif mine[0].state in ENDED and not st.session_state.get("tour_from_the_start"):
        _end()  # they came back to a run that is over: no newcomers any more
        return False
    return True


def _mine() -> list[RunInfo]:
    """This visitor's two newest runs that were trained here."""
    return [run for run in services.store().runs(limit=2, owner=owner()) if not run.elsewhere]


def _end() -> None:
    st.session_state[_OVER] = True

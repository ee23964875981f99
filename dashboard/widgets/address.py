"""The address bar: which runs, which moment, which settings. A link opens the same thing elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping

import streamlit as st

from dashboard import services
from dashboard.widgets import settings
from dashboard.widgets.problems import as_text
from rnncore.config import LEAVES
from rnncore.errors import RnncoreError

_OWN = (
    "run",
    "vs",
    "at",
    "show",
    "write",
    "race",
    "draft",
    "closer",
    "pick",
    "find",
    "answer",
    "exp",
    "present",
    "states",
    "cells",
    "tasks",
    "tags",
    "date",
    "sort",
    "mine",
)
"""What pages keep in the address beside settings."""
_CHOSEN = re.compile(r"([a-z_]{1,20}[0-9]?)\.([0-9]{1,3})")


def restore() -> None:
    """At a session's start: settings and runs from the address; later: keep what the user chose."""
    query = st.query_params
    if not settings.is_seeded():
        problems = settings.seed_from_address(query)
        unknown = [name for name in query if name not in LEAVES and name not in _OWN]
        problems += [f"{name} in the address is no setting and was left out" for name in unknown]
        for name in ("run", "vs"):
            problems += _find(name, query.get(name))
        st.session_state["race"] = query.get("race")
        st.session_state["address_problems"] = problems
    settings.keep()
    for name in ("run", "vs", "race"):  # another page: Streamlit forgets what a list of the page before held
        st.session_state[name] = st.session_state.get(name)


def _find(name: str, run_id: str | None) -> list[str]:
    """Put a run of the address into view; a sentence where there is none of that id."""
    st.session_state[name] = None
    if not run_id:
        return []
    try:
        services.store().revision(run_id)
    except RnncoreError as error:
        return [str(error)]
    st.session_state[name] = run_id
    return []


def moment() -> int | None:
    """The training step in view, None for the present."""
    text = st.query_params.get("at", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def chosen() -> dict[str, int]:
    """What the reader chose within the charts: parameter → value, e.g. ``show=layer.1-unit.5``."""
    found = (_CHOSEN.fullmatch(part) for part in st.query_params.get("show", "").split("-"))
    return {one[1]: int(one[2]) for one in found if one}


def choose(chosen: Mapping[str, float]) -> None:
    """Keep what the reader chose within the charts."""
    st.query_params["show"] = "-".join(f"{name}.{int(value)}" for name, value in chosen.items())


def moved(at: float | None) -> None:
    """Keep the moment that the reader went to."""
    if at is None:
        st.query_params.pop("at", None)
    else:
        st.query_params["at"] = str(int(at))


def keep(*, race: bool = False) -> None:
    """Write what is in view, and the settings that differ from the defaults, into the address bar.

    Args:
        race: the page is about races: the one in view, and the one that is being set up, belong into it.
    """
    wanted = settings.to_address()
    for name in ("run", "vs"):
        if st.session_state.get(name):
            wanted[name] = st.session_state[name]
    if "run" in wanted:
        wanted |= {name: st.query_params[name] for name in ("at", "show", "write") if name in st.query_params}
    if race and st.session_state.get("race"):
        wanted["race"] = st.session_state["race"]
        wanted |= {name: st.query_params[name] for name in ("at", "show", "closer") if name in st.query_params}
    if race and st.session_state.get("race_draft"):
        wanted["draft"] = st.session_state["race_draft"]
    wanted |= {name: st.query_params[name] for name in ("answer", "present") if name in st.query_params}
    if dict(st.query_params) != wanted:
        st.query_params.from_dict(wanted)


def show_problems() -> None:
    """Sentences about what was refused; they stay until the reader does something else (see ``runs.settled``)."""
    for sentence in st.session_state.get("address_problems") or []:
        st.warning(as_text(sentence))
    if problem := st.session_state.get("problem"):
        st.error(as_text(problem))

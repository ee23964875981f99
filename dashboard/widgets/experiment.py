"""Training from a page of the lecture: a Train button with the page's own settings, and the visitor's runs below it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import services
from dashboard.live.component import live_figures, preload
from dashboard.live.route import MOST_RUNS
from dashboard.owner import owner
from dashboard.widgets import address, runs
from dashboard.widgets.page import Panels
from dashboard.widgets.share import share_button
from rnncore.config import RunConfig
from rnncore.errors import RnncoreError
from rnncore.runs.store import RunInfo


def train_button(config: Callable[[], RunConfig], *, key: str, label: str = "Train", vs: bool = False) -> None:
    """A button that starts a run and puts it in view.

    Args:
        config: makes the run's configuration from the page's widgets, when the button is pressed.
        key: of the button.
        label: what it says.
        vs: put the run that was in view beside the new one.
    """
    st.button(label, type="primary", icon=":material/play_arrow:", key=key, on_click=_train, args=(config, vs))


def _train(config: Callable[[], RunConfig], vs: bool) -> None:
    try:
        started = runs.train(config())
    except RnncoreError as error:
        runs.problem(error)
        return
    if started:
        before = st.session_state.get("run")
        st.session_state["vs"] = before if vs and before != started else None
        st.session_state["run"] = started
        st.query_params.pop("at", None)


def runs_of(task: str, most: int = MOST_RUNS) -> list[RunInfo]:
    """The runs of a kind of task that a page shows: those of the address, then this visitor's newest."""
    found: dict[str, RunInfo] = {}
    for name in ("run", "vs"):
        if chosen := st.session_state.get(name):
            try:
                found[chosen] = services.store().get(chosen)
            except RnncoreError as error:
                runs.problem(error)
                st.session_state[name] = None
    found |= {run.id: run for run in services.store().runs(limit=200, owner=owner()) if run.id not in found}
    return [run for run in found.values() if run.config.task.kind == task][:most]


def shown(
    found: list[RunInfo],
    panels: Panels,
    *,
    key: str,
    bar: str,
    empty: Callable[[], None] = preload,
    scale: float = 1.0,
    alone: bool = False,
) -> None:
    """Runs: which one to look at closely, its controls, and the live cards of all of them.

    Call it in a fragment, after ``address.restore``; it keeps the address bar.

    Args:
        found: the runs, the one in view first; see ``runs_of``.
        panels: the cards for the runs in view, the one that is looked at first.
        key: of the live component.
        bar: the id of the card below which the playback bar stands.
        empty: draws what stands there while there is no run.
        scale: how much larger than usual the letters of figures are.
        alone: show the one that is looked at, and not the others beside it.
    """
    address.show_problems()
    if found:
        with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
            first = _pick(found, f"{key}_closer")
            runs.controls(first)
            share_button()
        found = [first] if alone else [first, *(run for run in found if run.id != first.id)]
    address.keep()
    if not found:
        empty()
        preload()
        return
    live_figures(
        {run.id: run.state for run in found},
        panels(found),
        key=key,
        bar=bar,
        scale=scale,
        at=address.moment(),
        chosen=address.chosen(),
        on_at_change=lambda: address.moved(st.session_state[key]["at"]),
        on_chosen_change=lambda: address.choose(st.session_state[key]["chosen"] or {}),
    )


def _pick(found: list[RunInfo], key: str) -> RunInfo:
    """Which run to look at closely: the one of the address, else the newest."""
    by_id = {run.id: run for run in found}
    st.session_state[key] = found[0].id
    st.selectbox(
        "Look closer at",
        sorted(by_id, key=lambda run_id: -by_id[run_id].created),
        key=key,
        format_func=lambda run_id: runs.title(by_id[run_id]),
        label_visibility="collapsed",
        width=340,
        on_change=_look_closer,
        args=(key,),
    )
    return by_id[st.session_state[key]]


def _look_closer(key: str) -> None:
    runs.settled()
    st.session_state["run"] = st.session_state[key]
    st.query_params.pop("at", None)

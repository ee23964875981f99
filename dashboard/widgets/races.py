"""Choosing a race, what may be done with it, and its live cards."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from dashboard import services
from dashboard.live.component import live_figures, preload
from dashboard.live.source import race_state
from dashboard.owner import owner
from dashboard.widgets import address, exports, race_form, runs
from dashboard.widgets.problems import as_text
from dashboard.widgets.race_panels import panels, whole
from dashboard.widgets.share import share_button
from rnncore.comparison import Race
from rnncore.errors import RnncoreError
from rnncore.runs.races import RaceInfo, Races

_TWICE = 2.0  # seconds within which a second press is the same press


def start(race: Race) -> None:
    """Queue a race and put it in view."""
    runs.settled()
    last = st.session_state.get("last_race")
    now = time.monotonic()
    if last and last[0] == race and now - last[1] < _TWICE:
        st.session_state["race"] = last[2]
        return
    try:
        made = services.launcher().race(race.name, race.to_json(), race.runs(), owner=owner())
    except RnncoreError as error:
        runs.problem(error)
        return
    st.session_state["last_race"] = (race, now, made.id)
    _look_at(made.id)


def _look_at(race_id: str | None) -> None:
    st.session_state["race"] = race_id
    st.session_state["race_in_list"] = race_id
    st.query_params.pop("at", None)


def chosen() -> RaceInfo | None:
    """The race in view."""
    race_id = st.session_state.get("race")
    if not race_id:
        return None
    try:
        return Races(services.store()).get(race_id)
    except RnncoreError as error:
        st.error(as_text(str(error)))
        st.session_state["race"] = None
        return None


def pick() -> None:
    """A list of all races, newest first."""
    found = {race.id: race for race in Races(services.store()).all()}
    current = st.session_state.get("race")
    st.session_state["race_in_list"] = current if current in found else None
    st.selectbox(
        "Race", list(found), key="race_in_list", index=None, format_func=lambda race_id: title(found[race_id]),
        placeholder="Choose a race" if found else "No race yet", label_visibility="collapsed", width=420,
        on_change=lambda: _look_at(st.session_state["race_in_list"]),
    )  # fmt: skip


def title(race: RaceInfo) -> str:
    """One line that tells races apart, and never changes."""
    when = time.strftime("%d %b %H:%M", time.localtime(race.created))
    return f"{race.name} · {race.id} · {when}"


def controls(info: RaceInfo, race: Race) -> None:
    """Pause, resume, cancel, race again, change, delete."""
    mine = info.owner == owner()
    races = Races(services.store())
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="controls"):
        if info.paused or any(run.state == "interrupted" and not run.goes_on for run in info.runs):
            _button("Resume", "play_arrow", "race_resume", lambda: _resumed(races, info.id), disabled=not mine)
        elif not info.over:
            _button("Pause", "pause", "race_pause", lambda: _do(races.pause, info.id), disabled=not mine)
        if not info.over:
            _button("Cancel", "stop", "race_cancel", lambda: _do(races.cancel, info.id), disabled=not mine)
        same = "The same settings, data and seeds: every number comes out the same"
        _button("Again", "replay", "race_again", lambda: start(race), help=same)
        _button("New seeds", "casino", "race_new_seeds", lambda: start(race.with_seeds(race.new_seeds)),
                help=f"The same race with seeds {race.new_seeds[0]} to {race.new_seeds[-1]}")  # fmt: skip
        _button("Change", "edit", "race_change", lambda: _change(race), help="Put its settings into the form above")
        if info.over:
            with st.popover("Delete", icon=":material/delete:", disabled=not mine):
                st.markdown(f"Delete this race and its {len(info.runs)} runs with all that was measured?")
                _button("Delete for good", "delete", "race_delete", lambda: _deleted(races, info.id))
        exports.export_menu(info.runs, race=info.id, panels=whole(race))
        share_button()
        if not mine:
            st.caption("Started elsewhere: you watch, its owner steers.")


def _button(
    label: str, icon: str, key: str, act: Callable[[], None], *, disabled: bool = False, help: str = ""
) -> None:
    st.button(label, icon=f":material/{icon}:", key=key, on_click=act, disabled=disabled, help=help or None)


def _do(act: Callable[[str, str | None], None], race_id: str) -> None:
    runs.settled()
    try:
        act(race_id, owner())
    except RnncoreError as error:
        runs.problem(error)


def _resumed(races: Races, race_id: str) -> None:
    _do(races.go_on, race_id)
    services.launcher().wake()


def _deleted(races: Races, race_id: str) -> None:
    _do(races.delete, race_id)
    if not st.session_state.get("problem"):
        _look_at(None)


def _change(race: Race) -> None:
    race_form.load_race(race)
    st.session_state["race_form_open"] = True
    st.session_state["form_changed"] = True  # the form is outside of the fragment that this button is in


def live(info: RaceInfo, race: Race, seed: int) -> None:
    """The race's cards, and below them the contenders' runs with one seed beside each other."""
    close = [run for run in info.runs if run.config.seed == seed]
    close = sorted(close, key=lambda run: run.contender)[: 1 if race.axes else None]
    if not close:
        st.info("The runs of this seed were deleted; choose another seed.")
        preload()
        return
    live_figures(
        {run.id: run.state for run in close},
        panels(race, seed),
        key="compare",
        bar="race_progress",
        at=address.moment(),
        chosen=address.chosen(),
        race=(info.id, race_state(info)),
        on_at_change=lambda: address.moved(st.session_state["compare"]["at"]),
        on_chosen_change=lambda: address.choose(st.session_state["compare"]["chosen"] or {}),
    )


def pick_seed(race: Race) -> int:
    """Whose runs stand beside each other at the end of the page."""
    if race.axes or len(race.seeds) == 1:
        return race.seeds[0]
    key = "race_seed"
    if st.session_state.get(key) not in race.seeds:
        asked = st.query_params.get("closer", "")
        st.session_state[key] = int(asked) if asked.isdigit() and int(asked) in race.seeds else race.seeds[0]
    st.query_params["closer"] = str(st.session_state[key])
    seed = st.selectbox(
        "Look closer at", race.seeds, key=key, format_func=lambda seed: f"Look closer at seed {seed}",
        label_visibility="collapsed", width=190,
    )  # fmt: skip
    return int(seed)

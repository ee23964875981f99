"""The page of all runs: filters, the table, and what may be done with the runs that are ticked in it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import streamlit as st

from dashboard import services
from dashboard.owner import owner
from dashboard.widgets import address, exports, run_list, runs, settings
from dashboard.widgets.problems import as_text
from dashboard.widgets.share import share_button
from rnncore.errors import RnncoreError
from rnncore.runs.states import RESUMABLE
from rnncore.runs.store import RunInfo

EVERY = 3.0  # seconds between two looks at the store
LAB = "views/live_lab.py"
PAGES = {
    "Live lab": LAB,
    "Gradient flow": "views/gradient_flow.py",
    "Dynamics": "views/dynamics.py",
    "Gates and memory": "views/gates_and_memory.py",
    "Inside the cell": "views/inside_the_cell.py",
    "What it looks at": "views/attribution.py",
    "Scheduled sampling": "views/scheduled_sampling.py",
    "Samples over training": "views/samples.py",
    "Sampling desk": "views/desk.py",
}
ONE_RUN = ("views/desk.py", "views/attribution.py")
_PICKED = "runs_picked"
_FILTERS = ("words", "states", "cells", "tasks", "tags", "date", "mine", "sort")
_LISTS = ("states", "cells", "tasks", "tags")
_PLURAL = {"states": "state", "cells": "cell", "tasks": "task", "tags": "tag"}


def show() -> None:
    """The whole page below its title."""
    every = services.store().runs(limit=run_list.ALL)
    _restore(every)
    address.show_problems()
    if not every:
        st.info("There is no run yet. Start one in the Live lab: it is listed here from its first moment on.")
        st.page_link(LAB, label="Open the Live lab", icon=":material/play_arrow:")
        return
    wanted, sort = _filters(every)
    matching = run_list.found(every, wanted, sort)
    _count(len(matching), len(every))
    _table(matching[: run_list.MOST_ROWS])
    _keep()
    by_id = {run.id: run for run in every}
    picked = [by_id[run_id] for run_id in st.session_state[_PICKED]]
    if picked:
        _selected(picked, every, {run.id for run in matching})
    else:
        st.caption("Tick one run or more in the first column to open, tag, copy, resume, export or delete them.")


def _restore(every: Sequence[RunInfo]) -> None:
    """Filters and ticks: from the address at first; later those of runs that are still there."""
    known = {run.id for run in every}
    if _PICKED not in st.session_state:
        asked = [one for one in st.query_params.get("pick", "").split("-") if one]
        st.session_state[_PICKED] = asked
        st.session_state["runs_words"] = st.query_params.get("find", "")[:200]
        _restore_filters()
        if missing := [one[:20] for one in asked if one not in known]:
            sentence = (
                f"The address names {', '.join(missing[:3])}, and there is no such run: it was deleted or never made"
            )
            st.session_state["address_problems"] = [*(st.session_state.get("address_problems") or []), sentence]
    st.session_state[_PICKED] = [one for one in dict.fromkeys(st.session_state[_PICKED]) if one in known]
    for name in _FILTERS:  # another page: Streamlit forgets what the filters held
        if f"runs_{name}" in st.session_state:
            st.session_state[f"runs_{name}"] = st.session_state[f"runs_{name}"]


def _restore_filters() -> None:
    """What the address says of the filters; a date or an order that there is not is refused in a sentence."""
    for name in _LISTS:
        if given := [one[:60] for one in st.query_params.get(name, "").split("~") if one][:20]:
            st.session_state[f"runs_{name}"] = given
    for name, known in (("date", run_list.DATES), ("sort", run_list.SORTS)):
        wanted = st.query_params.get(name, "")
        if wanted in known:
            st.session_state[f"runs_{name}"] = wanted
        elif wanted:
            sentence = f"{name} in the address must be one of {', '.join(known)}, got {wanted[:40]!r}; it was left out"
            st.session_state["address_problems"] = [*(st.session_state.get("address_problems") or []), sentence]
    if st.query_params.get("mine") == "1":
        st.session_state["runs_mine"] = True


def _keep() -> None:
    """Ticks, words and filters into the address, beside what every page keeps there."""
    address.keep()
    state = st.session_state
    given = {"pick": "-".join(state[_PICKED]), "find": state.get("runs_words", "")}
    given |= {name: "~".join(state.get(f"runs_{name}") or []) for name in _LISTS}
    sort = state.get("runs_sort") or ""
    given |= {"date": state.get("runs_date") or "", "sort": "" if sort == next(iter(run_list.SORTS)) else sort}
    given["mine"] = "1" if state.get("runs_mine") else ""
    for name, value in given.items():
        if value:
            st.query_params[name] = value


def _filters(every: Sequence[RunInfo]) -> tuple[run_list.Filter, str]:
    """The row of filters; each offers what there is."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="runs_filters"):
        words = st.text_input(
            "Search", key="runs_words", placeholder="name, tag, note, id, …", max_chars=200, width=230
        )
        states = _choice("State", "states", (run.state for run in every))
        cells = _choice("Cell", "cells", map(run_list.cell_label, every))
        tasks = _choice("Task", "tasks", map(run_list.what_is_learned_by, every))
        tags = _choice("Tag", "tags", (tag for run in every for tag in run.tags))
        date = st.selectbox(
            "Date", list(run_list.DATES), key="runs_date", index=None, placeholder="any time", width=130
        )
        sort = st.selectbox("Sort", list(run_list.SORTS), key="runs_sort", width=140)
        mine = st.toggle("Mine only", key="runs_mine")
    since = time.time() - run_list.DATES[date].total_seconds() if date else 0.0
    return run_list.Filter(words, states, cells, tasks, tags, since, owner() if mine else ""), sort


def _choice(label: str, name: str, values: Iterable[str]) -> frozenset[str]:
    """Several of what there is; what is chosen stays on offer, so that it is never taken away unasked."""
    key = f"runs_{name}"
    options = sorted({*values, *st.session_state.get(key, [])}, key=str.casefold)
    return frozenset(st.multiselect(label, options, key=key, placeholder="any", width=150))


def _count(matching: int, total: int) -> None:
    said = f"{total:,} runs" if matching == total else f"{matching:,} of {total:,} runs"
    if total == 1:
        said = "1 run" if matching else "0 of 1 run"
    if matching > run_list.MOST_ROWS:
        said += f", the first {run_list.MOST_ROWS:,} of them listed: search or filter for others"
    st.caption(said if matching else f"{said}: no run fits; take a filter away")


def _table(listed: Sequence[RunInfo]) -> None:
    """The rows. Other rows are another table, so that a tick never moves to the run that took a row's place."""
    if not listed:
        return
    ids = [run.id for run in listed]
    key = (
        "runs_table_"
        + hashlib.sha256("".join([*ids, str(st.session_state.get("runs_cleared", 0))]).encode()).hexdigest()[:10]
    )
    place = {run_id: row for row, run_id in enumerate(ids)}
    ticked = [place[one] for one in st.session_state[_PICKED] if one in place]
    config = st.column_config
    st.dataframe(
        run_list.table(listed),
        key=key,
        hide_index=True,
        height=min(38 + 35 * len(listed), 528),
        on_select=lambda: _ticked(key, ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked, "columns": [], "cells": []}},
        column_config={
            "Run": config.TextColumn(width=76),
            "Name": config.TextColumn(width="medium"),
            "State": config.TextColumn(width=92),
            "Done": config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100, width=110),
            "Step": config.NumberColumn(format="localized", width=90),
            "Tags": config.ListColumn(width=150),
            "Race": config.LinkColumn(width=76, display_text=r"race=(\w+)$", help="Opens the race on the page Compare"),
            "Asked for": config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
        },
    )


def _ticked(key: str, ids: Sequence[str]) -> None:
    """Keep what is ticked: runs, not rows; those that a filter hides stay ticked."""
    runs.settled()
    hidden = [one for one in st.session_state[_PICKED] if one not in set(ids)]
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state[_PICKED] = [*hidden, *(ids[row] for row in rows if row < len(ids))]


def _clear() -> None:
    st.session_state[_PICKED] = []
    st.session_state["runs_cleared"] = st.session_state.get("runs_cleared", 0) + 1


def _selected(picked: Sequence[RunInfo], every: Sequence[RunInfo], visible: set[str]) -> None:
    """What may be done with the ticked runs."""
    names = ", ".join(f"{run.name} ({run.id})" for run in picked[:4]) + (", …" if len(picked) > 4 else "")
    hidden = sum(run.id not in visible for run in picked)
    with st.container(border=True, key="runs_selected"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{len(picked)} ticked:** {as_text(names)}", width="stretch")
            st.button("Untick all", key="runs_clear", type="tertiary", on_click=_clear)
        if hidden:
            st.caption(f"{hidden} of them not in the list as it is filtered now.")
        _open(picked)
        _actions(picked)
        _words(picked, every)


def _open(picked: Sequence[RunInfo]) -> None:
    """A link to each page, with the first two."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs_open"):
        st.caption("Open in", width="content")
        for title, path in PAGES.items():
            key = f"open_{path.removeprefix('views/').removesuffix('.py')}"
            if st.button(title, key=key, type="tertiary"):
                _look_at(picked, path)
    if len(picked) > 1:
        others = f"of the {len(picked)} ticked " if len(picked) > 2 else ""
        st.caption(
            f"A page shows two runs {others}beside each other: {picked[0].id} and {picked[1].id}"
            + ("; the others are left out there." if others else ".")
            + f" {' and '.join(title for title, path in PAGES.items() if path in ONE_RUN)} show one at a time."
        )


def _look_at(picked: Sequence[RunInfo], path: str) -> None:
    st.session_state["run"] = picked[0].id
    st.session_state["vs"] = picked[1].id if len(picked) > 1 else None
    query = {"run": picked[0].id} | ({"vs": picked[1].id} if len(picked) > 1 else {})
    st.switch_page(path, query_params=query)


def _actions(picked: Sequence[RunInfo]) -> None:
    me = owner()
    mine = [run for run in picked if run.owner == me]
    resumable = [run for run in mine if run.state in RESUMABLE and not run.elsewhere]
    live = [run for run in mine if run.state in runs.LIVE and not run.elsewhere]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs_actions"):
        if len(picked) == 1 and not picked[0].elsewhere:
            about = "Put this run's settings into the Live lab's form, to change and train them"
            if st.button("Copy settings into the form", icon=":material/content_copy:", key="clone", help=about):
                _clone(picked[0])
        if resumable:
            _each("Resume", "play_arrow", "resume_all", resumable, runs.resume)
        if live:
            _each("Stop", "stop", "stop_all", live, lambda run_id: runs.send(run_id, "stop"))
        exports.export_menu(picked)
        _delete(picked, mine)
        share_button()


def _each(label: str, icon: str, key: str, which: Sequence[RunInfo], act: Callable[[str], None]) -> None:
    """A button that does something to each of some runs."""

    def pressed() -> None:
        for run in which:
            act(run.id)

    count = f" {len(which)} runs" if len(which) > 1 else ""
    st.button(label + count, icon=f":material/{icon}:", key=key, on_click=pressed)


def _clone(run: RunInfo) -> None:
    settings.seed(run.config)
    st.session_state["preset"] = settings.CUSTOM
    st.session_state["run"] = st.session_state["vs"] = None
    st.switch_page(LAB, query_params=settings.to_address())


def _delete(picked: Sequence[RunInfo], mine: Sequence[RunInfo]) -> None:
    """Asks first, and says which are left alone and why."""
    doomed = [run for run in mine if not run.active or run.elsewhere]
    with st.popover("Delete", icon=":material/delete:"):
        if others := len(picked) - len(mine):
            st.markdown(f"{_runs(others)} started elsewhere: only the owner deletes them.")
        if busy := [run for run in mine if run not in doomed]:
            names = ", ".join(f"{run.id} is {run.state}" for run in busy[:5])
            st.markdown(f"{names}: stop it first, then delete it.")
        if not doomed:
            st.markdown("Nothing here can be deleted now.")
            return
        names = ", ".join(run.id for run in doomed[:6]) + (", …" if len(doomed) > 6 else "")
        st.markdown(
            f"Delete {_runs(len(doomed))} ({names}) with all curves, samples, measurements and checkpoints? "
            "This cannot be undone."
        )
        if races := sorted({run.race for run in doomed if run.race}):
            st.markdown(f"Part of race {', '.join(races)}: its table will lack them.")
        st.button(
            f"Delete {_runs(len(doomed))}",
            key="delete",
            type="primary",
            on_click=_forget,
            args=([run.id for run in doomed],),
        )


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _forget(ids: Sequence[str]) -> None:
    runs.settled()
    for run_id in ids:
        try:
            services.store().delete(run_id, owner=owner())
        except RnncoreError as error:
            runs.problem(error)
            continue
        for name in ("run", "vs"):
            if st.session_state.get(name) == run_id:
                st.session_state[name] = None


def _words(picked: Sequence[RunInfo], every: Sequence[RunInfo]) -> None:
    """Tags and a note of one run; tags to add to several."""
    known = {tag for run in every for tag in run.tags}
    me = owner()
    if len(picked) > 1:
        mine = [run for run in picked if run.owner == me]
        st.multiselect(
            "Add tags to all ticked", sorted(known), key="runs_add_tags", accept_new_options=True, disabled=not mine,
            placeholder="Choose or type, then Enter", on_change=_add_tags, args=(mine,), width=420,
        )  # fmt: skip
        return
    run = picked[0]
    left, right = st.columns(2)
    foreign = run.owner != me
    with left:
        key = f"tags_{run.id}"
        _kept(key, list(run.tags))
        st.multiselect(
            "Tags", sorted(known | set(st.session_state[key])), key=key, accept_new_options=True, disabled=foreign,
            placeholder="Choose or type, then Enter",
            on_change=lambda: _write(services.store().tag, run.id, st.session_state[key]),
        )  # fmt: skip
    with right:
        note = f"note_{run.id}"
        _kept(note, run.note)
        st.text_area(
            "Note", key=note, disabled=foreign, height=72, max_chars=4000,
            placeholder="Your own words about this run",
            on_change=lambda: _write(services.store().note, run.id, st.session_state[note]),
        )  # fmt: skip
    if foreign:
        st.caption("Started elsewhere: its owner tags and annotates it. A copy of its settings is yours.")


def _kept(key: str, value: Any) -> None:
    """What the field begins with: the store's words, unless something is being written."""
    st.session_state.setdefault(key, value)


def _write(save: Callable[..., None], run_id: str, value: Any) -> None:
    runs.settled()
    try:
        save(run_id, value, owner=owner())
    except RnncoreError as error:
        runs.problem(error)


def _add_tags(mine: Sequence[RunInfo]) -> None:
    added = st.session_state["runs_add_tags"]
    st.session_state["runs_add_tags"] = []
    for run in mine:
        _write(services.store().tag, run.id, [*run.tags, *added])
        st.session_state.pop(f"tags_{run.id}", None)

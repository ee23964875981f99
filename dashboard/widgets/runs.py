"""Choosing a run, and what may be done with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from dashboard import services
from dashboard.owner import owner
from dashboard.widgets.problems import as_text
from rnncore.config import CELL_LABELS, CELLS, KEEPING_GATE, RECURRENT_MATRIX, RunConfig
from rnncore.errors import RnncoreError
from rnncore.runs.store import RunInfo
from rnncore.tasks.corpora import CORPORA

LIVE = ("queued", "starting", "running", "paused")
_TWICE = 2.0  # seconds within which a second press on Train is the same press


def problem(error: Exception) -> None:
    """Keep a sentence for the top of the page."""
    st.session_state["problem"] = str(error)


def settled() -> None:
    """The reader does something: what was said of the last thing is done with."""
    st.session_state["problem"] = ""
    st.session_state["address_problems"] = []


def train(config: RunConfig) -> str | None:
    """Start a run; its id, or None where it was refused (the reason goes to the top of the page)."""
    settled()
    last = st.session_state.get("last_train")
    now = time.monotonic()
    if last and last[0] == config and now - last[1] < _TWICE:
        return str(last[2])
    try:
        run = services.launcher().submit(config, owner=owner())
    except RnncoreError as error:
        problem(error)
        return None
    st.session_state["last_train"] = (config, now, run.id)
    return run.id


def send(run_id: str, kind: str, **values: object) -> None:
    """Send a command to a run; a refusal goes to the top of the page."""
    settled()
    try:
        services.store().send(run_id, kind, owner=owner(), **values)
    except RnncoreError as error:
        problem(error)


def title(run: RunInfo) -> str:
    """One line that tells runs apart. It must never change: Streamlit knows a chosen option by its text."""
    when = time.strftime("%d %b %H:%M", time.localtime(run.created))
    return f"{run.config.label} · {run.id} · {when}"


def pick(label: str, key: str, placeholder: str) -> None:
    """A list of all runs, newest first; the choice is kept in ``session_state[key]``.

    ``placeholder`` stands there while none is chosen; where there is none, the list says so itself.
    """
    runs = {run.id: run for run in services.store().runs(limit=200)}
    chosen = st.session_state.get(key)
    if chosen and chosen not in runs:  # an old one, or one that was deleted meanwhile
        try:
            runs[chosen] = services.store().get(chosen)
        except RnncoreError as error:
            st.error(as_text(str(error)))
            st.session_state[key] = None
    st.selectbox(
        label,
        list(runs),
        key=key,
        index=None,
        format_func=lambda run_id: title(runs[run_id]),
        placeholder=placeholder if runs else "No run yet",
        label_visibility="collapsed",
        on_change=_other_moment,
    )


def watched() -> list[RunInfo]:
    """The runs in view: the chosen one, and the one beside it."""
    ids = dict.fromkeys(st.session_state.get(key) for key in ("run", "vs"))
    found = []
    for run_id in ids:
        if run_id and st.session_state.get("run"):
            try:
                found.append(services.store().get(run_id))
            except RnncoreError as error:
                st.error(as_text(str(error)))
    return found


def summary(run: RunInfo) -> str:
    """What a run is made of, in one line."""
    config = run.config
    if run.elsewhere:
        count = len(config.model.layer_names)
        parts = f"{count} layers and directions" if count > 1 else "one recurrent layer"
        size = f", {run.parameters:,} parameters" if run.parameters else ""
        return f"{config.label}: {parts}{size}, sequences of {config.task.sequence_length} steps; trained elsewhere"
    corpus = what_is_learned(config)
    layers = f", {config.model.num_layers} layers" if config.model.num_layers > 1 else ""
    size = f"{run.parameters:,} parameters" if run.parameters else f"{config.model.hidden_size} units"
    return (
        f"{config.label}{layers} on {corpus}, {size}, windows of {config.task.sequence_length} × "
        f"{config.training.batch_size}, {config.training.optimizer}"
    )


def what_is_learned(config: RunConfig) -> str:
    """The text's or task's title."""
    if config.corpus is None:
        return config.task.title
    return CORPORA[config.corpus].title if config.corpus in CORPORA else "an uploaded text"


def _other_moment() -> None:
    st.query_params.pop("at", None)


def controls(run: RunInfo) -> None:
    """Buttons for one run: pause, step, stop, resume, restart, and the two numbers that may change."""
    if run.elsewhere:
        st.caption("Trained elsewhere: this page watches, the program that trains it steers.")
        return
    mine = run.owner == owner()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        if run.state == "paused":
            _command("Resume", "play_arrow", "resume", run, mine)
            _command("One step", "skip_next", "step", run, mine)
        elif run.state in LIVE:
            _command("Pause", "pause", "pause", run, mine)
        elif run.state in ("stopped", "interrupted", "failed"):
            _button("Resume from checkpoint", "play_arrow", "requeue", resume, run.id, disabled=not mine)
        if run.state in LIVE:
            _command("Stop", "stop", "stop", run, mine)
        _button("Again", "replay", "again", _again, run.id, help="A new run from the same initial weights")
        if run.state in LIVE:
            _on_the_fly(run, mine)
        if run.state == "running":
            now = "Take every measurement at the next step, whatever the time budget says"
            _command("Measure now", "straighten", "measure", run, mine, help=now)
        if not mine:
            st.caption("Started elsewhere: you watch, its owner steers.")


def _command(label: str, icon: str, kind: str, run: RunInfo, mine: bool, help: str | None = None) -> None:
    """A button that sends a command to the run; its key is the command."""
    _button(label, icon, kind, send, run.id, kind, disabled=not mine, help=help)


def _button(
    label: str,
    icon: str,
    key: str,
    act: Callable[..., None],
    *args: str,
    disabled: bool = False,
    help: str | None = None,
) -> None:
    st.button(label, icon=f":material/{icon}:", key=key, disabled=disabled, help=help, on_click=act, args=args)


def _on_the_fly(run: RunInfo, mine: bool) -> None:
    with st.popover("Change while it runs", icon=":material/tune:", disabled=not mine):
        training = run.config.training
        lr = st.number_input(
            "Learning rate", 0.0, 100.0, training.lr, format="%.4g", key=f"live_lr_{run.id}", step=0.001
        )
        clip = st.number_input(
            "Clip norm",
            0.001,
            1e6,
            training.clip_norm,
            format="%.3g",
            placeholder="off",
            key=f"live_clip_{run.id}",
            step=0.5,
        )
        st.button(
            "Apply at the next step",
            key="apply",
            type="primary",
            on_click=send,
            args=(run.id, "set"),
            kwargs={"lr": lr, "clip_norm": clip},
        )


def beside(run: RunInfo) -> None:
    """Start the same settings and seed with another cell, next to this run."""
    if run.elsewhere:
        return
    others = [cell for cell in CELLS if cell != run.config.model.cell]
    st.selectbox(
        "Beside another cell",
        others,
        index=None,
        key="beside_cell",
        format_func=CELL_LABELS.__getitem__,
        placeholder="Beside another cell…",
        label_visibility="collapsed",
        width=210,
        on_change=_start_beside,
        args=(run,),
    )


def _start_beside(run: RunInfo) -> None:
    cell = st.session_state["beside_cell"]
    st.session_state["beside_cell"] = None
    if cell is None:
        return
    changes: dict[str, object] = {"cell": cell, "name": ""}
    if cell not in KEEPING_GATE:
        changes["gate_bias"] = "default"
    if cell not in RECURRENT_MATRIX:
        changes |= {"recurrent": "default", "recurrent_gain": 1.0}
    started = train(run.config.changed(**changes))
    if started:
        st.session_state["vs"] = started


def resume(run_id: str) -> None:
    """Let an ended run go on from its newest checkpoint; a refusal goes to the top of the page."""
    settled()
    try:
        services.launcher().resume(run_id, owner=owner())
    except RnncoreError as error:
        problem(error)


def _again(run_id: str) -> None:
    settled()
    try:
        run = services.launcher().restart(run_id, owner=owner())
    except RnncoreError as error:
        problem(error)
    else:
        st.session_state["run"] = run.id
        st.session_state["vs"] = None

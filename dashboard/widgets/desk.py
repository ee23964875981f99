"""The sampling desk: which checkpoint, what it wrote, and the reader's own characters in it."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from dashboard import services
from dashboard.figures.desk_entropy import desk_entropy
from dashboard.figures.desk_text import parting_sentence
from dashboard.widgets import address, desk_settings, runs
from dashboard.widgets.desk_settings import NEWEST, Asked
from dashboard.widgets.desk_text import show_text
from dashboard.widgets.page import LIVE_LAB
from dashboard.widgets.problems import as_text, in_words
from dashboard.widgets.share import share_button
from dashboard.widgets.still import look, still
from rnncore.errors import RnncoreError
from rnncore.records import Writing
from rnncore.runs.jobs import DONE, FAILED, WAITING, Job
from rnncore.runs.store import RunInfo

PATIENCE_SECONDS, LOOK_SECONDS = 1.2, 0.03
"""An answer mostly comes within a tenth of a second: so long the page waits for it before it says that it waits."""
AGAIN_SECONDS = 0.4
TEXT = "desk-text"


def desk() -> None:
    """The whole page below its title."""
    address.restore()
    desk_settings.restore()
    with st.sidebar:
        desk_settings.form(_write, ready=bool(st.session_state.get("run")))
    address.show_problems()
    with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
        runs.pick("Run", "run", "Choose a run")
        _pick_checkpoint()
        if st.session_state.get("run"):
            share_button()
    address.keep()
    watched = runs.watched()[:1]
    if not watched:
        _no_run()
        return
    (run,) = watched
    st.caption(as_text(runs.summary(run)))
    if sentence := _cannot_write(run):
        st.info(as_text(sentence))
    elif not services.store().checkpoint_steps(run.id):
        st.info("This run has no checkpoint yet: it gets one when its training begins.")
        _look_again(lambda: bool(services.store().checkpoint_steps(run.id)))
    else:
        with in_words():
            _answer(run)


def _cannot_write(run: RunInfo) -> str:
    """Why a run has nothing to write with; '' where it has."""
    if run.elsewhere:
        return "This run is trained elsewhere and leaves no checkpoints here; choose one that the lab trained."
    if run.config.corpus is None:
        return f"This run learns {run.config.task.title} and writes no text; choose a run on a text."
    return ""


def _pick_checkpoint() -> None:
    run_id, chosen = st.session_state.get("run"), st.session_state["desk_step"]
    steps = services.store().checkpoint_steps(run_id) if run_id else []
    st.selectbox(
        "Checkpoint",
        [NEWEST, *sorted({*steps, chosen} - {NEWEST}, reverse=True)],
        key="desk_step",
        format_func=lambda step: "Newest checkpoint" if step == NEWEST else f"step {step:,}",
        label_visibility="collapsed",
        width=210,
        on_change=_write,
    )


def _step() -> int | None:
    """The chosen checkpoint's step; None for the newest."""
    step: int = st.session_state["desk_step"]
    return None if step == NEWEST else step


def _write() -> None:
    """Ask the form's question, of the chosen checkpoint."""
    runs.settled()
    try:
        question = desk_settings.current()
    except RnncoreError as error:
        runs.problem(error)
        return
    if run_id := st.session_state.get("run"):
        _ask(Asked(run_id, _step(), question))


def _ask(asked: Asked) -> None:
    """A question of the reader's: one that failed before is tried anew."""
    desk_settings.ask(asked)
    st.session_state["desk_again"] = True


def _put() -> None:
    """The reader put a character into a text: the model goes on from there."""
    pick, asked = st.session_state[TEXT]["pick"], st.session_state["desk_asked"]
    shown: tuple[Job, Writing] | None = st.session_state.get("desk_shown")
    if not pick or asked is None or shown is None:
        return
    runs.settled()
    try:
        character = shown[1].characters[int(pick["id"])]
        question = asked.question.picked(int(pick["text"]), int(pick["position"]), character)
    except RnncoreError as error:
        runs.problem(error)
    else:
        _ask(Asked(asked.run_id, asked.step, question))


def _take_back() -> None:
    """The reader takes the last character back that they put into a text."""
    text, asked = st.session_state[TEXT]["back"], st.session_state["desk_asked"]
    if text is None or asked is None:
        return
    runs.settled()
    picks = [pick for pick in asked.question.picks if pick[0] == text]
    kept = tuple(pick for pick in asked.question.picks if pick not in picks[-1:])
    _ask(Asked(asked.run_id, asked.step, asked.question.changed(picks=kept)))


def _answer(run: RunInfo) -> None:
    """What was written, or what keeps it from coming."""
    asked: Asked | None = st.session_state["desk_asked"]
    if asked is None or asked.run_id != run.id:  # another run: the same question
        asked = Asked(run.id, _step(), desk_settings.current())
    again = st.session_state.pop("desk_again", False)
    job = services.launcher().ask(run.id, "write", asked.question.asked(), asked.step, again=again)
    asked = Asked(run.id, job.step, asked.question)
    desk_settings.ask(asked)
    job = _patiently(job)
    if job.open:
        _look_again(lambda: services.store().job(job.run_id, job.key) != job)
    if job.state == FAILED:
        st.error(as_text(job.reason))
        st.button("Ask again", icon=":material/replay:", key="desk_retry", on_click=_ask, args=(asked,))
        return
    shown = _shown(job)
    if shown:
        by = f"Written by the checkpoint of step {shown[1].step:,}."
        st.markdown(as_text(f"{by} {parting_sentence(shown[1])}"))
    tag = f"{shown[0].run_id} {shown[0].key}" if shown else ""
    show_text(shown[1] if shown else None, key=TEXT, tag=tag, status=_status(job), on_pick=_put, on_back=_take_back)
    if shown:
        _sureness(shown[1])


def _patiently(job: Job) -> Job:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while job.open and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        job = services.store().job(job.run_id, job.key)
    return job


def _look_again(changed: Callable[[], bool]) -> None:
    """Draw the page anew once something has changed."""

    def look() -> None:
        with in_words():
            if changed():
                st.rerun()

    st.fragment(look, run_every=AGAIN_SECONDS)()


def _shown(job: Job) -> tuple[Job, Writing] | None:
    """The answer; while it is awaited, what this run wrote before; None for nothing yet."""
    before: tuple[Job, Writing] | None = st.session_state.get("desk_shown")
    if before and before[0].run_id != job.run_id:
        before = None
    if job.state == DONE and (before is None or before[0] != job):
        answer = services.store().answer(job.run_id, job.key)
        before = (job, answer) if isinstance(answer, Writing) else None
    st.session_state["desk_shown"] = before
    return before


def _status(job: Job) -> str:
    """What is being done, in a sentence; '' for nothing."""
    if job.state == WAITING:
        return "The desk is starting, which takes a few seconds, or others asked before."
    return f"{(job.reason or 'it is being written').capitalize()}…" if job.open else ""


def _sureness(writing: Writing) -> None:
    with st.container(border=True, key="desk_sureness"):
        st.markdown("**How sure it was**")
        still(desk_entropy(writing, look()), key="desk-entropy", height=240)


def _no_run() -> None:
    st.info("Choose a run above, or start one in the Live lab: any checkpoint of it can be asked to write.")
    st.page_link(LIVE_LAB, label="Open the Live lab", icon=":material/play_arrow:")

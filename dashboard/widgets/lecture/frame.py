"""What stands above and below every page of the lecture: place, claim and question; the way to the next page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from dashboard import services
from dashboard.owner import owner
from dashboard.widgets.lecture import state
from dashboard.widgets.lecture.chapters import CHAPTERS, place
from dashboard.widgets.lecture.text import Text, read
from dashboard.widgets.problems import as_text, in_words
from dashboard.widgets.share import share_button
from rnncore.runs.experiments import Experiments

LARGER = 1.35
"""The letters of figures in front of a class."""


class Outcome(NamedTuple):
    """What came out on a page: which answer came true, the numbers of its text, and the one that the map repeats."""

    answer: str
    numbers: Mapping[str, str]
    proof: str


def scale() -> float:
    """How much larger than usual the letters of figures are."""
    return LARGER if state.presenting() else 1.0


def begin(name: str, *, share: bool = True) -> Text:
    """Place, title, claim and question of a page; returns its text.

    Args:
        share: draw the button that copies a link; pages about runs have it beside their runs' buttons.
    """
    state.restore(name)
    text = read(name)
    if state.presenting():
        st.html(f"<style>{_PRESENTER}</style>")
    with st.container(horizontal=True, vertical_alignment="center", key="lecture_head"):
        st.caption(f"Lecture · {place(name) + 1} of {len(CHAPTERS)}")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small", key="lecture_tools"):
            _steps(name, "top")
            if share and not state.presenting():  # a class has no use for it, and the row has no room
                share_button()
            on = state.presenting()
            st.button(
                "Leave" if on else "Present", key="present", shortcut="Shift+P", on_click=state.present,
                args=(not on,), icon=":material/fullscreen_exit:" if on else ":material/slideshow:",
                help="Back to the usual letters" if on else "Large letters and nothing but the page, for a projector",
            )  # fmt: skip
    st.title(text.title)
    st.markdown(text.claim)
    ask(name, text)
    return text


def ask(name: str, text: Text) -> None:
    """The question; the reader may also pass."""
    key, answer = f"answer_{name}", state.get(state.ANSWER)
    st.session_state[key] = answer if answer in text.answers else None
    with st.container(border=True, key="lecture_question"):
        st.markdown(f"**What do you expect?** {text.question}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.pills(
                "Your answer", list(text.answers), key=key, format_func=lambda one: text.answers[one],
                label_visibility="collapsed", wrap=True,
                on_change=_answer, args=(name, key),
            )  # fmt: skip
            if not answer:
                st.button(
                    "Show me", key=f"skip_{name}", type="tertiary", help="Without a guess",
                    on_click=state.keep, args=(name, state.ANSWER, state.SKIPPED),
                )  # fmt: skip


def _answer(name: str, key: str) -> None:
    """Keep the answer: in the address, and in the store where no experiment of the page's own will hold it."""
    said = st.session_state[key] or ""
    state.keep(name, state.ANSWER, said)
    if said and not CHAPTERS[place(name)].own:
        with in_words():
            Experiments(services.store()).expect(name, owner(), said)


def answered() -> bool:
    """The reader has answered, passed, or come by the link to an experiment or a run."""
    return bool(state.get(state.ANSWER) or state.get(state.EXPERIMENT) or st.query_params.get("run"))


def verdict(text: Text, truth: str) -> None:
    """What was predicted against what came out."""
    guess = state.get(state.ANSWER)
    if guess not in text.answers or truth not in text.answers:
        if truth in text.answers:
            st.info(f"Measured: {text.answers[truth]}", icon=":material/straighten:")
    elif guess == truth:
        st.success(f"As you expected: {text.answers[truth]}", icon=":material/check:")
    else:
        st.warning(
            f"You expected: {text.answers[guess]}  \nMeasured: **{text.answers[truth]}**", icon=":material/lightbulb:"
        )


def happened(text: Text, outcome: Outcome | None) -> None:
    """What was measured, in words, against what was predicted; nothing while nothing has come out."""
    if outcome is None:
        return
    with st.container(border=True, key="lecture_outcome"):
        st.markdown("**What happened**")
        verdict(text, outcome.answer)
        st.markdown(text.told({name: as_text(number) for name, number in outcome.numbers.items()}))


def end(name: str) -> None:
    """What breaks the claim, and the way on."""
    if answered():
        with st.container(border=True, key="lecture_try"):
            st.markdown(f"**Try this**\n\n{read(name).try_this}")
    with st.container(horizontal=True, horizontal_alignment="distribute", key="lecture_way"):
        _steps(name, "bottom")


def _steps(name: str, where: str) -> None:
    """To the page before and after. A clicker sends PageUp and PageDown: in front of a class these turn the pages."""
    at, loud = place(name), where == "bottom"
    keys = ("PageUp", "PageDown") if state.presenting() else ("B", "N")
    for step, icon, shortcut in ((-1, "arrow_back", keys[0]), (1, "arrow_forward", keys[1])):
        if not 0 <= at + step < len(CHAPTERS):
            continue
        other = CHAPTERS[at + step]
        label = f"{at + step + 1} · {other.title}" if loud else ("Back" if step < 0 else "Next")
        pressed = st.button(
            label, key=f"lecture_{where}_{step}", icon=f":material/{icon}:", type="primary" if loud and step > 0 else
            "secondary", icon_position="left" if step < 0 else "right", shortcut=None if loud else shortcut,
        )  # fmt: skip
        if pressed:
            st.switch_page(other.view)


_PRESENTER = """
html { font-size: 20px !important; }
[data-testid="stHeader"] { display: none; }
.st-key-lecture_head { margin-top: 0 !important; }
[data-testid="stMainBlockContainer"] { padding: .6rem 1.6rem 2rem; max-width: none; }
"""

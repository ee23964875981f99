"""The schedule of ε in a form: only the settings that the chosen schedule uses, and what comes of them."""

from __future__ import annotations

import streamlit as st

from dashboard.figures.schedule import in_words, schedule
from dashboard.widgets.fields import PREFIX, choice, number, value
from dashboard.widgets.problems import as_text
from dashboard.widgets.still import look
from rnncore.config import ScheduledSampling
from rnncore.config.scheduled_sampling import DEFAULT_K
from rnncore.errors import ConfigError

HEIGHT = 150
LEAVES = tuple(ScheduledSampling.model_fields)


def section() -> None:
    """The settings, and the schedule drawn over the run's steps."""
    choice("schedule", "Schedule of ε", on_change=_other_schedule)
    kind = value("schedule")
    left, right = st.columns(2)
    if kind == "constant":
        with left:
            number("epsilon", "ε", step=0.05, format="%.3g")
    else:
        with left:
            number("epsilon_k", "k", step=_STEPS[kind], format="%.6g", placeholder=f"{DEFAULT_K[kind]:g}")
    if kind == "linear":
        with right:
            number("epsilon_c", "c", step=1e-4, format="%.4g")
        with left:
            number("epsilon_min", "Least ε", step=0.05, format="%.3g")
    try:
        chosen = ScheduledSampling(**{leaf: value(leaf) for leaf in LEAVES})
    except ConfigError as error:
        for problem in error.problems:
            st.error(as_text(problem))
        return
    if not chosen.teacher_forcing:
        left, right = st.columns(2)
        with left:
            feed_choice()
        with right:
            form_choice()
        still_schedule([("", chosen)], value("steps"), key="schedule_figure")
    st.caption(as_text(sentence(chosen, value("steps"))))


def sentence(chosen: ScheduledSampling, steps: int) -> str:
    """What comes of a schedule, as a sentence."""
    said = in_words(chosen, steps)
    return f"{said[:1].upper()}{said[1:]}."


def feed_choice() -> None:
    """What replaces the truth."""
    choice("feed", "Fed instead")
    if value("feed") == "sample":
        number("feed_temperature", "Its temperature", step=0.1, format="%.2f")


def form_choice() -> None:
    """How it is decided."""
    choice("feed_form", "Form")
    if value("feed_form") == "parallel":
        number("feed_passes", "Passes", step=1)


def still_schedule(named: list[tuple[str, ScheduledSampling]], steps: int, *, key: str, height: int = HEIGHT) -> None:
    """Schedules over a run's steps, drawn before it starts."""
    figure = schedule(named, steps, look(), height=height)
    st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False})


def _other_schedule() -> None:
    """k means something else in each schedule."""
    st.session_state[PREFIX + "epsilon_k"] = None


_STEPS = {"linear": 0.05, "exponential": 1e-4, "inverse_sigmoid": 50.0}
"""Of k's buttons."""

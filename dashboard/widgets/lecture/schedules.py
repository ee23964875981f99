"""The parts of the lecture's page Scheduled sampling: three runs that differ in their schedule, and their cards."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.figures.word_tree import HEIGHT
from dashboard.live.component import Choice, Panel
from dashboard.live.panels.scheduled_sampling import names
from dashboard.widgets import runs
from dashboard.widgets.experiment import runs_of
from dashboard.widgets.sampling_start import half_way_at, siblings
from dashboard.widgets.structured_prediction import STANDARD
from rnncore.config import RunConfig
from rnncore.runs.store import RunInfo

SCHEDULES = ("constant", "linear", "inverse_sigmoid")
FLOOR = 0.5
_FLAT = 0.75  # of the steps after which the straight line has come to its floor
_FLOOR, _SEED, _CHOSEN = "schedules_floor", "schedules_seed", "schedules_chosen"


def configs(floor: float, seed: int) -> list[RunConfig]:
    """Teacher forcing; a straight line down to a floor, where it stays; and the inverse sigmoid, which falls to 0."""
    base = STANDARD.changed(seed=seed)
    steps = base.training.steps
    slope = (1 - floor) / (_FLAT * steps)
    changes: list[dict[str, Any]] = [
        {"schedule": "constant", "epsilon": 1.0},
        {"schedule": "linear", "epsilon_k": 1.0, "epsilon_c": slope, "epsilon_min": floor},
        {"schedule": "inverse_sigmoid", "epsilon_k": half_way_at(steps / 2)},
    ]
    return [base.changed(**one) for one in changes]


def settings() -> None:
    """The floor and the seed, and the button that trains all three."""
    floor, seed = st.session_state.get(_CHOSEN) or _of_the_run_in_view()
    st.session_state.setdefault(_FLOOR, floor)
    st.session_state.setdefault(_SEED, seed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="schedules_settings"):
        st.slider(
            "The line stops falling at ε",
            0.0,
            1.0,
            step=0.05,
            key=_FLOOR,
            width=280,
            help="The second schedule is a straight line from 1 down to this, and then stays there",
        )
        st.number_input("Seed", 0, 2**31 - 1, key=_SEED, width=120, help="Of weights, batches and coins, for all three")
        st.button(
            "Train all three", type="primary", icon=":material/play_arrow:", key="train_schedules", on_click=_train
        )
        st.caption("Half a minute at most: one after the other, or two at a time.")
    st.session_state[_CHOSEN] = st.session_state[_FLOOR], st.session_state[_SEED]


def _of_the_run_in_view() -> tuple[float, int]:
    line = next((run for run in in_view() if run.config.scheduled_sampling.schedule == "linear"), None)
    return (FLOOR, STANDARD.seed) if line is None else (line.config.scheduled_sampling.epsilon_min, line.config.seed)


def _train() -> None:
    for config in configs(st.session_state[_FLOOR], st.session_state[_SEED]):
        started = runs.train(config)
        if started:
            st.session_state["run"], st.session_state["vs"] = started, None
            st.query_params.pop("at", None)


def in_view() -> list[RunInfo]:
    """The run of the address, else this visitor's newest whose ε falls, and what differs from it in its schedule."""
    mine = runs_of("sentences", 200)
    named = st.session_state.get("run")
    first = next((run for run in mine if run.id == named or run.config.scheduled_sampling.schedule != "constant"), None)
    if first is None:
        return []
    return [first, *(run for run in siblings(first) if _shown(run))]


def _shown(run: RunInfo) -> bool:
    """Other constants than teacher forcing are the subject of Structured prediction."""
    fed = run.config.scheduled_sampling
    return fed.teacher_forcing or fed.schedule in SCHEDULES[1:]


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The numbers, the way along the optima, both over training, and what one of them says."""
    whose = (Choice("run", "Run", tuple((name, index) for index, name in enumerate(names(watched)))),)
    return [
        Panel("state", "schedules_state", kind="words", span=12),
        Panel("metrics", "schedules_numbers", kind="text", span=12),
        Panel(
            "path",
            "valid_along_schedule",
            "What is learned follows ε",
            span=7,
            height=400,
            about="Each dot is the network at one moment of training; the broad line is the best answer to what it is "
            "trained for at that ε, worked out without a network",
        ),
        Panel(
            "over",
            "valid_by_schedule",
            "How often it says a sentence",
            span=5,
            height=400,
            about="From the network's own probabilities at each moment, not from samples",
        ),
        Panel(
            "epsilon",
            "epsilon",
            "ε by iteration",
            span=12,
            height=280,
            about="Line: the schedule. Rings: the share of coins that fed the truth, and the band of 4 standard errors",
        ),
        Panel(
            "tree",
            "word_tree",
            "What it says when it runs freely",
            span=12,
            height=HEIGHT,
            params={"run": 0},
            choices=whose if len(watched) > 1 else (),
            about="Each word as high as its text is likely",
        ),
    ]

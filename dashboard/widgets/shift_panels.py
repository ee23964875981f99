"""What Distributional shift shows of its runs from top to bottom, and the settings that it trains with."""

from __future__ import annotations

import streamlit as st

from dashboard.live.component import Choice, Panel
from dashboard.live.panels.distributional_shift import START
from dashboard.widgets import runs
from dashboard.widgets.experiment import train_button
from dashboard.widgets.problems import as_text
from rnncore.config import CELL_LABELS, CELLS, RunConfig
from rnncore.runs.store import RunInfo

STARTS = 8
"""As many as a record keeps."""
STANDARD = RunConfig.of(
    task="henon", cell="gru", hidden_size=32, sequence_length=20, batch_size=128, lr=0.002, steps=4000, budget=0.1
)
"""Half a minute on one core. With seeds 1 to 3 the slope ended at .439, .446 and .424, where the map has .419."""
EPSILON = 0.75
"""Where the switch is on and nothing else was chosen: one step in sixteen follows two own predictions in a row."""


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The numbers, how the error grows, where predictions lie, one trajectory, and all of it over training."""
    many = len(watched) > 1
    start = (Choice(START, "Start", tuple((str(n + 1), n) for n in range(STARTS))),)
    of_each = [(index, f": {run.config.label}" if many else "") for index, run in enumerate(watched)]
    return [
        Panel("state", "shift_state", kind="words", span=12),
        Panel("metrics", "shift_numbers", kind="text", span=12),
        Panel(
            "growth",
            "shift_growth",
            "How the error grows",
            span=12 if many else 7,
            height=400,
            about="Geometric mean over all starts of the distance to the true point; the band is its 95 % interval",
        ),
        *(
            Panel(
                f"attractor{index}",
                "shift_attractor",
                f"The attractor{who}",
                span=6 if many else 5,
                height=400,
                params={"run": index},
                about="Points of true trajectories, and of the network's own after half of the steps",
            )
            for index, who in of_each
        ),
        *(
            Panel(
                f"path{index}",
                "shift_trajectories",
                f"One trajectory{who}",
                span=12,
                height=260,
                params={"run": index, START: 0},
                choices=start,
                about="The network is fed the truth at first, and from step 1 on what it predicted the step before",
            )
            for index, who in of_each
        ),
        Panel("drift", "shift_drift", "How long it keeps to the truth, over training", height=320),
        Panel("slope", "shift_slope", "Growth of the error, over training", height=320),
    ]


def settings() -> None:
    """Cell, scheduled sampling, ε and seed, and the button that trains with them; at first those of the run in view.

    A new run stands beside the one that was in view, if that one too is on the Hénon map.
    """
    watched = runs.watched()
    first = next((run for run in watched if run.config.task.kind == "henon"), None)
    if watched and first is None:
        label = as_text(watched[0].config.label)
        st.info(f"{label} does not learn the Hénon map. Choose a run that does, or press **Train**.")
    _seed(first)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="shift_settings"):
        st.selectbox("Cell", CELLS, key="shift_cell", format_func=CELL_LABELS.__getitem__, width=170)
        st.toggle(
            "Scheduled sampling", key="shift_on", help="Feed the network its own prediction now and then in training"
        )
        st.slider(
            "ε, probability of the truth",
            0.0,
            0.95,
            step=0.05,
            key="shift_epsilon",
            disabled=not st.session_state["shift_on"],
            width=240,
            help="At each step of each sequence a coin decides: the true point, or the network's own prediction",
        )
        st.number_input("Seed", 0, 2**31 - 1, key="shift_seed", width=120, help="Of weights, batches and coins")
        train_button(_config, key="train_shift", vs=first is not None)
    st.session_state["shift_chosen"] = _config()


def _seed(run: RunInfo | None) -> None:
    """Fill the settings from the run in view, the first time, or with what was chosen before another page was shown."""
    if "shift_cell" in st.session_state:
        return
    config: RunConfig = st.session_state.get("shift_chosen") or (STANDARD if run is None else run.config)
    epsilon = config.scheduled_sampling.epsilon
    st.session_state["shift_cell"], st.session_state["shift_seed"] = config.model.cell, config.seed
    st.session_state["shift_on"] = epsilon < 1
    st.session_state["shift_epsilon"] = min(epsilon, 0.95) if epsilon < 1 else EPSILON


def _config() -> RunConfig:
    """The settings as a run's configuration."""
    return STANDARD.changed(
        cell=st.session_state["shift_cell"],
        epsilon=st.session_state["shift_epsilon"] if st.session_state["shift_on"] else 1.0,
        seed=st.session_state["shift_seed"],
    )

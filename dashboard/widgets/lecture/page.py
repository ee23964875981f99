"""A page of the lecture with an experiment of its own: its settings, its live cards, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import services
from dashboard.live.component import Panel, live_figures
from dashboard.owner import owner
from dashboard.widgets import address
from dashboard.widgets.lecture import state
from dashboard.widgets.lecture.form import Form
from dashboard.widgets.lecture.frame import LARGER, Outcome, answered, begin, end, happened
from dashboard.widgets.lecture.text import Text
from dashboard.widgets.problems import as_text, in_words
from rnncore.errors import RnncoreError
from rnncore.lecture import EXPERIMENTS
from rnncore.lecture.experiment import Experiment
from rnncore.runs.experiments import ExperimentInfo, Experiments

Controls = Callable[[Form], None]
Below = Callable[[ExperimentInfo | None], None]
Panels = Sequence[Panel] | Callable[[Mapping[str, Any]], Sequence[Panel]]
_PROGRESS = Panel("progress", "experiment_progress", kind="text", span=12)


def experiment_page(
    name: str,
    controls: Controls,
    panels: Panels,
    *,
    at_once: bool = False,
    button: str = "Run",
    below: Below | None = None,
) -> None:
    """A whole page of the lecture.

    Args:
        name: of the experiment, of its text and of its address.
        controls: draws the widgets of its settings.
        panels: its live cards, or a function that makes them from the settings as they are chosen.
        at_once: it takes no more than a second: it is measured whenever a setting changes, without a press.
        button: what the button says that begins it.
        below: draws what else the page has for who has answered, from the experiment in view, None while there is none.
    """
    text = begin(name)
    _experiment(EXPERIMENTS[name], text, controls, panels, at_once, button, below)
    end(name)


@st.fragment
def _experiment(
    experiment: Experiment,
    text: Text,
    controls: Controls,
    panels: Panels,
    at_once: bool,
    button: str,
    below: Below | None,
) -> None:
    """Runs again by itself when a setting changes, and when the experiment has come to its end."""
    with in_words():
        services.launcher().expect_experiments()
        if not answered():
            st.caption("The experiment comes after your answer.")
            return
        info = _measured(experiment, text, controls, panels, at_once, button)
        if below is not None:
            below(info)


def _measured(
    experiment: Experiment, text: Text, controls: Controls, panels: Panels, at_once: bool, button: str
) -> ExperimentInfo | None:
    """Settings, live cards and what came out; the experiment in view."""
    info = _in_view(experiment)
    form = Form(experiment, info.settings if info else {})
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="lecture_settings"):
        controls(form)
        if not at_once:
            info = _buttons(experiment, form, info, button)
    if at_once and (info is None or _differ(info, experiment, form)):
        info = _run(experiment, form, info) or info
    if info is None:
        return None
    cards = panels(form.values) if callable(panels) else panels
    live_figures(
        {},
        list(cards) if at_once else [_PROGRESS, *cards],
        key="lecture",
        ms=250,
        experiment=(info.id, info.state),
        scale=LARGER if state.presenting() else 1.0,
        chosen=address.chosen(),
        on_chosen_change=lambda: address.choose(st.session_state["lecture"]["chosen"] or {}),
    )
    _outcome(text, info)
    return info


def _in_view(experiment: Experiment) -> ExperimentInfo | None:
    """The experiment that the address names."""
    wanted = state.get(state.EXPERIMENT)
    if not wanted:
        return None
    try:
        info = Experiments(services.store()).get(wanted)
    except RnncoreError as error:
        st.warning(as_text(str(error)))
        state.keep(experiment.name, state.EXPERIMENT, "")
        return None
    if info.name == experiment.name:
        return info
    st.warning(as_text(f"exp in the address names an experiment of another page, {info.name}; it was left out"))
    state.keep(experiment.name, state.EXPERIMENT, "")
    return None


def _differ(info: ExperimentInfo, experiment: Experiment, form: Form) -> bool:
    """Whether the widgets say something else than what is being measured."""
    return experiment.settings(**info.settings) != experiment.settings(**form.values)


def _buttons(experiment: Experiment, form: Form, info: ExperimentInfo | None, label: str) -> ExperimentInfo | None:
    """Run and Stop, and a word where the settings are no longer those of what is shown."""
    open_ = info is not None and info.open
    changed = info is not None and _differ(info, experiment, form)
    again = info is not None and not open_ and not changed
    if st.button(
        "Run again" if again else label, key="run_experiment", type="secondary" if again or (open_ and not changed)
        else "primary", icon=":material/replay:" if again else ":material/play_arrow:", disabled=open_ and not changed,
    ):  # fmt: skip
        info = _run(experiment, form, info) or info
        changed = False
    if info is not None and info.open:
        mine = info.owner == owner()
        if st.button("Stop", key="stop_experiment", icon=":material/stop:", disabled=not mine):
            Experiments(services.store()).stop(info.id, owner())
            info = Experiments(services.store()).get(info.id)
    if changed:
        st.caption("The settings have changed: what is shown below was measured with those before.")
    return info


def _run(experiment: Experiment, form: Form, before: ExperimentInfo | None) -> ExperimentInfo | None:
    """Begin anew; what the reader had begun before ends."""
    settings: dict[str, Any] = experiment.settings(**form.values).model_dump()
    if before is not None and before.open and before.owner == owner():
        Experiments(services.store()).stop(before.id)
    predicted = state.answer(experiment.name)
    made = services.launcher().measure(experiment.name, settings, owner(), predicted=predicted)
    state.keep(experiment.name, state.EXPERIMENT, made.id)
    return made


def _outcome(text: Text, info: ExperimentInfo) -> None:
    """What happened, in words, once it is over."""
    if info.state == "failed":
        st.error(as_text(f"The experiment came to no result: {info.reason}"))
    elif info.state == "stopped":
        st.caption("Stopped before its end: what is shown was measured until then.")
    record = Experiments(services.store()).record(info.id) if info.state == "done" else None
    if record is None:
        return
    happened(text, Outcome(record.answer, record.numbers, record.proof))

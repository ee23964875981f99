"""Starting runs that differ in nothing but what they are fed, and finding them again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st

from dashboard import services
from dashboard.figures.feeding import fed_text
from dashboard.figures.schedule import in_words
from dashboard.live.panels.scheduled_sampling import unfed
from dashboard.live.route import MOST_RUNS
from dashboard.widgets import corpus, runs, settings, task
from dashboard.widgets.fields import PREFIX, choice, number, value
from dashboard.widgets.page import LIVE_LAB
from dashboard.widgets.problems import as_text
from dashboard.widgets.schedule import still_schedule
from dashboard.widgets.still import look
from rnncore.config import CELL_LABELS, CELLS, RunConfig, ScheduledSampling
from rnncore.errors import RnncoreError
from rnncore.records import Feeding
from rnncore.runs.store import RunInfo

HEIGHT = 230
BUDGET = 0.06
"""Share of the time for measuring, at least: exposure takes some forty milliseconds a turn, and should come often."""


def variants(steps: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Key → what a button says, and the settings: schedules that come to one half in the middle of the run."""
    half = max(steps / 2, 1)
    return {
        "forced": ("Teacher forcing", {"schedule": "constant", "epsilon": 1.0}),
        "half": ("ε = .5", {"schedule": "constant", "epsilon": 0.5}),
        "sigmoid": ("Inverse sigmoid", {"schedule": "inverse_sigmoid", "epsilon_k": half_way_at(half)}),
        "linear": ("Linear", {"schedule": "linear", "epsilon_k": 1.0, "epsilon_c": float(f"{0.5 / half:.4g}")}),
        "exponential": ("Exponential", {"schedule": "exponential", "epsilon_k": float(f"{0.5 ** (1 / half):.9g}")}),
    }


def half_way_at(half: float) -> float:
    """The k with which the inverse sigmoid is one half at an iteration: k·ln k = half, by bisection."""
    low, high = 1.0, half + 3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * math.log(middle) < half else (low, middle)
    return float(f"{low:.6g}")


def start() -> None:
    """The settings that all of them share, a button for each schedule, and the schedules drawn."""
    if value("task") != "text":
        title = task.title_of(value("task"))
        st.info(as_text(f"The form is set to “{title}”; scheduled sampling is tried on texts here."))
        st.button("Read a text", icon=":material/menu_book:", key="read_text", on_click=task.read_text)
        return
    parts = st.grid(2, min_column_width=430)
    with parts.container():
        _shared()
        try:
            base = settings.current()
        except RnncoreError as error:
            for sentence in getattr(error, "problems", (str(error),)):
                st.error(as_text(sentence))
            _more("The form in the Live lab")
            return
        _buttons(base)
        _more("All settings, in the Live lab")
    with parts.container():
        shown = [(said, _fed(base, changes)) for said, changes in variants(base.training.steps).values()]
        still_schedule(shown, base.training.steps, key="variants_figure", height=HEIGHT)


def _shared() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="sampling_settings"):
        st.selectbox("Cell", CELLS, key=f"{PREFIX}cell", format_func=CELL_LABELS.__getitem__, width=170)
        titles = corpus.titles()
        titles.setdefault(value("corpus"), value("corpus"))
        st.selectbox("Corpus", list(titles), key=f"{PREFIX}corpus", format_func=titles.__getitem__, width=220)
        number("steps", "Steps", step=1000, width=130)
        number("seed", "Seed", step=1, width=110)
        choice("feed", "Fed in its place", width=150)
        choice("feed_form", "Form", width=150)
        if value("feed_form") == "parallel":
            number("feed_passes", "Passes", step=1, width=110)


def _buttons(base: RunConfig) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="sampling_buttons"):
        for key, (said, changes) in variants(base.training.steps).items():
            st.button(
                said,
                icon=":material/play_arrow:",
                key=f"start_{key}",
                type="primary" if key == "half" else "secondary",
                help=in_words(_fed(base, changes), base.training.steps),
                on_click=_train,
                args=(base, changes),
            )
    st.caption("Each button starts a run; runs that share all other settings and the seed stand side by side below.")


def _more(label: str) -> None:
    st.page_link(LIVE_LAB, label=label, icon=":material/tune:")


def _fed(base: RunConfig, changes: dict[str, Any]) -> ScheduledSampling:
    return base.changed(**_CLEARED | changes).scheduled_sampling


_CLEARED: dict[str, Any] = {"epsilon_k": None, "epsilon_min": 0.0, "epsilon_c": 1e-3, "epsilon": 1.0}


def _train(base: RunConfig, changes: dict[str, Any]) -> None:
    started = runs.train(base.changed(name="", budget=max(base.watch.budget, BUDGET), **_CLEARED | changes))
    if started:
        st.session_state["run"], st.session_state["vs"] = started, None
        st.query_params.pop("at", None)


def welcome() -> None:
    """What a newcomer sees before there is a run: a sequence as it might be fed."""
    st.info(
        "Press **ε = .5** and see the coins of a batch a moment later; then **Teacher forcing**, to have both beside "
        "each other."
    )
    st.caption("For example, made up by hand: what a network might be fed in place of “the cat sat on the mat”.")
    figure = fed_text(EXAMPLE, look())
    figure.update_layout(height=figure.layout.meta["height"])
    st.plotly_chart(figure, theme=None, key="example", config={"displayModeBar": False})


def _example(truth: str, own: str, coins: str) -> Feeding:
    """A sequence whose truth, predictions and coins (o: its own) are given."""
    names = tuple(sorted({*truth, *own}))
    ids = {text: np.array([[names.index(letter)] for letter in text]) for text in (truth, own)}
    kept = np.array([[coin != "o"] for coin in coins])
    return Feeding(
        step=0,
        epsilon=0.5,
        count=len(truth),
        fed=int(kept.sum()),
        sequences=1,
        length=len(truth),
        names=names,
        truth=ids[truth],
        inputs=np.where(kept, ids[truth], ids[own]),
        own=ids[own],
        coins=kept,
        tossed=np.ones_like(kept),
    )


EXAMPLE = _example("the cat sat on the mat", "she cow sit in the man", "t.oo.o..o.oo..o.o...oo")


def siblings(run: RunInfo) -> list[RunInfo]:
    """The newest run of each other schedule with the same settings and seed, of the same owner."""
    if run.elsewhere:
        return []
    found: dict[ScheduledSampling, RunInfo] = {run.config.scheduled_sampling: run}
    for other in services.store().runs(limit=200, owner=run.owner):
        if not other.elsewhere and unfed(other.config) == unfed(run.config):
            found.setdefault(other.config.scheduled_sampling, other)
    return list(found.values())[1:MOST_RUNS]

"""The parts of From nonsense to prose: a short run on a text, its film, and what came out of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import streamlit as st

from dashboard import services
from dashboard.figures.base import shown, smooth
from dashboard.live.component import Panel
from dashboard.live.panels.samples import FIRST, LATEST, SECOND
from dashboard.widgets import corpus
from dashboard.widgets.experiment import runs_of, train_button
from dashboard.widgets.lab_panels import HEAD
from dashboard.widgets.lecture.frame import Outcome
from dashboard.widgets.samples_panels import ABOUT, compared
from rnncore.config import CELL_LABELS, CELLS, RunConfig, TextTask
from rnncore.records import QualityLevels, Sample, SampleQuality
from rnncore.runs.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rnncore.runs.store import RunInfo

STANDARD = RunConfig.of(
    corpus="python-reference", cell="lstm", hidden_size=128, lr=0.005, steps=1600, budget=0.2, sample_length=400
)
"""Half a minute on one core, a fifth of it for measuring: the film is what this run is for."""
LEAST, MOST = 200, 4000
_KEYS = {"cell": "prose_cell", "corpus": "prose_corpus", "steps": "prose_steps", "seed": "prose_seed"}
_CHOSEN = "prose_chosen"
DONE = 0.9
"""Of the fall of the loss: the moment that the question is about."""
AS_AT_THE_END = 0.05
"""Shares of words that differ by less count as the same."""
_SMOOTHED = 0.02  # of the steps
_QUOTED = 90  # characters


def settings() -> None:
    """Text, cell, steps and seed, and the button that trains with them; at first those of the run in view."""
    config = st.session_state.get(_CHOSEN) or next((run.config for run in runs_of("text", 1)), STANDARD)
    start = {
        "cell": config.model.cell,
        "corpus": config.corpus,
        "steps": min(max(config.training.steps, LEAST), MOST),
        "seed": config.seed,
    }
    for name, key in _KEYS.items():
        st.session_state.setdefault(key, start[name])
    titles = corpus.titles()
    titles.setdefault(st.session_state[_KEYS["corpus"]], st.session_state[_KEYS["corpus"]])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="prose_settings"):
        st.selectbox("Text", list(titles), key=_KEYS["corpus"], format_func=titles.__getitem__, width=260)
        st.selectbox("Cell", CELLS, key=_KEYS["cell"], format_func=CELL_LABELS.__getitem__, width=170)
        st.slider("Steps", LEAST, MOST, step=100, key=_KEYS["steps"], width=200, help="1,600 take about half a minute")
        st.number_input("Seed", 0, 2**31 - 1, key=_KEYS["seed"], width=120, help="Of weights, batches and samples")
        train_button(chosen, key="train_prose")
    st.session_state[_CHOSEN] = chosen()


def chosen() -> RunConfig:
    """The settings as a run's configuration."""
    return STANDARD.changed(**{name: st.session_state[key] for name, key in _KEYS.items()})


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The numbers, the film, the loss beside it, two moments to be compared, and how good the samples are."""
    return [
        *HEAD,
        Panel("film", "samples_film", "What it writes at this moment", "text", span=7, about=ABOUT["samples_film"]),
        Panel("loss", "learning_curve", "Loss", span=5, height=300, about=ABOUT["learning_curve"]),
        compared(FIRST, "One moment", 0, watched),
        compared(SECOND, "Another moment", LATEST, watched),
        Panel("quality", "sample_quality", "Quality over training", span=12, about=ABOUT["sample_quality"]),
    ]


def prose(runs: Sequence[RunInfo]) -> Outcome | None:
    """Of a text: what was written when nine tenths of the fall of the loss were done, and at the end."""
    run = next((run for run in runs if run.state in ENDED and isinstance(run.config.task, TextTask)), None)
    if run is None or run.elsewhere:
        return None
    train = services.store().series(run.id, "train")
    quality = cast("list[SampleQuality]", services.store().records(run.id, SampleQuality.kind))
    fallen = fallen_at(train.get("loss", np.empty(0)))
    if fallen is None or not quality:
        return None
    step, last = int(train["step"][fallen]), int(train["step"][-1])
    near = min(quality, key=lambda one: abs(math.log(one.step / step)))
    then, late = near.value("valid_words"), quality[-1].value("valid_words")
    text, noise = _levels(run)
    numbers = {
        "chance": f"{train['loss'][0] / math.log(2):.2f}",
        "final": f"{_mean_at(train['loss'], len(train['step']) - 1) / math.log(2):.2f}",
        "fallen": f"{step:,}",
        "steps": f"{last:,}",
        "share": f"{100 * step / last:.0f}%",
        "near": f"{near.step:,}",
        "words": _percent(then),
        "late": _percent(late),
        "held_out": _percent(text),
        "noise": _percent(noise),
        "then_written": _written(run, step),
        "late_written": _written(run, last),
    }
    proof = f"nine tenths of the fall by step {step:,} of {last:,}: {_percent(then)} words, at the end {_percent(late)}"
    return Outcome(how_far(then, late), numbers, proof)


def fallen_at(loss: NDArray[np.floating]) -> int | None:
    """Where the running mean of the loss has done nine tenths of its whole fall; None where it never fell."""
    if not len(loss) or not np.isfinite(loss).all():
        return None
    mean = smooth(loss, _window(len(loss)))
    fall = loss[0] - mean[-1]
    return int(np.argmax(mean <= loss[0] - DONE * fall)) if fall > 0 else None


def how_far(then: float, late: float) -> str:
    """Which answer a share of existing words makes true, beside the one at the end."""
    if math.isnan(then) or math.isnan(late):
        return ""
    return "end" if then > late - AS_AT_THE_END else "words" if then >= 0.5 else "nonsense"


def _window(steps: int) -> int:
    return max(round(_SMOOTHED * steps), 1)


def _mean_at(loss: NDArray[np.floating], at: int) -> float:
    return float(smooth(loss, _window(len(loss)))[at])


def _levels(run: RunInfo) -> tuple[float, float]:
    """Which share of words exists in real text that was held back, and in characters drawn evenly."""
    levels = cast("QualityLevels | None", services.store().record(run.id, QualityLevels.kind))
    if levels is None or "valid_words" not in levels.names:
        return math.nan, math.nan
    at = levels.names.index("valid_words")
    return float(levels.text[at]), float(levels.uniform[at])


def _written(run: RunInfo, step: int) -> str:
    """How the sample of a step begins, on one line."""
    sample = cast("Sample | None", services.store().record(run.id, Sample.kind, step))
    return "" if sample is None else "".join(map(shown, sample.text[:_QUOTED])).replace("·", " ")


def _percent(share: float) -> str:
    return "an unknown share" if math.isnan(share) else f"{100 * share:.0f}%"

"""The lecture's shapes of networks: what is trained on each page, its cards, and what came out of it.

A new shape is an entry here, a task, a drawing in ``figures/wiring.py``, a text, a view and a line in ``chapters.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.live.route import MOST_RUNS
from dashboard.widgets import address, experiment, runs
from dashboard.widgets.lecture import shape_outcomes as outcomes
from dashboard.widgets.lecture.frame import Outcome, answered, begin, end, happened, scale
from dashboard.widgets.lecture.shape_panels import panels
from dashboard.widgets.problems import in_words
from rnncore.config import CELL_LABELS, CELLS, RunConfig
from rnncore.errors import RnncoreError
from rnncore.runs.states import ENDED

if TYPE_CHECKING:
    from rnncore.runs.store import RunInfo


@dataclass(frozen=True)
class ShapePage:
    """A page.

    Attributes:
        variants: what the button trains, one run each; the first one is what the page is about.
        outcome: what came out, from the runs of these variants, in their order; None for one that is not over.
        any_cell: whether a reader may choose another cell for all of them.
    """

    variants: tuple[RunConfig, ...]
    outcome: Callable[[Sequence[RunInfo | None]], Outcome | None]
    any_cell: bool = True

    @property
    def kind(self) -> str:
        """The task that is learned."""
        return self.variants[0].task.kind

    def learned_by(self, run: RunInfo) -> bool:
        """Whether a run is one of this page: its task, and of films the page's scene."""
        task, own = run.config.task, self.variants[0].task
        return task.kind == own.kind and getattr(task, "scene", "") == getattr(own, "scene", "")


def _configs(base: dict[str, Any], *changes: dict[str, Any]) -> tuple[RunConfig, ...]:
    usual = {"cell": "gru", "batch_size": 32, "lr": 0.003, "budget": 0.1}
    return tuple(RunConfig.of(**usual | base | one) for one in (changes or ({},)))


SHAPES: dict[str, ShapePage] = {
    "one-to-one": ShapePage(
        _configs({"task": "image", "hidden_size": 64, "embedding_size": 32, "lr": 0.005, "steps": 400}), outcomes.image
    ),
    "one-to-many": ShapePage(
        _configs(
            {"task": "captions", "hidden_size": 128, "embedding_size": 64, "steps": 2000},
            {"encoder": "convolution"}, {},
        ),
        outcomes.captions,
    ),
    "many-to-one": ShapePage(
        _configs({"task": "motion", "hidden_size": 64, "steps": 2500}),
        outcomes.motion,
    ),
    "order-decides": ShapePage(
        _configs({"task": "sentiment", "hidden_size": 32, "lr": 0.005, "steps": 1200}), outcomes.sentiment
    ),
    "many-to-many": ShapePage(
        _configs(
            {"task": "frames", "hidden_size": 64, "embedding_size": 32, "lr": 0.002, "steps": 1000},
            {"encoder": "convolution", "readout_layers": 2}, {"encoder": "convolution"}, {"readout_layers": 2}, {},
        ),
        outcomes.frames,
    ),
    "both-directions": ShapePage(
        _configs(
            {"task": "both_ways", "hidden_size": 16, "lr": 0.01, "steps": 800}, {"bidirectional": True}, {}
        ),
        outcomes.both,
    ),
    "end-decides": ShapePage(
        _configs(
            {"task": "phonemes", "hidden_size": 24, "lr": 0.01, "steps": 600}, {"bidirectional": True}, {}
        ),
        outcomes.sounds,
    ),
    "convolution-inside": ShapePage(
        _configs(
            {"task": "video", "lr": 0.01, "steps": 1000, "sequence_length": 10, "test_length": 20},
            {"cell": "conv_lstm", "hidden_size": 8}, {"cell": "lstm", "hidden_size": 128, "lr": 0.003},
        ),
        outcomes.video, any_cell=False,
    ),
    "film-goes-on": ShapePage(
        _configs({"task": "video", "scene": "digits", "hidden_size": 256, "lr": 0.002, "steps": 1000}), outcomes.film,
    ),
    "sound-goes-on": ShapePage(
        _configs(
            {"task": "sound", "hidden_size": 128, "steps": 600},
            {"cell": "lru", "lr": 0.01}, {"cell": "orthogonal"}, {"cell": "lstm", "gate_bias": 1.0},
        ),
        outcomes.sound, any_cell=False,
    ),
}  # fmt: skip
"""Page → what is trained there."""


def of_page(name: str, found: Sequence[RunInfo]) -> list[RunInfo | None]:
    """The newest ended run of each variant: alike in all that tells the variants from one another."""
    page = SHAPES[name]
    return _newest(page, [run for run in found if run.state in ENDED and page.learned_by(run)])


def _newest(page: ShapePage, found: Sequence[RunInfo]) -> list[RunInfo | None]:
    return [next((run for run in found if _alike(run.config, one, page)), None) for one in page.variants]


def _alike(one: RunConfig, other: RunConfig, page: ShapePage) -> bool:
    told = ("encoder", "bidirectional", "readout_layers") + (() if page.any_cell else ("cell",))
    return all(one[leaf] == other[leaf] for leaf in told)


def in_order(name: str, found: Sequence[RunInfo]) -> list[RunInfo]:
    """The run of the address first; then the newest of each variant, in the page's order; then the others."""
    chosen = [run for run in found if run.id == st.session_state.get("run")]
    ordered = [*chosen, *(run for run in _newest(SHAPES[name], found) if run is not None), *found]
    return list({run.id: run for run in ordered}.values())


def outcome(name: str, found: Sequence[RunInfo]) -> Outcome | None:
    """What came out on a page."""
    chosen = of_page(name, found)
    return SHAPES[name].outcome(chosen) if any(run is not None for run in chosen) else None


def shape_page(name: str) -> None:
    """A whole page."""
    address.restore()
    text = begin(name, share=False)

    @st.fragment
    def training() -> None:
        with in_words():
            _settings(name)
            page = SHAPES[name]
            found = in_order(name, [run for run in experiment.runs_of(page.kind, 200) if page.learned_by(run)])
            found = found[:MOST_RUNS]
            experiment.shown(
                found, panels, key=name.replace("-", "_"), bar="metrics", empty=_welcome, scale=scale(), alone=False
            )
            happened(text, outcome(name, found))

    if answered():
        training()
        st.page_link("views/gradient_flow.py", label="How far its gradient reaches", icon=":material/arrow_forward:")
    else:
        st.caption("The experiment comes after your answer.")
    end(name)


def _welcome() -> None:
    st.info("Press **Train** and watch its answers on what it has never seen, from the first step on.")


def _settings(name: str) -> None:
    """Cell and seed, and the button."""
    page = SHAPES[name]
    cell_key, seed_key, steps_key = (f"{name}_{part}" for part in ("cell", "seed", "steps"))
    first = page.variants[0]
    st.session_state.setdefault(cell_key, first.model.cell)
    st.session_state.setdefault(seed_key, first.seed)
    st.session_state.setdefault(steps_key, first.training.steps)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="shape_settings"):
        if page.any_cell:
            cells = [one for one in CELLS if one != "conv_lstm"]
            st.selectbox("Cell", cells, key=cell_key, format_func=CELL_LABELS.__getitem__, width=190)
        st.number_input("Steps", 50, 20_000, step=100, key=steps_key, width=140)
        st.number_input("Seed", 0, 2**31 - 1, key=seed_key, width=120, help="Of weights and examples")
        label = ("Train", "Train both", "Train all three", "Train all four")[len(page.variants) - 1]
        icon = ":material/play_arrow:"
        st.button(label, type="primary", icon=icon, key="train_shape", on_click=_train, args=(name,))


def _train(name: str) -> None:
    """One run for each variant, all of them in view."""
    page, started = SHAPES[name], []
    for variant in page.variants:
        changes = {"seed": st.session_state[f"{name}_seed"], "steps": st.session_state[f"{name}_steps"]}
        if page.any_cell:
            changes["cell"] = st.session_state[f"{name}_cell"]
        try:
            made = runs.train(variant.changed(**changes))
        except RnncoreError as error:
            runs.problem(error)
            return
        if made:
            started.append(made)
    if started:
        st.session_state["run"] = started[0]
        st.session_state["vs"] = started[1] if len(started) > 1 else None
        st.query_params.pop("at", None)

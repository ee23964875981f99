"""The lecture's shapes of networks: what is trained on each page, its cards, and what came out of it.

A new shape is an entry here, a task, a drawing in ``figures/wiring.py``, a text, a view and a line in ``chapters.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import streamlit as st

from dashboard import services
from dashboard.figures.score import written
from dashboard.live.component import Choice, Panel
from dashboard.live.panels.examples import CHANNEL, EXAMPLE
from dashboard.widgets import address, experiment, runs
from dashboard.widgets.lab_panels import HEAD
from dashboard.widgets.lecture.frame import Outcome, answered, begin, end, happened, scale
from dashboard.widgets.problems import in_words
from rnncore.config import CELL_LABELS, CELLS, KnownTask, RunConfig
from rnncore.errors import RnncoreError
from rnncore.records import Examples, Parameters
from rnncore.records.examples import MOST
from rnncore.runs.states import ENDED

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def _configs(base: dict[str, Any], *changes: dict[str, Any]) -> tuple[RunConfig, ...]:
    usual = {"cell": "gru", "batch_size": 32, "lr": 0.003, "budget": 0.1}
    return tuple(RunConfig.of(**usual | base | one) for one in (changes or ({},)))


def share(value: float) -> str:
    """A share as it stands in a text."""
    return "–" if math.isnan(value) else f"{100 * value:.0f}%"


def last_score(run: RunInfo | None) -> float:
    """The task's own measure at the end, on sequences that were never trained on."""
    if run is None:
        return math.nan
    scores = services.store().series(run.id, "score").get("score", np.empty(0))
    return float(scores[-1]) if len(scores) else math.nan


def last_loss(run: RunInfo | None) -> float:
    """The validation loss at the end, in the stored unit."""
    if run is None:
        return math.nan
    losses = services.store().series(run.id, "validation").get("loss", np.empty(0))
    return float(losses[-1]) if len(losses) else math.nan


def newest(run: RunInfo) -> Examples | None:
    """What it answered at the end."""
    return cast("Examples | None", services.store().record(run.id, Examples.kind))


def _image(found: Sequence[RunInfo | None]) -> Outcome | None:
    (run,) = found
    record = None if run is None else services.store().record(run.id, Parameters.kind)
    if not isinstance(record, Parameters):
        return None
    right, names = last_score(run), set(record.names)
    recurrent = [record.whole(name)[0] for name in names if "weight_hh" in name]
    read = [record.whole(name)[0] for name in names if "weight_ih" in name]
    ratio = max(recurrent, default=math.nan) / max(read, default=math.nan)
    answer = "" if math.isnan(ratio) else "zero" if ratio == 0 else "small" if ratio < 0.5 else "same"
    written = "it has none" if math.isnan(ratio) else f"exactly {ratio:g}" if ratio == 0 else f"{ratio:.2g} times"
    numbers = {"right": share(right), "ratio": written}
    return Outcome(answer, numbers, f"{share(right)} of unseen digits; gradient of the recurrent weights: {written}")


def _captions(found: Sequence[RunInfo | None]) -> Outcome | None:
    run, plain = found
    if run is None or math.isnan(last_score(run)):
        return None
    right, without = last_score(run), last_score(plain)
    beside = "" if plain is None else f" The same network without the convolutions: {share(without)}."
    numbers = {"right": share(right), "without": beside, "steps": f"{run.config.training.steps:,}"}
    answer = "few" if right < 0.25 else "half" if right < 0.75 else "most"
    return Outcome(answer, numbers, f"{share(right)} of captions without a mistake")


def _motion(found: Sequence[RunInfo | None]) -> Outcome | None:
    (run,) = found
    record = None if run is None else newest(run)
    if record is None:
        return None
    known = known_from(record)
    right = last_score(run)
    middle = float(np.median(known)) if len(known) else math.nan
    numbers = {
        "right": share(right), "frames": "–" if math.isnan(middle) else f"{middle:.0f}",
        "steps": f"{len(record.targets)}", "count": f"{len(known)}", "shown": f"{len(record.scores)}",
    }  # fmt: skip
    answer = "" if math.isnan(middle) else "first" if middle <= 1 else "few" if middle <= 6 else "end"
    return Outcome(answer, numbers, f"{share(right)} right, and sure after {numbers['frames']} frames")


def known_from(record: Examples) -> NDArray[np.int64]:
    """After how many frames the right answer is more likely than all others together, and stays so, for each example
    that is answered rightly at the end."""
    found = []
    for n in range(len(record.scores)):
        last = int(np.nonzero(record.targets[:, n] >= 0)[0].max())
        sure = np.asarray(record.answers[: last + 1, n, record.targets[last, n]], float) > 0.5
        if sure[-1]:
            wrong = np.nonzero(~sure)[0]
            found.append(1 + int(wrong.max(initial=-1) + 1))
    return np.array(found, np.int64)


def _sentiment(found: Sequence[RunInfo | None]) -> Outcome | None:
    (run,) = found
    if run is None:
        return None
    right = last_score(run)
    answer = "" if math.isnan(right) else "half" if right < 0.6 else "most" if right < 0.95 else "all"
    return Outcome(answer, {"right": share(right)}, f"{share(right)} of phrases it never read")


def _frames(found: Sequence[RunInfo | None]) -> Outcome | None:
    run, plain = found
    right, without = last_score(run), last_score(plain)
    if math.isnan(right) or math.isnan(without):
        return None
    answer = "same" if abs(right - without) < 0.02 else "with" if right > without else "without"
    numbers = {"with": share(right), "without": share(without)}
    return Outcome(answer, numbers, f"{share(right)} of frames with convolutions, {share(without)} without")


def _video(found: Sequence[RunInfo | None]) -> Outcome | None:
    run, flat = found
    conv, plain = last_score(run), last_score(flat)
    if run is None or math.isnan(conv) or math.isnan(plain):
        return None
    answer = "same" if abs(conv - plain) < 0.05 else "conv" if conv > plain else "flat"
    numbers = {"conv": f"{conv:.2f}", "flat": f"{plain:.2f}", "conv_count": _count(run), "flat_count": _count(flat)}
    return Outcome(answer, numbers, f"overlap {conv:.2f} with convolutions inside, {plain:.2f} flat")


def _count(run: RunInfo | None) -> str:
    from rnncore.cost import estimate

    return "" if run is None else f"{estimate(run.config).parameters:,}"


def _both(found: Sequence[RunInfo | None]) -> Outcome | None:
    both, one = found
    two_way, one_way = last_loss(both), last_loss(one)
    if one is None or math.isnan(two_way) or math.isnan(one_way):
        return None
    floor = float(one.config.task.one_way_floor)  # type: ignore[union-attr]
    answer = "zero" if one_way < 0.1 else "half" if one_way < (floor + math.log(2)) / 2 else "all"
    numbers = {"one": f"{one_way:.3f}", "both": f"{two_way:.4f}", "floor": f"{floor:.3f}"}
    return Outcome(answer, numbers, f"{one_way:.2f} nats one way, {two_way:.3f} both ways")


def _sounds(found: Sequence[RunInfo | None]) -> Outcome | None:
    both, one = found
    two_way, one_way = last_score(both), last_score(one)
    if one is None or math.isnan(two_way) or math.isnan(one_way):
        return None
    floor = float(one.config.task.one_way_floor) / math.log(2)  # type: ignore[union-attr]
    answer = "same" if two_way - one_way < 0.02 else "most" if one_way >= 0.9 else "some"
    numbers = {
        "one": share(one_way), "both": share(two_way), "floor": f"{floor:.2f}",
        "one_loss": f"{last_loss(one) / math.log(2):.2f}", "both_loss": f"{last_loss(both) / math.log(2):.3f}",
    }  # fmt: skip
    return Outcome(answer, numbers, f"{share(one_way)} of letters one way, {share(two_way)} both ways")


SHAPES: dict[str, ShapePage] = {
    "one-to-one": ShapePage(
        _configs({"task": "image", "hidden_size": 64, "embedding_size": 32, "lr": 0.005, "steps": 400}), _image
    ),
    "one-to-many": ShapePage(
        _configs(
            {"task": "captions", "hidden_size": 128, "embedding_size": 64, "steps": 2000},
            {"encoder": "convolution"}, {},
        ),
        _captions,
    ),
    "many-to-one": ShapePage(
        _configs({"task": "motion", "hidden_size": 64, "steps": 2500}),
        _motion,
    ),
    "order-decides": ShapePage(
        _configs({"task": "sentiment", "hidden_size": 32, "lr": 0.005, "steps": 1200}), _sentiment
    ),
    "many-to-many": ShapePage(
        _configs(
            {"task": "frames", "hidden_size": 64, "embedding_size": 32, "steps": 1000},
            {"encoder": "convolution", "readout_layers": 2}, {},
        ),
        _frames,
    ),
    "both-directions": ShapePage(
        _configs(
            {"task": "both_ways", "hidden_size": 16, "lr": 0.01, "steps": 800}, {"bidirectional": True}, {}
        ),
        _both,
    ),
    "end-decides": ShapePage(
        _configs(
            {"task": "phonemes", "hidden_size": 24, "lr": 0.01, "steps": 600}, {"bidirectional": True}, {}
        ),
        _sounds,
    ),
    "convolution-inside": ShapePage(
        _configs(
            {"task": "video", "lr": 0.01, "steps": 1000, "sequence_length": 10, "test_length": 20},
            {"cell": "conv_lstm", "hidden_size": 8}, {"cell": "lstm", "hidden_size": 128, "lr": 0.003},
        ),
        _video, any_cell=False,
    ),
}  # fmt: skip
"""Page → what is trained there."""


def of_page(name: str, found: Sequence[RunInfo]) -> list[RunInfo | None]:
    """The newest ended run of each variant: alike in all that tells the variants from one another."""
    page = SHAPES[name]
    over = [run for run in found if run.state in ENDED and run.config.task.kind == page.kind]
    return [next((run for run in over if _alike(run.config, one, page)), None) for one in page.variants]


def _alike(one: RunConfig, other: RunConfig, page: ShapePage) -> bool:
    told = ("encoder", "bidirectional", "readout_layers") + (() if page.any_cell else ("cell",))
    return all(one[leaf] == other[leaf] for leaf in told)


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
            found = experiment.runs_of(SHAPES[name].kind)
            experiment.shown(
                found, _panels, key=name.replace("-", "_"), bar="metrics", empty=_welcome, scale=scale(), alone=False
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
        st.button(
            "Train" if len(page.variants) == 1 else "Train both", type="primary", icon=":material/play_arrow:",
            key="train_shape", on_click=_train, args=(name,),
        )  # fmt: skip


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


ALIGNED = Panel(
    "directions", "directions", "Both directions, aligned in time", span=12, height=400,
    about="The batch's first sequence, opened by the probe",
)  # fmt: skip


def _maps(run: RunInfo) -> Panel:
    maps = range(run.config.model.hidden_size)
    return Panel(
        "gate_maps", "gate_maps", "Its gates as pictures, frame by frame", span=12, height=620, params={CHANNEL: 0},
        choices=(Choice(CHANNEL, "Map", tuple((str(n + 1), n) for n in maps), slider=True),),
        about="A film that it never saw",
    )  # fmt: skip


def _panels(watched: list[RunInfo]) -> list[Panel]:
    """The drawing and the answers of the run that is looked at, and the curves of all."""
    tall = 620 if watched[0].config.task.kind == "captions" else 470
    examples = Choice(EXAMPLE, "Example", tuple((str(n + 1), n) for n in range(MOST)), slider=True)
    task = cast("KnownTask", watched[0].config.task)
    return [
        *HEAD,
        Panel(
            "examples", "examples", "Answers on what it has never seen", span=8, height=tall, choices=(examples,),
            about="The probability of each answer at each step; right ones are framed, green where it says so too",
        ),
        Panel("wiring", "wiring", "The network", span=4, height=tall, about="Unrolled over five steps"),
        Panel("loss", "learning_curve", "Loss", span=6, height=300),
        Panel(
            "score", "score_over_training", "Score over training", span=6, height=300,
            about=f"{task.score_name}; solved from {written(task, task.solved_at)} on",
        ),
        *([ALIGNED] if watched[0].config.model.bidirectional else []),
        *([_maps(watched[0])] if watched[0].config.model.cell == "conv_lstm" else []),
        Panel("gradient", "gradient_flow", "Gradient across time", span=12, height=300),
    ]  # fmt: skip

"""The cards of the pages on the lecture's shapes of networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from dashboard.figures.score import written
from dashboard.live.component import Choice, Panel
from dashboard.live.panels.examples import CHANNEL
from dashboard.widgets.answer_panels import CHORDS, alone_panel, answer_panel
from dashboard.widgets.lab_panels import HEAD
from rnncore.config import KnownTask

if TYPE_CHECKING:
    from rnncore.runs.store import RunInfo

ALIGNED = Panel(
    "directions", "directions", "Both directions, aligned in time", span=12, height=400,
    about="The batch's first sequence, opened by the probe",
)  # fmt: skip
WIRING = Panel("wiring", "wiring", "The network", span=4, about="Unrolled over five steps")
GRADIENT = Panel("gradient", "gradient_flow", "Gradient across time", span=12, height=300)
TONES = Panel(
    "spectrum", "spectrum", "Its tones at the end", span=6, height=320, choices=(CHORDS,),
    about="A network may keep the notes though it lost their phase, or grow too quiet to hear",
)  # fmt: skip


def panels(watched: list[RunInfo]) -> list[Panel]:
    """What the run that is looked at answers, and the drawing of its network; then the curves of all."""
    first = watched[0].config
    kind, task = first.task.kind, cast("KnownTask", first.task)
    whose = f": {first.label}" if len(watched) > 1 else ""
    answers = answer_panel(watched[0], whose=whose, span=8)
    alone = alone_panel(watched, 6 if kind == "sound" else 12)
    found = [*HEAD]
    if answers is not None:
        found += [answers, replace(WIRING, height=answers.height)]
    if alone is not None:
        found.append(alone)
    if kind == "sound":
        found.append(TONES)
    found += [
        Panel("loss", "learning_curve", "Loss", span=6, height=300),
        Panel(
            "score", "score_over_training", "Score over training", span=6, height=300,
            about=f"{task.score_name}; solved from {written(task, task.solved_at)} on",
        ),
    ]  # fmt: skip
    if first.model.bidirectional:
        found.append(ALIGNED)
    if first.model.cell == "conv_lstm":
        found.append(_maps(watched[0]))
    return [*found, GRADIENT]


def _maps(run: RunInfo) -> Panel:
    maps = range(run.config.model.hidden_size)
    return Panel(
        "gate_maps", "gate_maps", "Its gates as pictures, frame by frame", span=12, height=720, params={CHANNEL: 0},
        choices=(Choice(CHANNEL, "Map", tuple((str(n + 1), n) for n in maps), slider=True),),
        about="A film that it never saw",
    )  # fmt: skip

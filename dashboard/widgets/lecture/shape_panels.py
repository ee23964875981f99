"""The cards of the pages on the lecture's shapes of networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from dashboard.figures.score import written
from dashboard.live.component import Choice, Panel
from dashboard.live.panels.examples import CHANNEL, EXAMPLE
from dashboard.live.panels.sound import CHORD, PLACE
from dashboard.widgets.lab_panels import HEAD
from rnncore.config import KnownTask
from rnncore.records.examples import MOST
from rnncore.records.sound import LISTENED

if TYPE_CHECKING:
    from rnncore.runs.store import RunInfo

ALIGNED = Panel(
    "directions", "directions", "Both directions, aligned in time", span=12, height=400,
    about="The batch's first sequence, opened by the probe",
)  # fmt: skip
EXAMPLES = Choice(EXAMPLE, "Example", tuple((str(n + 1), n) for n in range(MOST)), slider=True)
CHORDS = Choice(CHORD, "Chord", tuple((str(n + 1), n) for n in range(LISTENED)))
PLACES = Choice(PLACE, "Close-up", (("left alone", 0), ("training's end", 1), ("the end", 2)))
WIRING = Panel("wiring", "wiring", "The network", span=4, about="Unrolled over five steps")
GRADIENT = Panel("gradient", "gradient_flow", "Gradient across time", span=12, height=300)
FILM = Panel(
    "going_on", "going_on", "Left alone: how long the film is right", span=12, height=320,
    about="The network reads eight frames, and then its own; copying tells the last one that it was shown",
)  # fmt: skip


def panels(watched: list[RunInfo]) -> list[Panel]:
    """What the run that is looked at answers, and the drawing of its network; then the curves of all."""
    first = watched[0].config
    kind, task = first.task.kind, cast("KnownTask", first.task)
    over_training = [
        Panel("loss", "learning_curve", "Loss", span=6, height=300),
        Panel(
            "score", "score_over_training", "Score over training", span=6, height=300,
            about=f"{task.score_name}; solved from {written(task, task.solved_at)} on",
        ),
    ]  # fmt: skip
    if kind == "sound":
        return [*HEAD, *_sound(), *over_training, GRADIENT]
    tall = 620 if kind == "captions" else 470
    found = [
        *HEAD,
        Panel(
            "examples", "examples", "Answers on what it has never seen", span=8, height=tall, choices=(EXAMPLES,),
            about="The probability of each answer at each step; right ones are framed, green where it says so too"
            if kind != "video" else "Frames of a film that it never saw, and its own",
        ),
        replace(WIRING, height=tall),
    ]  # fmt: skip
    if kind == "video":
        found.append(FILM)
    found += over_training
    if first.model.bidirectional:
        found.append(ALIGNED)
    if first.model.cell == "conv_lstm":
        found.append(_maps(watched[0]))
    return [*found, GRADIENT]


def _sound() -> list[Panel]:
    return [
        Panel(
            "sound", "sound", "Listen to it", span=8, height=430, choices=(CHORDS, PLACES),
            about="Above, all of it; below, a few periods: the truth, and what the network makes of its own state",
        ),
        replace(WIRING, height=430),
        Panel(
            "going_on", "going_on", "Left alone: how long the chord is right", span=6, height=320,
            about="Each stretch of 10 ms beside the true one",
        ),
        Panel(
            "spectrum", "spectrum", "Its tones at the end", span=6, height=320, choices=(CHORDS,),
            about="A network may keep the notes though it lost their phase, or grow too quiet to hear",
        ),
    ]  # fmt: skip


def _maps(run: RunInfo) -> Panel:
    maps = range(run.config.model.hidden_size)
    return Panel(
        "gate_maps", "gate_maps", "Its gates as pictures, frame by frame", span=12, height=620, params={CHANNEL: 0},
        choices=(Choice(CHANNEL, "Map", tuple((str(n + 1), n) for n in maps), slider=True),),
        about="A film that it never saw",
    )  # fmt: skip

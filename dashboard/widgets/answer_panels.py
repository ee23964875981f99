"""The cards of what a run makes of sequences that it was never trained on: answers, pictures, a sound to listen to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.live.component import Choice, Panel
from dashboard.live.panels.examples import EXAMPLE
from dashboard.live.panels.sound import CHORD, PLACE
from rnncore.records.examples import MOST
from rnncore.records.sound import LISTENED

if TYPE_CHECKING:
    from rnncore.runs.store import RunInfo

EXAMPLES = Choice(EXAMPLE, "Example", tuple((str(n + 1), n) for n in range(MOST)), slider=True)
CHORDS = Choice(CHORD, "Chord", tuple((str(n + 1), n) for n in range(LISTENED)))
PLACES = Choice(PLACE, "Close-up", (("left alone", 0), ("training's end", 1), ("the end", 2)))
ODDS = "The probability of each answer at each step; right ones are framed, green where it says so too"
FRAMES = "Frames of a film that it never saw, and its own"
WAVES = "Above, all of it; below, a few periods: the truth, and what the network makes of its own state"
ALONE = {
    "video": (
        "Left alone: how long the film is right",
        "The network reads eight frames, and then its own; copying tells the last one that it was shown",
    ),
    "sound": ("Left alone: how long the chord is right", "Each stretch of 10 ms beside the true one"),
}
"""Kind of task → title of the card on going on alone, and what there is to see."""


def answer_panel(run: RunInfo, index: int = 0, *, whose: str = "", span: int = 12) -> Panel | None:
    """The card of one run; None where its task has nothing to show.

    Args:
        run: whose answers.
        index: its place among the runs in view.
        whose: what the title says of that, '' for nothing.
        span: twelfths of the page's width.
    """
    task, place = run.config.task, {"run": index}
    if run.elsewhere:
        return None
    if task.kind == "sound":
        return Panel(
            f"sound{index}", "sound", f"Listen to it{whose}", span=span, height=430, params=place,
            choices=(CHORDS, PLACES), about=WAVES,
        )  # fmt: skip
    if not getattr(task, "shown", False):
        return None
    return Panel(
        f"examples{index}", "examples", f"Answers on what it has never seen{whose}", span=span, params=place,
        height=620 if task.kind == "captions" else 470, choices=(EXAMPLES,),
        about=FRAMES if task.kind == "video" else ODDS,
    )  # fmt: skip


def alone_panel(watched: list[RunInfo], span: int = 12) -> Panel | None:
    """For how long what all runs go on with alone is right; None where they learn several tasks, or another one."""
    kinds = {run.config.task.kind for run in watched}
    if len(kinds) > 1 or not kinds <= ALONE.keys():
        return None
    title, about = ALONE[kinds.pop()]
    return Panel("going_on", "going_on", title, span=span, height=320, about=about)

"""What Scheduled sampling shows of its runs, from top to bottom."""

from __future__ import annotations

from dashboard.live.component import Choice, Panel, Pick
from dashboard.live.panels.scheduled_sampling import GAP, LOSSES, SEQUENCE, names
from rnncore.records.feeding import SEQUENCES
from rnncore.runs.store import RunInfo

BY_POSITION = Choice(GAP, "Show", (("both losses", 0), ("the gap", 1)))
OVER_TRAINING = Choice(LOSSES, "Show", (("the gap", 0), ("both losses", 1)))
ONE = Choice(SEQUENCE, "Sequence", tuple((str(n), n) for n in range(1, SEQUENCES + 1)), slider=True)


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The numbers side by side, the schedule and its coins, one batch, exposure, and the cost."""
    first, whose = _tossing(watched)
    batch = {"run": first, SEQUENCE: 1}
    return [
        Panel("state", "sampling_state", kind="words", span=12),
        Panel("metrics", "sampling_numbers", kind="text", span=12),
        Panel(
            "epsilon",
            "epsilon",
            "ε by iteration",
            span=7,
            height=320,
            about="Line: the schedule. Rings: the share of coins that fed the truth in a window of steps, and the band "
            "of 4 standard errors around ε. The large dot is the present",
        ),
        Panel(
            "deviation",
            "epsilon_deviation",
            "Really fed minus ε",
            span=5,
            height=320,
            about="The same rings and bands, enlarged around the schedule",
        ),
        Panel(
            "coins",
            "coins",
            "The coins of one batch",
            span=12,
            height=300,
            params=batch,
            choices=whose,
            pick=Pick(SEQUENCE, axis="y"),
            about="A coin for each step of each sequence; click a row to read it below",
        ),
        Panel(
            "text",
            "fed_text",
            "What was fed",
            span=12,
            height=140,
            params=batch,
            choices=(ONE, *whose),
            about="Point at a character to see the truth and what the network predicted in its place",
        ),
        Panel(
            "exposure",
            "exposure",
            "Teacher forcing against free running",
            height=360,
            choices=(BY_POSITION,),
            about="Held-out text: what the true next character costs with the truth before it, and with what the "
            "network wrote itself since the primer. Bands: 95 % over streams",
        ),
        Panel(
            "written",
            "written_bits",
            "Does free running keep to real text",
            height=360,
            about="Bits of what it writes under an n-gram model of the training text; real text stays within the band "
            "at all positions 19 times in 20",
        ),
        Panel(
            "training",
            "exposure_over_training",
            "The gap over training",
            height=340,
            choices=(OVER_TRAINING,),
            about="Mean over all positions of free running minus teacher forcing, with its 95 % interval over streams",
        ),
        Panel(
            "cost",
            "feeding_cost",
            "What it costs",
            height=340,
            about="A typical step of the run as it went, whatever else the machine was doing",
        ),
    ]


def _tossing(watched: list[RunInfo]) -> tuple[int, tuple[Choice, ...]]:
    """The first run that tosses coins, and the choice among all that do."""
    tossing = [
        (name, index)
        for index, (name, run) in enumerate(zip(names(watched), watched, strict=True))
        if not run.elsewhere and not run.config.scheduled_sampling.teacher_forcing
    ]
    first = tossing[0][1] if tossing else 0
    return first, (Choice("run", "Run", tuple(tossing)),) if len(tossing) > 1 else ()

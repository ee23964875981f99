"""What Samples over training shows of its runs, from top to bottom."""

from __future__ import annotations

from dashboard.live.component import Choice, Panel
from dashboard.live.panels.samples import FIRST, LATEST, MOMENTS, SECOND, no_text
from dashboard.widgets.lab_panels import HEAD
from rnncore.runs.store import RunInfo

ABOUT = {
    "samples_film": "The newest sample at the moment on the bar: press play and watch it grow",
    "sample_copied": "The longest span that any sample of a batch has in common with the training text",
    "samples_compared": "Two moments after the same primer, with the same random numbers",
    "sample_quality": "Each measure beside its level on held-out text, and on text that knows little",
    "learning_curve": "Lower is better; dotted lines are what counting n-grams of the text reaches",
}


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The film, two moments beside each other, and the measures over training."""
    if all(map(no_text, watched)):
        return [*HEAD, *_of_each(watched, "film", "samples_film", "No samples", 12)]
    both = len(watched) > 1
    return [
        *HEAD,
        *_of_each(watched, "film", "samples_film", "The sample at this moment", 6 if both else 7),
        *_of_each(watched, "copied", "sample_copied", "The longest copied span", 6 if both else 5),
        compared(FIRST, "One moment", 0, watched),
        compared(SECOND, "Another moment", LATEST, watched),
        Panel("quality", "sample_quality", "Quality over training", span=12, about=ABOUT["sample_quality"]),
        Panel("bits", "learning_curve", "Bits per character", span=12, height=340, about=ABOUT["learning_curve"]),
    ]


def _of_each(watched: list[RunInfo], stem: str, name: str, title: str, span: int) -> list[Panel]:
    """The same card for each run."""
    return [
        Panel(
            f"{stem}{index}",
            name,
            f"{title}: {run.config.label}" if len(watched) > 1 else title,
            kind="text",
            span=span,
            params={"run": index},
            about=ABOUT[name],
        )
        for index, run in enumerate(watched)
    ]


def compared(which: str, title: str, start: int, watched: list[RunInfo]) -> Panel:
    """One of two moments to be compared, of any of the runs."""
    last = max(run.config.training.steps for run in watched)
    steps = ((f"step {step:,}", place) for place, step in enumerate(MOMENTS) if step <= last)
    choices = [Choice(which, "Moment", (*steps, ("latest", LATEST)), slider=True)]
    if len(watched) > 1:
        options = tuple((run.config.label, index) for index, run in enumerate(watched))
        choices.append(Choice(f"{which}_of", "Run", options))
    about = ABOUT["samples_compared"]
    return Panel(which, "samples_compared", title, "text", params={which: start}, choices=tuple(choices), about=about)

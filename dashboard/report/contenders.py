"""Chapters of a race's report: the race as a whole, its runs, and each contender by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from dashboard.live.component import Panel
from dashboard.live.panels import PANELS
from dashboard.report.chapters import MOST_BY_THEMSELVES, MOST_OVERLAID, Chapter, common, drawable, representatives
from dashboard.report.facts import settings, table
from dashboard.widgets import lab_panels
from rnncore.runs.store import RunInfo, RunStore

_TALL = 400
"""Pixels from which on a card takes the whole width."""


@dataclass(frozen=True)
class Contender:
    """One of those who race.

    Attributes:
        label: what to call it, plain text.
        runs: ids, one for each seed.
    """

    label: str
    runs: tuple[str, ...]


Group = tuple[str, list[RunInfo]]
"""A contender's label and runs."""


def contender_chapters(
    store: RunStore, groups: Sequence[Group], verdict: Sequence[str], panels: Sequence[Panel], race: str
) -> list[Chapter]:
    """The race as a whole first; see ``report.compared``."""
    runs = [run for _, own in groups for run in own]
    overlaid = _one_of_each(groups)
    shown = tuple(panel for panel in panels if panel.kind != "words" or not verdict)  # not the verdict twice
    shown = shown or drawable(store, overlaid, common(overlaid))
    said = "".join(f'<p class="verdict">{escape(sentence)}</p>' for sentence in verdict)
    labels = {run.id: label for label, own in groups for run in own}
    return [
        Chapter("The race", "race", tuple(overlaid), shown, said, race),
        Chapter("All runs", "all-runs", tuple(runs[:1]), (), table(store, runs, labels)),
        *(_chapter(store, place, label, own) for place, (label, own) in enumerate(groups[:MOST_BY_THEMSELVES])),
    ]


def _one_of_each(groups: Sequence[Group]) -> list[RunInfo]:
    """A run of each contender, all with the same seed where there is one."""
    seeds = [{run.config.seed for run in own} for _, own in groups]
    shared = min(set.intersection(*seeds), default=None)
    chosen = [next((run for run in own if run.config.seed == shared), own[0]) for _, own in groups]
    return representatives(chosen)


def _chapter(store: RunStore, place: int, label: str, runs: list[RunInfo]) -> Chapter:
    """A contender's seeds laid over each other, and the inside of its first."""
    seen = runs[:MOST_OVERLAID]
    own = [
        replace(panel, span=12 if panel.kind == "text" or panel.height > _TALL else 6, title=_of_seed(panel, seen[0]))
        for panel in lab_panels.panels(seen)
        if panel not in lab_panels.HEAD and panel.params.get("run", 0) == 0
    ]
    return Chapter(label, f"contender-{place}", tuple(seen), drawable(store, seen, own), settings(seen[0]))


def _of_seed(panel: Panel, run: RunInfo) -> str:
    """Of what is inside one run, which run."""
    if not PANELS[panel.name].one_run:
        return panel.title
    return f"{panel.title.partition(': ')[0]}, seed {run.config.seed}"

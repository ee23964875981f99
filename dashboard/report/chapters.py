"""Which of the live pages' cards a report holds: those that there is something to draw in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dashboard.live.component import Panel
from dashboard.live.panels import PANELS
from dashboard.report.facts import facts, table
from dashboard.widgets import (
    dynamics_panels,
    gates_panels,
    gradient_panels,
    lab_panels,
    samples_panels,
    sampling_panels,
    shift_panels,
    structured_prediction,
)
from rnncore.records import DistributionalShift, Exposure, Sample, SentenceShares
from rnncore.runs.store import RunInfo, RunStore

MOST_OVERLAID = 6
"""Runs in one figure: as many as a live page takes."""
MOST_BY_THEMSELVES = 12
"""Runs with a chapter of their own."""


@dataclass(frozen=True)
class Chapter:
    """Cards under a heading.

    Attributes:
        heading: plain text.
        anchor: what a link in the report calls it.
        runs: whose data the cards show, the main one first.
        panels: the cards.
        above: markup between the heading and the cards.
        race: id of the race that some cards show all of, '' for none.
    """

    heading: str
    anchor: str
    runs: tuple[RunInfo, ...]
    panels: tuple[Panel, ...]
    above: str = ""
    race: str = ""


_PAGES: tuple[tuple[str, str, Callable[[list[RunInfo]], list[Panel]]], ...] = (
    ("The run", "live-lab", lab_panels.panels),
    ("Gradient flow", "gradient-flow", gradient_panels.panels),
    ("Gates and memory", "gates-and-memory", gates_panels.memory_panels),
    ("Dynamics", "dynamics", dynamics_panels.panels),
    ("Samples over training", "samples-over-training", samples_panels.panels),
    ("Scheduled sampling", "scheduled-sampling", sampling_panels.panels),
    ("Structured prediction", "structured-prediction", structured_prediction.panels),
    ("Distributional shift", "distributional-shift", shift_panels.panels),
)
_NEEDS = {
    "samples-over-training": {Sample.kind},
    "scheduled-sampling": {"feeding", Exposure.kind},
    "structured-prediction": {SentenceShares.kind},
    "distributional-shift": {DistributionalShift.kind},
}
"""Pages that say nothing of a run that has none of these series and records."""


def chapters(store: RunStore, runs: Sequence[RunInfo]) -> list[Chapter]:
    """One run: every page. Several: what can be laid over each other, then each run by itself."""
    if len(runs) == 1:
        return list(filter(None, (_page(store, runs[0], *page) for page in _PAGES)))
    found = [side_by_side(store, runs, table(store, runs))]
    for run in runs[:MOST_BY_THEMSELVES]:
        own = [panel for panel in lab_panels.panels([run]) if panel in lab_panels.HEAD or PANELS[panel.name].one_run]
        found.append(Chapter(_name(run), run.id, (run,), drawable(store, [run], own), facts(store, run)))
    return found


def side_by_side(store: RunStore, runs: Sequence[RunInfo], above: str) -> Chapter:
    """What can be laid over each other of several runs."""
    overlaid = representatives(runs)
    if len(overlaid) < len(runs):
        above += f"<p>The figures show {len(overlaid)} of the {len(runs)} runs, of a race one of each contender.</p>"
    return Chapter("Side by side", "side-by-side", tuple(overlaid), drawable(store, overlaid, common(overlaid)), above)


def common(runs: list[RunInfo]) -> list[Panel]:
    """The cards that lay runs over each other."""
    return [panel for panel in lab_panels.panels(runs) if _overlays(panel)]


def _overlays(panel: Panel) -> bool:
    return not PANELS[panel.name].one_run and panel not in lab_panels.HEAD


def representatives(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """As many as fit into one figure: one of each contender of a race first, in the order given."""
    firsts = {(run.race, run.contender): run for run in reversed(runs) if run.race}
    chosen = [run for run in runs if not run.race or firsts[run.race, run.contender] is run]
    return (chosen + [run for run in runs if run not in chosen])[:MOST_OVERLAID]


def _page(
    store: RunStore, run: RunInfo, heading: str, anchor: str, panels: Callable[[list[RunInfo]], list[Panel]]
) -> Chapter | None:
    if anchor in _NEEDS and not _NEEDS[anchor] & _kept(store, run):
        return None
    offered = panels([run])
    if anchor != "live-lab":  # verdict and numbers stand at the top of the report
        offered = [panel for panel in offered if panel.kind == "figure" or panel.title]
    found = drawable(store, [run], offered)
    above = facts(store, run) if anchor == "live-lab" else ""
    return Chapter(heading, anchor, (run,), found, above) if found else None


def drawable(store: RunStore, runs: Sequence[RunInfo], panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """The cards whose series or records some of the runs have."""
    there = set().union(*(_kept(store, run) for run in runs))
    return tuple(panel for panel in panels if panel in lab_panels.HEAD or there & set(PANELS[panel.name].sources))


def _kept(store: RunStore, run: RunInfo) -> set[str]:
    """The series and the kinds of records that a run has."""
    return {*store.series_names(run.id), *store.record_kinds(run.id)}


def _name(run: RunInfo) -> str:
    return f"{run.config.label} · seed {run.config.seed} · {run.id}" if not run.elsewhere else f"{run.name} · {run.id}"


def titled(panel: Panel, prefix: str) -> Panel:
    """The card under an id that no other chapter has; nothing in it can be pointed at to choose."""
    return replace(panel, id=f"{prefix}-{panel.id}", pick=None)

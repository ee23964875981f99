"""A whole race out of the run store as one HTML document."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.live.component import Panel
from dashboard.report.contenders import Contender
from dashboard.report.document import compared
from dashboard.report.sections import Section
from dashboard.widgets.race_panels import whole
from rnncore.comparison import Measure, Race, judged, outcome, series_of, standings, verdict
from rnncore.records import Columns
from rnncore.runs.races import RaceInfo, Races
from rnncore.runs.store import RunInfo, RunStore


def race_report(
    store: RunStore, race_id: str, *, panels: Sequence[Panel] = (), sections: Sequence[Section] = ()
) -> str:
    """A race with its verdict, its runs and its contenders.

    Args:
        store: where it is.
        race_id: which race.
        panels: cards about all of it; those of the page Compare for none.
        sections: what stands between the race as a whole and its contenders.

    Raises:
        StoreError: there is no such race.
        ExportError: all of its runs were deleted.
    """
    info = Races(store).get(race_id)
    race = Race.from_store(info.document)
    return compared(
        store,
        contenders_of(info, race),
        title=info.name or "Race",
        verdict=_verdict(store, info.runs, race),
        sections=sections,
        race=race_id,
        panels=panels or whole(race),
    )


def contenders_of(info: RaceInfo, race: Race) -> list[Contender]:
    """The contenders with the runs that are left of them."""
    return [
        Contender(one.label, tuple(run.id for run in info.runs if run.contender == place))
        for place, one in enumerate(race.contenders)
    ]


def _verdict(store: RunStore, runs: Sequence[RunInfo], race: Race) -> list[str]:
    measure = judged(race, runs)
    outcomes = [outcome(run, measure, _series(store, run, measure)) for run in runs]
    return verdict(measure, standings(race, outcomes))


def _series(store: RunStore, run: RunInfo, measure: Measure) -> dict[str, Columns]:
    return {name: store.series(run.id, name) for name in series_of(measure)}

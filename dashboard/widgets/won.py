"""In which races cells won: all races that are over, at a glance, and those of one cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from dashboard import services
from dashboard.figures.won import won
from dashboard.widgets.problems import as_text
from dashboard.widgets.still import look
from rnncore.comparison import Result, overall, result
from rnncore.comparison.won import AHEAD, LEVEL
from rnncore.errors import RnncoreError
from rnncore.runs.races import Races


def results() -> list[Result]:
    """Of races between two cells or more that are over, the newest first; each is judged once."""
    found, unread = [], 0
    for race_id, mark in Races(services.store()).marks().items():
        try:
            one = _result(race_id, mark)
        except RnncoreError:
            unread += 1
            continue
        if one is not None and len(one.cells) > 1:
            found.append(one)
    if unread:
        st.caption(f"Races that this version cannot read are left out here: {unread}.")
    return found


@lru_cache(maxsize=400)
def _result(race_id: str, mark: str) -> Result | None:
    """``mark`` changes whenever one of the race's runs does."""
    store = services.store()
    return result(store, Races(store).get(race_id))


def overview(found: Sequence[Result], scale: float = 1.0) -> None:
    """All of them: in words, and as a map of races and cells, whose letters are so much larger than usual."""
    st.subheader("In which races they won")
    if not found:
        st.markdown("No race between cells is over yet. Start one on [Compare](compare): what it comes to stands here.")
        return
    st.markdown(as_text(overall(found)))
    drawn = won(found, look(), scale=scale)
    st.caption(drawn.layout.meta["caption"])
    drawn.update_layout(height=drawn.layout.meta["height"])
    st.plotly_chart(drawn, theme=None, key="cells_won", config={"displayModeBar": False})


def races_of(cell: str, found: Sequence[Result]) -> None:
    """A table of a cell's races: what each was judged by, what the cell came to, and how it did."""
    mine = [(race, race.of(cell)) for race in found if cell in race.cells]
    if not mine:
        st.markdown("Races: none that it was in is over yet.")
        return
    lines = ["| Race | Judged by | Score | How it did |", "|---|---|---|---|"]
    for race, (best, *others) in mine:
        label = f"{best.label}, the best of {len(others) + 1}" if others else best.label
        told = f"**{as_text(best.told)}**" if best.place in (AHEAD, LEVEL) else as_text(best.told)
        link = f"[{as_text(race.title or race.race)}](compare?race={race.race})"
        score = as_text(race.measure.interval(best.score)).replace(" ", "\u00a0")
        lines.append(f"| {link} | {as_text(race.measure.name)} | {score} | {as_text(label)}: {told} |")
    st.markdown("\n".join(lines))

"""The map of the lecture: each page with the number that this reader saw there, and what they had expected."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import streamlit as st

from dashboard import services
from dashboard.owner import owner
from dashboard.widgets.lecture.chapters import CHAPTERS, Chapter
from dashboard.widgets.lecture.frame import Outcome
from dashboard.widgets.lecture.runs import newest_outcome
from dashboard.widgets.lecture.text import read
from dashboard.widgets.problems import as_text
from rnncore.runs.experiments import Experiments

PARTS = {
    "One layer, any length": ("variable-length", "unrolled", "each-step"),
    "Gradients through time": ("shared-weights", "any-graph", "vanishing"),
    "Memory": ("remember-or-forget", "inside-the-lstm", "why-lstms", "in-practice"),
    "Outputs that feed back": (
        "structured-prediction",
        "distributional-shift",
        "lecture-scheduled-sampling",
        "from-nonsense-to-prose",
    ),
    "Shapes of networks": (
        "cells",
        "one-to-one",
        "one-to-many",
        "many-to-one",
        "order-decides",
        "many-to-many",
        "translation",
        "film-goes-on",
        "sound-goes-on",
        "both-directions",
        "end-decides",
        "convolution-inside",
        "many-layers",
        "beyond",
    ),
}
"""What belongs together, by the names of pages."""
SUMMARY = "summary"
TALLEST = 5
"""Cards below each other in a part of the map."""


@dataclass(frozen=True)
class Seen:
    """A page, what came out there for this reader, None for nothing yet, and the answer that they had given, or ''."""

    chapter: Chapter
    outcome: Outcome | None
    predicted: str

    @property
    def expected(self) -> bool:
        """They said what they expected, and an answer came true."""
        answers = read(self.chapter.name).answers
        return self.outcome is not None and self.predicted in answers and self.outcome.answer in answers

    @property
    def right(self) -> bool:
        """It was the answer that came true."""
        return self.expected and self.outcome is not None and self.outcome.answer == self.predicted


def seen() -> list[Seen]:
    """All pages but the summary, in the lecture's order."""
    kept = Experiments(services.store())
    measured, expected = kept.newest(owner()), kept.expected(owner())
    found = []
    for chapter in CHAPTERS:
        if chapter.name == SUMMARY:
            continue
        if chapter.own and (info := measured.get(chapter.name)) is not None:
            record = kept.record(info.id)
            outcome = None if record is None else Outcome(record.answer, record.numbers, record.proof)
            found.append(Seen(chapter, outcome, info.predicted))
        else:
            found.append(Seen(chapter, newest_outcome(chapter.name), expected.get(chapter.name, "")))
    return found


def in_total(pages: Sequence[Seen]) -> Outcome | None:
    """How often the reader was right; None where they expected nothing yet."""
    said = [page for page in pages if page.expected]
    right, wrong = [page for page in said if page.right], [page for page in said if not page.right]
    if not said:
        return None
    share = len(right) / len(said)
    answer = "all" if share == 1 else "most" if share > 0.5 else "some" if share > 0 else "none"
    titles = ", ".join(page.chapter.title for page in wrong)
    numbers = {
        "seen": str(sum(page.outcome is not None for page in pages)),
        "pages": str(len(pages)),
        "predicted": str(len(said)),
        "right": str(len(right)),
        "surprises": f"What came out otherwise: {titles}." if wrong else "Nothing came out otherwise.",
    }
    return Outcome(answer, numbers, f"{len(right)} of {len(said)} expectations came true")


def draw(pages: Sequence[Seen]) -> None:
    """The map: a column for each part of the lecture, a card for each page; a long part has rows of its own."""
    if not any(page.outcome for page in pages):
        st.info("Nothing has been measured yet. Open a page, say what you expect, and run it: its number appears here.")
    by_name = {page.chapter.name: page for page in pages}
    parts = {title: [by_name.pop(name) for name in names if name in by_name] for title, names in PARTS.items()}
    grid = st.grid(4, min_column_width=250)
    for place, (title, members) in enumerate(parts.items()):
        if not members:
            continue
        long = len(members) > TALLEST
        with st.container(key=f"map_part_{place}") if long else grid.container(key=f"map_part_{place}"):
            st.markdown(f"##### {title}")
            row = st.grid(4, min_column_width=250) if long else None
            for page in members:
                with row.container() if row else nullcontext():
                    _card(page)


def _card(page: Seen) -> None:
    name = page.chapter.name
    with st.container(border=True, key=f"map_{name.replace('-', '_')}", gap="small"):
        place = [chapter.name for chapter in CHAPTERS].index(name) + 1
        st.page_link(page.chapter.view, label=f"**{place} · {page.chapter.title}**")
        if page.outcome is None:
            st.caption("Not measured yet")
            return
        proof = page.outcome.proof
        st.markdown(as_text(proof[:1].upper() + proof[1:]))
        if not page.expected:
            st.caption("Seen without a guess" if page.outcome.answer else "No answer came true")
        elif page.right:
            st.caption(":material/check: As you expected")
        else:
            st.caption(f":material/lightbulb: You expected: {read(name).answers[page.predicted]}")

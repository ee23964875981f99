"""The gallery of shapes: a card for each, with its drawing, what it is for, and what came out here."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard.figures.wiring import wiring
from dashboard.widgets.lecture.chapters import CHAPTERS
from dashboard.widgets.lecture.overview import Seen, seen
from dashboard.widgets.lecture.shapes import SHAPES
from dashboard.widgets.problems import as_text
from dashboard.widgets.still import look
from rnncore.config import Model


@dataclass(frozen=True)
class Drawing:
    """A shape.

    Attributes:
        page: of the lecture.
        kind: see ``figures.wiring.SHAPES``.
        model: that is drawn.
        uses: what it is used for, in a line.
    """

    page: str
    kind: str
    model: Model
    uses: str


def _of(page: str, uses: str) -> Drawing:
    config = SHAPES[page].variants[0]
    return Drawing(page, config.task.kind, config.model, uses)


GALLERY = (
    _of("one-to-one", "A picture, its class: no time at all"),
    _of("one-to-many", "A picture, its caption letter by letter"),
    _of("many-to-one", "A clip, the kind of its motion"),
    _of("order-decides", "A phrase, praise or blame"),
    _of("many-to-many", "A clip, a label for each frame"),
    Drawing("translation", "translation", Model(cell="lstm"), "A date in words, the same as an ISO date"),
    _of("film-goes-on", "A few frames, as many more as one likes"),
    _of("sound-goes-on", "A moment of a chord, and the rest of it"),
    _of("both-directions", "Bits, an answer that needs what comes next"),
    _of("end-decides", "A word, the sound of each letter"),
    _of("convolution-inside", "A film, the frames to come"),
    Drawing("many-layers", "adding", Model(cell="lstm", num_layers=3), "Layers on layers: two ways for a gradient"),
    Drawing("beyond", "recall", Model(cell="tcn", num_layers=2), "No state: two taps a layer, further apart"),
    Drawing("beyond", "recall", Model(cell="transformer"), "No state: each step asks all before it"),
)
"""In the lecture's order."""


def gallery() -> None:
    """All cards."""
    pages = {one.chapter.name: one for one in seen()}
    grid = st.grid(3, min_column_width=300)
    for place, drawing in enumerate(GALLERY):
        with grid.container(border=True, key=f"shape_{place}", gap="small"):
            _card(place, drawing, pages[drawing.page])


def _card(place: int, drawing: Drawing, page: Seen) -> None:
    number = [chapter.name for chapter in CHAPTERS].index(drawing.page) + 1
    st.page_link(page.chapter.view, label=f"**{number} · {page.chapter.title}**")
    st.caption(drawing.uses)
    drawn = wiring(drawing.kind, drawing.model, look())
    drawn.update_layout(height=230)
    config = {"displayModeBar": False, "staticPlot": True}
    st.plotly_chart(drawn, theme=None, key=f"wiring_{place}", config=config)
    if page.outcome is None:
        st.caption("Not trained here yet")
    else:
        proof = page.outcome.proof
        st.markdown(as_text(proof[:1].upper() + proof[1:]))

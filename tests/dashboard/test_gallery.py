"""Claims about the gallery of shapes."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.figures.wiring import SHAPES, wiring
from dashboard.widgets.gallery import GALLERY
from dashboard.widgets.lecture.chapters import CHAPTERS
from dashboard.widgets.lecture.shapes import SHAPES as PAGES
from rnncore.config import Model
from tests.dashboard.test_pages import MAIN, home  # noqa: F401


def test_every_page_on_a_shape_has_a_card_with_its_drawing_and_what_came_out():
    test = AppTest.from_file(str(MAIN), default_timeout=30).run()
    test.switch_page("views/shapes.py").run()
    assert not test.exception
    said = " ".join(one.value for one in test.caption)
    for drawing in GALLERY:
        assert drawing.uses in said
    assert said.count("Not trained here yet") == len(GALLERY)
    assert set(PAGES) <= {drawing.page for drawing in GALLERY} <= {chapter.name for chapter in CHAPTERS}


@pytest.mark.parametrize("drawing", GALLERY, ids=lambda one: f"{one.page} {one.model.cell}")
def test_a_drawing_reads_and_answers_where_its_shape_says(drawing):
    shape = SHAPES[drawing.kind]
    words = [note.text for note in wiring(drawing.kind, drawing.model).layout.annotations if note.text]
    for label in {*shape.reads, *shape.answers} - {""}:
        assert words.count(label) >= shape.reads.count(label) + shape.answers.count(label)


@pytest.mark.parametrize(("cell", "layers", "seen"), [("tcn", 1, 4), ("tcn", 2, 4 + 3), ("transformer", 1, 10)])
def test_a_network_without_a_state_has_no_arrow_from_step_to_step(cell, layers, seen):
    """Of five steps: to each from the one before, from the one two before in the second layer; or from all before."""
    drawn = wiring("recall", Model(cell=cell, num_layers=layers))
    arrows = [note for note in drawn.layout.annotations if note.showarrow]
    level = [one for one in arrows if one.y == one.ay]
    slanted = [one for one in arrows if one.y != one.ay and abs(one.x - one.ax) > 1]
    assert not level
    assert len(slanted) == seen
    recurrent = wiring("recall", Model(cell="gru"))
    assert sum(note.y == note.ay for note in recurrent.layout.annotations if note.showarrow) == 4

"""Claims about the drawings of cells: all gates, states and flows of each, and no number."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from dashboard.figures import cell_drawing as module
from dashboard.figures.base import Look
from dashboard.figures.cell_drawing import DRAWINGS, HEIGHT, TALL, WIDE, cell_drawing
from dashboard.theme import gate_colour
from rnncore.cells import CELLS, Gate

NAMES = sorted(CELLS)


@cache
def drawn(name, mode="light"):
    return cell_drawing(name, Look(mode))


def words(fig):
    """All that is written in the drawing."""
    signs = [text for trace in fig.data for text in trace.text]
    return [note.text for note in fig.layout.annotations if note.text] + signs


def boxes(fig, colour):
    return [one for one in fig.layout.shapes if one.type == "rect" and one.line.color == colour]


def arrows(fig):
    return [note for note in fig.layout.annotations if note.showarrow]


def test_every_cell_of_the_registry_has_a_drawing_of_its_own():
    assert set(DRAWINGS) == set(CELLS)
    distinct = {str(cell_drawing.plain(name)) for name in NAMES}
    assert len(distinct) == len(NAMES)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_each_gate_is_a_box_in_its_colour_with_its_letter_and_name(name, mode):
    fig = drawn(name, mode)
    for gate in CELLS[name].gates:
        assert f"<b>{gate.symbol}</b> {gate.name}" in words(fig)
        assert boxes(fig, gate_colour(gate.symbol, mode))


@pytest.mark.parametrize("name", NAMES)
def test_states_come_in_on_the_left_and_go_out_on_the_right(name):
    cell = CELLS[name]
    notes = {note.text: note.x for note in drawn(name).layout.annotations if note.text}
    out = {text[0].lower() for text, x in notes.items() if x > 90}
    into = {text[0].lower() for text, x in notes.items() if x < 10}
    assert "x" in into
    assert out >= ({"h"} if cell.recurrent else {"y"})
    assert ("c" in into) == ("c" in out) == (cell.has_cell_state or name == "mlstm")
    assert ("h" in into) == (cell.recurrent and name not in ("lru", "mlstm"))  # whose h nothing reads


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_drawing_stands_outside_of_it(name):
    fig = drawn(name)
    for note in fig.layout.annotations:
        assert 0 <= note.x <= WIDE
        assert 0 <= note.y <= TALL
    for one in fig.layout.shapes:
        assert 0 <= min(one.x0, one.x1) <= max(one.x0, one.x1) <= WIDE
        assert 0 <= min(one.y0, one.y1) <= max(one.y0, one.y1) <= TALL


@pytest.mark.parametrize("name", NAMES)
def test_every_arrow_goes_straight_up_down_left_or_right(name):
    for one in arrows(drawn(name)):
        assert (one.x == one.ax) != (one.y == one.ay)


@pytest.mark.parametrize("name", NAMES)
def test_no_number_of_a_run_is_in_a_drawing(name):
    assert not re.search(r"\d\.\d|\d{2}|\d ?%", " ".join(words(drawn(name))))


def test_gates_that_read_the_input_alone_get_nothing_from_the_state():
    """Of minGRU and minLSTM: an arrow leaves the state for the next step only."""
    for name, wanted in (("gru", 2), ("mgu", 2), ("mingru", 1), ("minlstm", 1)):
        right = [one for one in arrows(drawn(name)) if one.y == one.ay and one.ax < 13 and one.y > 20]
        below = [one for one in drawn(name).layout.shapes if one.type == "line" and one.x0 == one.x1 == 6]
        assert len(right) + len(below) == wanted, name


def test_a_peephole_is_dotted_and_no_other_lstm_has_one():
    def dotted(name):
        return [one for one in drawn(name).layout.shapes if one.line.dash == "dot"]

    assert dotted("peephole")
    assert not any(dotted(name) for name in NAMES if name != "peephole")


def test_one_minus_stands_where_one_gate_does_both():
    assert {name for name in NAMES if "1−" in words(drawn(name))} == {"gru", "mgu", "mingru", "coupled"}


def test_larger_letters_come_with_more_room():
    usual, large = cell_drawing("lstm"), cell_drawing("lstm", scale=1.5)
    assert (usual.layout.meta["height"], large.layout.meta["height"]) == (HEIGHT, 1.5 * HEIGHT)
    for one, other in zip(usual.layout.annotations, large.layout.annotations, strict=True):
        assert other.font.size is None or other.font.size == 1.5 * one.font.size


def test_a_cell_that_nobody_drew_is_shown_by_its_gates_and_equations(monkeypatch):
    new = replace(CELLS["lstm"], name="new", gates=(Gate("forget", "f", True), Gate("cell", "g", False)))
    monkeypatch.setattr(module, "CELLS", {"new": new})
    said = words(cell_drawing("new"))
    assert {"<b>f</b> forget", "<b>g</b> cell", *new.about.lines} <= set(said)

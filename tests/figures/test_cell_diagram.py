"""Claims about the cell diagram: its numbers are the trace's own, and the cell's equations hold among them."""

import json
import math

import numpy as np
import pytest
import torch

from dashboard.figures.base import Look
from dashboard.figures.cell_diagram import bracketed, cell_diagram, digits, thickness
from dashboard.live.encoding import encode, to_json
from dashboard.theme import gate_colour
from rnncore.cells import CELLS
from rnncore.diagnostics.gate_activity import gate_activity
from rnncore.probe import probe
from tests.diagnostics.test_gate_activity import made, recorded


def drawn(record, **where):
    return cell_diagram(record, CELLS[record.cell].gates, **where)


def shown(fig):
    """Name → number and text, as they stand in the figure."""
    trace = next(trace for trace in fig.data if trace.name == "numbers")
    return dict(zip(trace.ids, trace.customdata, strict=True)), dict(zip(trace.ids, trace.text, strict=True))


def read(text):
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("t", [0, 1, 5])
@pytest.mark.parametrize("layer", [0, 1])
def test_the_lstm_s_equations_hold_among_the_numbers_drawn(layer, t):
    record, start = recorded("lstm")
    for unit in range(5):
        v, text = shown(drawn(record, layer=layer, unit=unit, t=t))
        for symbol in record.channels:
            assert v[symbol] == record.channel(layer, symbol)[t, unit]
        before = start[1][layer, 1, unit] if t == 0 else record.channel(layer, "c")[t - 1, unit]
        assert v["c before"] == before
        assert v["c"] == pytest.approx(v["f"] * v["c before"] + v["i"] * v["g"], abs=1e-6)
        assert v["c"] == pytest.approx(v["f · c before"] + v["i · g"], abs=1e-6)
        assert v["h"] == pytest.approx(v["o"] * math.tanh(v["c"]), abs=1e-6)
        assert v["h"] == pytest.approx(v["o"] * v["tanh c"], abs=1e-6)
        assert {name: read(word) for name, word in text.items()} == pytest.approx(v, abs=5.1e-4)


@pytest.mark.parametrize("t", [0, 3])
def test_the_gru_s_equation_holds_among_the_numbers_drawn(t):
    record, start = recorded("gru")
    v, text = shown(drawn(record, layer=1, unit=4, t=t))
    assert v["h before"] == (start[0][1, 1, 4] if t == 0 else record.channel(1, "h")[t - 1, 4])
    assert v["h"] == pytest.approx((1 - v["z"]) * v["n"] + v["z"] * v["h before"], abs=1e-6)
    assert v["h"] == pytest.approx(v["z · h before"] + v["(1 − z) · n"], abs=1e-6)
    assert v["1 − z"] == 1 - v["z"]
    assert v["r"] == record.channel(1, "r")[t, 4]
    assert {name: read(word) for name, word in text.items()} == pytest.approx(v, abs=5.1e-4)


def test_a_plain_rnn_shows_the_state_before_and_after_and_that_nothing_is_kept():
    record, start = recorded("rnn_tanh")
    fig = drawn(record, unit=2)
    assert shown(fig)[0] == {"h before": start[0][0, 1, 2], "h": record.channel(0, "h")[0, 2]}
    assert any("no gate" in one.text for one in fig.layout.annotations)


@pytest.mark.parametrize(
    ("cell", "before"), [("transformer", False), ("tcn", False), ("lru", False), ("mlstm", False), ("mingru", True)]
)
def test_a_state_that_no_step_reads_is_not_drawn_as_if_one_did(cell, before):
    layer = CELLS[cell].layer(3, 8)
    with probe(layer) as found:
        layer(torch.randn(4, 2, 3))[0].sum().backward()
    text = list("abcd")
    fig = drawn(gate_activity([found[""].layers[0].forward], cell=cell, step=1, text=text, targets=text), unit=1, t=2)
    assert ("h before" in shown(fig)[0]) == before


@pytest.mark.parametrize(("cell", "letters"), [("lstm", "ifgo"), ("gru", "rzn")])
def test_each_gate_is_a_box_in_its_colour_filled_as_far_as_it_is_open(cell, letters):
    record, _ = recorded(cell)
    fig = drawn(record, unit=1, t=2)
    for letter in letters:
        colour = gate_colour(letter, "light")
        (box,) = (one for one in fig.layout.shapes if one.type == "rect" and one.line.color == colour)
        fills = [one for one in fig.layout.shapes if one.type == "rect" and one.x0 == box.x0 and one.line.width == 0]
        sigmoid = letter not in "gn"
        value = record.channel(0, letter)[2, 1]
        height = box.y1 - box.y0
        assert fills[0].y1 - fills[0].y0 == pytest.approx(value * height / (1 if sigmoid else 2), rel=1e-5)
        assert fills[0].y0 == (box.y0 if sigmoid else (box.y0 + box.y1) / 2)
        assert any(f"<b>{letter}</b>" in one.text for one in fig.layout.annotations)


def test_arrows_are_as_thick_as_what_flows_through_them():
    widths = [thickness(value) for value in (0.0, 0.2, -0.5, 1.0)]
    assert widths == sorted(widths)
    assert thickness(-60.0) == thickness(1.0)
    assert thickness(math.nan) == thickness(0)
    record = made("lstm", i=[[1.0]], f=[[0.0]], g=[[1.0]], o=[[0.5]], h=[[0.1]], c=[[1.0]])
    arrows = {one.arrowcolor: one.arrowwidth for one in drawn(record).layout.annotations if one.showarrow}
    assert arrows[gate_colour("i", "light")] == thickness(1)
    assert arrows[gate_colour("f", "light")] == thickness(0)


def test_the_step_and_the_unit_that_do_not_exist_become_the_nearest_that_do():
    record, _ = recorded("lstm")
    assert shown(drawn(record, layer=9, unit=999, t=999)) == shown(drawn(record, layer=1, unit=4, t=5))


def test_the_caption_says_which_unit_step_and_character():
    record, _ = recorded("gru")
    assert drawn(record, layer=1, unit=3, t=2).layout.meta["caption"] == (
        "unit 3 of layer 2, step t = 2 of 0 to 5; reads ‘c’, to predict ‘c’; training step 1"
    )


def test_a_unit_that_never_moves_is_called_so():
    record = made("gru", r=[[0.5]] * 2, z=[[1.0]] * 2, n=[[0.0]] * 2, h=[[0.25]] * 2)
    assert "never moves" in drawn(record, t=1).layout.meta["caption"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_said_in_words_and_break_nothing(bad):
    record = made("lstm", i=[[bad]], f=[[bad]], g=[[bad]], o=[[bad]], h=[[bad]], c=[[bad]])
    fig = drawn(record)
    assert "not finite" in fig.layout.meta["caption"]
    assert set(shown(fig)[1].values()) <= {"not known", "∞", "−∞", "1.000", "−1.000"}
    json.loads(to_json(encode(fig)))


def test_an_older_record_says_that_the_state_before_its_first_step_is_not_known():
    record = made("gru", r=[[0.5]] * 2, z=[[0.5]] * 2, n=[[0.5]] * 2, h=[[0.25], [0.5]])
    assert "did not record" in drawn(record, t=0).layout.meta["caption"]
    assert shown(drawn(record, t=0))[1]["h before"] == "not known"
    assert shown(drawn(record, t=1))[1]["h before"] == "0.250"


def test_no_markup_of_the_text_survives():
    record, _ = recorded("lstm", steps=3)
    record = type(record)(**{**vars(record), "text": ("<b>", "&", "<"), "targets": ()})
    record = type(record)(**{**vars(record), "text": ("<", "&", ">")})
    words = " ".join(one.text for one in drawn(record, t=1).layout.annotations)
    assert "‹[" in words
    assert "＆" in words
    assert "]›" in words


def test_numbers_are_written_with_a_true_minus_and_brackets_behind_a_sign():
    assert [digits(value) for value in (0.5, -0.25, 123.456, -2e4)] == ["0.500", "−0.250", "123", "−2e+04"]
    assert (bracketed(-0.5), bracketed(0.5)) == ("(−0.500)", "0.500")


def test_the_live_page_gets_the_same_diagram_that_plotly_has_checked():
    for cell in ("lstm", "gru", "rnn_relu"):
        record, _ = recorded(cell)
        arguments = (record, CELLS[cell].gates, Look("dark", "run1"))
        plain, checked = cell_diagram.plain(*arguments), cell_diagram(*arguments)
        assert json.loads(to_json(encode(plain))) == json.loads(to_json(encode(checked)))


def test_before_the_first_probe_the_diagram_says_what_will_come():
    assert "first probe" in cell_diagram(None, ()).layout.annotations[0].text

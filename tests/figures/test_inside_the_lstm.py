"""Claims about the pictures of Inside the LSTM: every weight in its field, a unit's frames, sums that add up."""

from types import SimpleNamespace

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.inside_the_lstm import counted, matrix
from dashboard.live.panels import PANELS, Scene
from rnncore.lecture import experiment

RECORD = experiment("inside-the-lstm", hidden_size=3, input_size=2)


def scene(record=RECORD, **params):
    return Scene(None, [], None, Look(), params, experiment=SimpleNamespace(info=None, record=record))


def test_every_weight_stands_in_its_field_and_the_biases_apart():
    (field,) = matrix(RECORD, unit=1).data
    np.testing.assert_allclose(field.z[:, :5], RECORD.weight, rtol=1e-6)
    np.testing.assert_allclose(field.z[:, -1], RECORD.bias, rtol=1e-6)
    assert np.isnan(field.z[:, 5]).all()
    assert field.zmin == -field.zmax
    assert field.text[3][0] == "f, unit 0, from h0"
    assert field.text[11][4] == "o, unit 2, from x1"


@pytest.mark.parametrize("unit", [0, 2, 99])
def test_the_four_rows_of_a_unit_are_framed(unit):
    figure = matrix(RECORD, Look("dark"), unit=unit)
    low = [(shape.y0, shape.y1) for shape in figure.layout.shapes if shape.type == "rect" and shape.y1 - shape.y0 == 1]
    at = min(unit, 2)
    assert low == [(block * 3 + at - 0.5, block * 3 + at + 0.5) for block in range(4)]
    assert f"unit {at}" in figure.layout.meta["caption"]


def test_parameters_are_those_that_torch_counted():
    (bars,) = counted(RECORD).data
    assert list(bars.y) == list(RECORD.parameters)
    assert bars.text[2].endswith("4×")


def test_the_table_s_parts_add_up_to_its_sum():
    table = PANELS["lstm_product"].build(scene(unit=2, t=4))["table"]
    assert [row["cells"][0][0] for row in table["rows"]] == list("ifgo")
    for row in table["rows"]:
        h, x, b, total, _ = (float(text.replace("−", "-")) for text in row["cells"][1:])
        assert h + x + b == pytest.approx(total, abs=0.002)
    assert PANELS["lstm_product"].build(scene(None))["table"]["empty"]


def test_the_diagram_shows_the_unit_and_step_that_are_chosen_and_stays_inside_of_what_there_is():
    for params, t, unit in (({"t": 4, "unit": 1}, 4, 1), ({"t": 99, "unit": 99}, 7, 2)):
        figure = PANELS["lstm_diagram"].build(scene(**params))["figure"]
        numbers = next(trace for trace in figure["data"] if trace.get("name") == "numbers")
        shown = dict(zip(numbers["ids"], numbers["customdata"], strict=True))
        assert shown["f"] == RECORD.gates[t, 1, unit]
        assert shown["c"] == RECORD.c[t, unit]


def test_before_the_first_result_the_cards_say_so():
    for draw in (matrix, counted):
        assert "appears here" in draw(None).layout.annotations[0].text

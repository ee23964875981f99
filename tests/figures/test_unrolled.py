"""Claims about both drawings: the same activations in both, a line for every weight, the chosen step in a frame."""

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.figures.unrolled import counted, folded, unrolled
from rnncore.lecture import experiment

RECORD = experiment("unrolled", steps=4, hidden_size=3, input_size=2)


@pytest.mark.parametrize("t", [0, 2, 99])
def test_the_folded_drawing_shows_the_activations_of_the_chosen_step(t):
    figure = folded(RECORD, Look("dark"), t=t)
    at = min(t, 3)
    values = np.concatenate([RECORD.inputs[at], RECORD.hidden[at], RECORD.outputs[at]])
    np.testing.assert_array_equal(figure.data[0].marker.color, values)
    assert figure.layout.meta["caption"] == f"at step {at + 1}"


def test_the_unrolled_drawing_shows_all_of_them_and_frames_the_chosen_step():
    figure = unrolled(RECORD, t=1)
    values = np.concatenate(
        [np.concatenate(row) for row in zip(RECORD.inputs, RECORD.hidden, RECORD.outputs, strict=True)]
    )
    np.testing.assert_array_equal(figure.data[0].marker.color, values)
    (frame,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    inside = [x for x in figure.data[0].x if frame.x0 < x < frame.x1]
    assert len(inside) == 2 + 3 + 2
    assert "framed: step 2" in figure.layout.meta["caption"]


def test_every_weight_has_its_line_between_its_own_two_nodes():
    lines = [shape for shape in unrolled(RECORD, t=0).layout.shapes if shape.type == "line"]
    assert len(lines) == 4 * (3 * 2 + 2 * 3) + 3 * (3 * 3)
    assert len({(line.x0, line.y0, line.x1, line.y1) for line in lines}) == len(lines)  # none lies upon another
    between = [line for line in lines if line.x1 - line.x0 > 1 or line.y0 == line.y1]
    widths = {round(line.line.width, 6) for line in between}
    assert len(widths) >= 9


def test_what_there_is_to_train_is_what_was_counted():
    (bars,) = counted(RECORD).data
    assert list(bars.x) == [RECORD.parameters, RECORD.shared, RECORD.copied]


@pytest.mark.parametrize("draw", [folded, unrolled, counted])
def test_before_the_first_result_the_cards_say_so(draw):
    assert "appears here" in draw(None).layout.annotations[0].text

"""Claims about what a falling ε does to a network: its way stands beside the optimum of each moment."""

from dashboard.figures.base import Line, Look
from dashboard.figures.schedule_path import NONE_YET, valid_along_schedule, valid_by_schedule
from dashboard.figures.structured_prediction import Course
from rnncore.lecture.structured_prediction import optimal_valid_share
from tests.figures.test_structured_prediction import said

FALLING = Line("ε linear", "lstm")
FORCED = Line("teacher forcing", "lstm", "dash")


def way(line, *points):
    return Course(line, [said(step=step, epsilon=epsilon, valid=valid) for step, epsilon, valid in points])


RUNS = [way(FALLING, (1, 1.0, 0.0), (300, 0.5, 0.49), (600, 0.0, 0.02)), way(FORCED, (1, 1.0, 0.0), (600, 1.0, 0.99))]


def test_each_run_s_way_is_drawn_at_the_epsilon_of_each_moment_and_beside_the_exact_value():
    figure = valid_along_schedule(RUNS)
    curve, falling, forced = figure.data
    for x, y in list(zip(curve.x, curve.y, strict=True))[::25]:
        assert y == optimal_valid_share(float(x))
    assert list(falling.x) == [1.0, 0.5, 0.0]
    assert list(falling.y) == [0.0, 0.49, 0.02]
    assert [tuple(one) for one in falling.customdata] == [
        (step, optimal_valid_share(epsilon)) for step, epsilon in ((1, 1.0), (300, 0.5), (600, 0.0))
    ]
    assert list(forced.x) == [1.0, 1.0]
    left, right = figure.layout.xaxis.range
    assert left > 1 > 0 > right  # training goes to the right
    assert figure.layout.meta["caption"] == "ε linear: 0.020 at ε 0; teacher forcing: 0.990 at ε 1"


def test_over_training_each_run_has_its_line_and_the_moment_in_view_is_marked():
    figure = valid_by_schedule(RUNS, Look("dark"), at=300)
    assert [list(one.x) for one in figure.data] == [[1, 300, 600], [1, 600]]
    assert [one.name for one in figure.data] == ["ε linear", "teacher forcing"]
    assert len({one.line.dash for one in figure.data}) == 2
    assert [shape.x0 for shape in figure.layout.shapes] == [300]


def test_before_anything_is_measured_the_charts_say_what_to_press():
    assert valid_along_schedule([Course(FALLING, [])]).layout.meta["caption"] == NONE_YET
    assert valid_by_schedule([Course(FALLING, [])]).layout.annotations[0].text == NONE_YET
    assert len(valid_along_schedule([]).data) == 1  # the exact curve needs no run

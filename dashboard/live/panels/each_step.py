"""The panels of Inputs and outputs at each step."""

from __future__ import annotations

from dashboard.figures.each_step import costs, course, expectations
from dashboard.live.panels.experiments import picture

PANELS = {
    "each_expectations": picture(expectations),
    "each_costs": picture(costs),
    "each_course": picture(course),
}

"""Which panels a live page can show: from what they are made, and by which figure or words.

A new panel is one builder and one line in the ``PANELS`` of its page's file here.
"""

from dashboard.live.panels import (
    any_graph,
    attribution,
    beyond,
    cells,
    compare,
    distributional_shift,
    dynamics,
    each_step,
    examples,
    experiments,
    gates_and_memory,
    gradient_flow,
    in_practice,
    inside_the_lstm,
    lab,
    lecture_scheduled_sampling,
    many_layers,
    remember_or_forget,
    samples,
    scheduled_sampling,
    shared_weights,
    sound,
    structured_prediction,
    tour,
    translation,
    unrolled,
    vanishing,
    variable_length,
    why_lstms,
)
from dashboard.live.panels.scene import SERIES, TIMELINE, PanelType, Scene

RUN_PANELS: dict[str, PanelType] = {
    **lab.PANELS,
    **attribution.PANELS,
    **distributional_shift.PANELS,
    **dynamics.PANELS,
    **examples.PANELS,
    **gates_and_memory.PANELS,
    **gradient_flow.PANELS,
    **samples.PANELS,
    **sound.PANELS,
    **scheduled_sampling.PANELS,
    **lecture_scheduled_sampling.PANELS,
    **structured_prediction.PANELS,
    **tour.PANELS,
}
"""Of one run or several."""
EXPERIMENT_PANELS: dict[str, PanelType] = {
    **experiments.PANELS,
    **shared_weights.PANELS,
    **any_graph.PANELS,
    **beyond.PANELS,
    **translation.PANELS,
    **many_layers.PANELS,
    **cells.PANELS,
    **each_step.PANELS,
    **vanishing.PANELS,
    **unrolled.PANELS,
    **inside_the_lstm.PANELS,
    **why_lstms.PANELS,
    **in_practice.PANELS,
    **remember_or_forget.PANELS,
    **variable_length.PANELS,
}
"""Of an experiment of the lecture."""
PANELS = RUN_PANELS | compare.PANELS | EXPERIMENT_PANELS
"""And of a whole race."""

__all__ = ["EXPERIMENT_PANELS", "PANELS", "RUN_PANELS", "SERIES", "TIMELINE", "PanelType", "Scene"]

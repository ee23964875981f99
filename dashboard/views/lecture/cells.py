"""The cells that came after: a catalogue, and all of them measured side by side."""

from dashboard.live.component import Panel
from dashboard.widgets.cells import catalogue
from dashboard.widgets.lecture import Form, experiment_page

PANELS = [
    Panel("reach", "cells_reach", "How far the gradient reaches at the start", span=12, height=430),
    Panel("factors", "cells_factors", "Factor per step", span=6, height=500),
    Panel("speed", "cells_speed", "Time of a training step", span=6, height=500),
]


def controls(form: Form) -> None:
    """Sizes."""
    form.slider("hidden_size", "Units", 4, width=200)
    form.slider("length", "Steps", 10, width=200)
    form.seed()


experiment_page("cells", controls, PANELS, below=catalogue)

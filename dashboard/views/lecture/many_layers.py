"""Many layers: depth at equal parameter counts, with and without residual connections."""

from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page

DEPTH = Choice("depth", "Depth", tuple((f"{layers} layers", layers) for layers in (2, 3, 4)))
WHEN = Choice("when", "Gradient", (("at the start", 0), ("now", 1)))
PANELS = [
    Panel(
        "across", "layers_across", "The gradient across time and depth", span=12, height=430,
        params={"depth": 4, "when": 0}, choices=(DEPTH, WHEN),
    ),
    Panel("curves", "layers_curves", "Learning", height=360),
    Panel("errors", "layers_errors", "What is left at the end", height=360),
]  # fmt: skip


def controls(form: Form) -> None:
    """Cell, length, steps."""
    form.choice("cell", "Cell", {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN"})
    form.slider("length", "Numbers in a row", width=180)
    form.slider("steps", "Steps", 20, width=180)
    form.seed()


experiment_page("many-layers", controls, PANELS)

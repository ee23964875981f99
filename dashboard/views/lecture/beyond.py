"""Beyond RNNs: a temporal convolution and a transformer beside recurrent networks, on two tasks."""

from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page

WHEN = Choice("when", "Gradient", (("now", 1), ("at the start", 0)))
LAYER = Choice("layer", "Layer", (("1", 0), ("2", 1)))
PANELS = [
    Panel("scores", "beyond_scores", "Who solves what", span=12, height=380),
    Panel("recall", "beyond_recall", "Recall: which symbol came first?", height=330),
    Panel("parity", "beyond_parity", "Parity: an odd number of ones so far?", height=330),
    Panel("reach", "beyond_reach", "How far the answer looks back", height=400, params={"when": 1}, choices=(WHEN,)),
    Panel(
        "attention", "beyond_attention", "Whom the transformer asks", height=400, choices=(LAYER,),
        about="Recall, on one sequence",
    ),
]  # fmt: skip


def controls(form: Form) -> None:
    """Length, layers of the TCN, steps, chrono biases."""
    form.slider("length", "Steps to remember", width=180)
    form.slider("tcn_layers", "TCN: layers", width=150)
    form.slider("steps", "Training steps", 20, width=180)
    form.toggle("chrono", "LSTM and GRU: chrono biases")
    form.seed()


experiment_page("beyond", controls, PANELS)

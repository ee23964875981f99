"""Translation: an encoder and a decoder, with attention and without."""

from dashboard.live.component import Choice, Panel
from dashboard.widgets.lecture import Form, experiment_page
from rnncore.tasks.dates import STYLES

ONE = Choice("n", "Date", tuple((f"date {n + 1}", n) for n in range(STYLES)), slider=True)
PANELS = [
    Panel("texts", "translation_texts", "Dates that it never saw, one in each style", kind="text", span=7),
    Panel("right", "translation_right", "How many are right", span=5, height=330),
    Panel("attention", "translation_attention", "Where the decoder looks", height=400, choices=(ONE,)),
    Panel(
        "bridge", "translation_bridge", "The gradient's way back to the encoder", height=400, choices=(ONE,),
        about="Opened by the probe: all states of both layers",
    ),
    Panel(
        "beam", "translation_beam", "Greedy and beam", span=12, height=330, choices=(ONE,),
        about="The network with attention; a whole text with its probability",
    ),
]  # fmt: skip


def controls(form: Form) -> None:
    """Cell, size, steps, beam."""
    form.choice("cell", "Cell", {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN"})
    form.slider("hidden_size", "Units", 8, width=180)
    form.slider("steps", "Steps", 20, width=180)
    form.slider("width", "Beam", width=130)
    form.seed()


experiment_page("translation", controls, PANELS)

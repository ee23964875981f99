"""Remember or forget: a memory with factors by hand, and the LSTM that learns them."""

from dashboard.live.component import Panel
from dashboard.widgets.lecture import Form, experiment_page

PANELS = [
    Panel("values", "unit_values", "The unit", span=7, height=330, about="Line: what it holds. Bars: what is written"),
    Panel(
        "gradient",
        "unit_gradient",
        "What of it arrives",
        span=5,
        height=330,
        about="How much a change of a after this step changes a at the end",
    ),
    Panel(
        "paths",
        "lstm_paths",
        "The same in an LSTM",
        span=12,
        height=340,
        about="32 units as PyTorch initialises them, reading random numbers. The direct path is diag(Πf); the whole "
        "also goes through h and the gates",
    ),
]
EXAMPLES = {
    "remember": "remember",
    "forget": "forget at 5",
    "count": "count",
    "replace": "replace at 4",
    "leak": "leak",
    "explode": "explode",
    "own": "own numbers",
}


def controls(form: Form) -> None:
    """f and g of the unit; length and forget bias of the LSTM."""
    if form.choice("example", "f and g", EXAMPLES) == "own":
        form.text("f", "f, factors", 260)
        form.text("g", "g, added", 260)
    form.slider("forget_bias", "LSTM: forget bias", 0.5, width=180)
    form.slider("length", "LSTM: steps", width=180)
    form.seed()


experiment_page("remember-or-forget", controls, PANELS, at_once=True)

"""The lecture's experiments: small, exact where that can be, and over in less than a minute.

``experiment("variable-length", longest=10)`` measures one and returns what it found, a record with its numbers as
arrays and as a pandas frame; ``EXPERIMENTS`` are all of them. What stands in this folder needs NumPy only; what needs
torch is in ``measured`` and is imported when it is called.
"""

from typing import Any

from rnncore.lecture.any_graph import ANY_GRAPH
from rnncore.lecture.beyond import BEYOND_EXPERIMENT
from rnncore.lecture.cells import CELLS_EXPERIMENT
from rnncore.lecture.each_step import EACH_STEP
from rnncore.lecture.experiment import Experiment
from rnncore.lecture.in_practice import IN_PRACTICE
from rnncore.lecture.inside_the_lstm import INSIDE_THE_LSTM
from rnncore.lecture.many_layers import MANY_LAYERS
from rnncore.lecture.remember_or_forget import REMEMBER_OR_FORGET
from rnncore.lecture.shared_weights import SHARED_WEIGHTS
from rnncore.lecture.translation import TRANSLATION
from rnncore.lecture.unrolled import UNROLLED
from rnncore.lecture.vanishing import VANISHING
from rnncore.lecture.variable_length import VARIABLE_LENGTH
from rnncore.lecture.why_lstms import WHY_LSTMS
from rnncore.records.measured import Measured

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        VARIABLE_LENGTH,
        UNROLLED,
        SHARED_WEIGHTS,
        ANY_GRAPH,
        EACH_STEP,
        VANISHING,
        REMEMBER_OR_FORGET,
        INSIDE_THE_LSTM,
        WHY_LSTMS,
        IN_PRACTICE,
        CELLS_EXPERIMENT,
        TRANSLATION,
        MANY_LAYERS,
        BEYOND_EXPERIMENT,
    )
}  # fmt: skip
"""Name → experiment, in the lecture's order."""


def experiment(name: str, **settings: Any) -> Measured:
    """Measure one of the lecture's experiments to its end.

    Args:
        name: e.g. ``variable-length``; a key of ``EXPERIMENTS``.
        settings: of the experiment, see its ``settings``; the others have their defaults.

    Raises:
        ConfigError: a value is out of range, or no setting of this experiment.
        KeyError: there is no experiment of that name.
    """
    if name not in EXPERIMENTS:
        raise KeyError(f"name must be one of {', '.join(EXPERIMENTS)}, got {name!r}; choose one of these")
    *_, result = EXPERIMENTS[name].measure(settings)
    return result

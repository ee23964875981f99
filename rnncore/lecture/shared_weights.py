"""One set of weights, used at every step: what each step adds to its gradient, going backwards in time.

h_t = tanh(θ [h_{t-1}; x_t; 1]) with θ = [W U b], the loss ½‖h_t - y_t‖² at the last step or at each. Backwards,
δ_t = ∂L_t/∂h_t + J_{t+1}ᵀ δ_{t+1} with J_t = diag(1 - h_t²) W, and step t finds (δ_t ⊙ (1 - h_t²)) [h_{t-1}; x_t; 1]ᵀ.
The gradient is their sum (Werbos 1990). h_0 is not 0, so that the first step has something to multiply W by.

The same in small: f(x) = g(x, h(x)) with g(x, h) = x h and h(x) = sin x. f' = ∂g/∂x + ∂g/∂h h' = sin x + x cos x.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.base import Array
from rnncore.records.shared_weights import SharedWeights

HIDDEN_SIZE, INPUT_SIZE = 8, 2
LONGEST = 40
"""Steps over which overwriting is judged, and the most of the walk."""
PLACES = np.linspace(-6, 6, 49)
"""x of the total derivative, steps of a quarter."""


class SharedWeightsSettings(Settings):
    """The network, its losses, and how far the walk goes."""

    length: int = setting(8, "Steps of the network that is walked through", unit="steps", ge=1, le=LONGEST)
    losses: Literal["last", "each"] = Field(
        "last",
        description="Where there is a loss",
        json_schema_extra={"unit": "", "remedy": "choose one of last, each"},
    )
    gain: float = setting(1.0, "Factor of the recurrent weights, as PyTorch draws them", ge=0, le=4)


def product_rule(x: Array) -> tuple[Array, Array, Array]:
    """f(x) = x sin x, and the two parts of its slope: ∂g/∂x = sin x, and ∂g/∂h h' = x cos x."""
    return x * np.sin(x), np.sin(x), x * np.cos(x)


SHARED_WEIGHTS = Experiment("shared-weights", SharedWeightsSettings, SharedWeights)

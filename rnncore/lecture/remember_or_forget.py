"""The unit that remembers or forgets, a_t = a_{t-1} f_t + g_t, by hand; and the LSTM, which learns its f and g.

f and g do not depend on a here, so ∂a_T/∂a_t = Π_{s>t} f_s, and what was added at step t arrives with the same
factor. In an LSTM, c_t = f_t c_{t-1} + i_t g_t, the gates are functions of h_{t-1} and so of c_{t-1}: the direct path
through the cell state is diag(Π f), the total Jacobian ∂c_T/∂c_t holds the paths through the gates as well.
"""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.remember_or_forget import RememberOrForget

LONGEST = 24
"""Steps of the unit that can be told apart in a figure."""
INPUT_SIZE, HIDDEN_SIZE = 8, 32
START = 1.0
"""a_0: what there is to be remembered."""
_REMEDY = "write e.g. 1 .5 0"
EXAMPLES = {
    "remember": ("1 1 1 1 1 1 1 1", "0 0 0 0 0 0 0 0"),
    "forget": ("1 1 1 1 0 1 1 1", "0 0 0 0 0 0 0 0"),
    "count": ("1 1 1 1 1 1 1 1", "1 1 1 1 1 1 1 1"),
    "replace": ("1 1 1 0 1 1 1 1", "0 0 0 2 0 0 0 0"),
    "leak": (".7 .7 .7 .7 .7 .7 .7 .7", "1 0 0 0 0 0 0 0"),
    "explode": ("1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5", "0 0 0 0 0 0 0 0"),
}
"""Name → f and g."""


class RememberOrForgetSettings(Settings):
    """The unit's f and g, and the LSTM that is looked at beside it."""

    example: Literal["remember", "forget", "count", "replace", "leak", "explode", "own"] = Field(
        "replace",
        description="What f and g are; own: those that are written below",
        json_schema_extra={"unit": "", "remedy": f"choose one of {', '.join(EXAMPLES)}, own"},
    )
    f: str = setting("1 1 1 .5 1 0 1 1", "Factors f_1 f_2 …, numbers with spaces between them", max_length=200)
    g: str = setting("1 0 0 2 0 3 0 1", "What is added, g_1 g_2 …, as many numbers", max_length=200)
    length: int = setting(20, "Steps of the LSTM over which the gradient is followed", unit="steps", ge=1, le=100)
    forget_bias: float = setting(1.0, "Bias of the LSTM's forget gate: σ(3) = .95, σ(0) = .5", ge=-4, le=8)

    @property
    def steps(self) -> tuple[list[float], list[float]]:
        """f and g as numbers."""
        f, g = EXAMPLES.get(self.example, (self.f, self.g))
        return numbers("f", f), numbers("g", g)

    @model_validator(mode="after")
    def _as_many_of_each(self) -> Self:
        f, g = self.steps
        if len(f) != len(g):
            raise ValueError(f"f and g must have as many numbers, got {len(f)} and {len(g)}; write a g for every f")
        return self


def numbers(name: str, text: str) -> list[float]:
    """Numbers from a line of text, with spaces or commas between them.

    Raises:
        ValueError: something is no number, or there are too many or none.
    """
    found = []
    for part in text.replace(",", " ").split():
        try:
            found.append(float(part))
        except ValueError:
            raise ValueError(
                f"{name} must be numbers with spaces between them, got {part!r}; write e.g. 1 .5 0"
            ) from None
        if not math.isfinite(found[-1]):
            raise ValueError(f"{name} must be finite numbers, got {part!r}; write e.g. 1 .5 0")
    if not 1 <= len(found) <= LONGEST:
        raise ValueError(f"{name} must have between 1 and {LONGEST} numbers, got {len(found)}; write e.g. 1 .5 0")
    return found


REMEMBER_OR_FORGET = Experiment("remember-or-forget", RememberOrForgetSettings, RememberOrForget)

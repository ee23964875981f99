"""What a verdict is, and in which unit losses are spoken of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Severity = Literal["good", "info", "warning", "bad"]


class View(NamedTuple):
    """Where the evidence is shown: the page's path and the panel's id there."""

    page: str
    panel: str


LOSS = View("live-lab", "loss")
GRADIENT = View("gradient-flow", "gradient")
NORM = View("gradient-flow", "norm")
PARAMETERS = View("gradient-flow", "parameters")
GATES = View("gates-and-memory", "gates0")
SATURATION = View("gates-and-memory", "saturation0")
TIMESCALE = View("gates-and-memory", "timescale")


@dataclass(frozen=True)
class Finding:
    """One verdict.

    Attributes:
        code: stable name, e.g. ``vanishing``.
        severity: good, info, warning or bad.
        sentence: what is the case, with its numbers.
        evidence: the numbers that it rests on.
        advice: what to try, '' where nothing is wrong.
        view: the page and panel that show the evidence; None where all is said.
    """

    code: str
    severity: Severity
    sentence: str
    evidence: dict[str, float] = field(default_factory=dict)
    advice: str = ""
    view: View | None = None


@dataclass(frozen=True)
class LossUnit:
    """How losses are spoken of: ``size`` stored units are one of ``name``; '' for a loss of unknown kind."""

    name: str
    size: float

    def say(self, loss: float) -> str:
        """A loss in this unit, given in the stored one: ``2.31 bits per character``."""
        return f"{self.number(loss)} {self.name}" if self.name else f"a loss of {self.number(loss)}"

    def number(self, loss: float) -> str:
        """The number alone."""
        return two_decimals(loss / self.size) if self.name else f"{loss / self.size:.4g}"


def two_decimals(value: float) -> str:
    """``2.31``; of what would be 0.00 and is not, its first digit: ``0.003``."""
    text = f"{value:.2f}"
    return text if not value or float(text) else f"{value:.1g}"


BITS = LossUnit("bits per character", math.log(2))
ANY_LOSS = LossUnit("", 1.0)

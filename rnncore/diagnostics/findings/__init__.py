"""Verdicts in words, each from numbers that are shown: code, severity, evidence, what to try, and where to look.

NumPy only: the pages call this on what the run store holds. Every threshold stands where it is used, with its source.
"""

from rnncore.diagnostics.findings.finding import ANY_LOSS, BITS, Finding, LossUnit, Severity, View
from rnncore.diagnostics.findings.gradient import clipping, gradient, not_finite
from rnncore.diagnostics.findings.loss import Floor, at_floor, learning, learning_rate
from rnncore.diagnostics.findings.units import dead_units, memory, saturated_units
from rnncore.diagnostics.findings.verdict import KINDS, Evidence, findings, found_in, state, troubles, verdict

__all__ = [
    "ANY_LOSS",
    "BITS",
    "KINDS",
    "Evidence",
    "Finding",
    "Floor",
    "LossUnit",
    "Severity",
    "View",
    "at_floor",
    "clipping",
    "dead_units",
    "findings",
    "found_in",
    "gradient",
    "learning",
    "learning_rate",
    "memory",
    "not_finite",
    "saturated_units",
    "state",
    "troubles",
    "verdict",
]

"""What was measured: plain, frozen values of NumPy arrays.

A record is what travels from a worker through the run store to a figure. Arrays are time-major; letters in
the shapes: T time, U units shown, L layers, K channels, H hidden. ``frame()`` gives any record as a tidy
pandas frame, so that whatever a figure shows can be downloaded as a table.

A new record is a file of its own here, and one line below.
"""

from rnncore.records.attribution import Attribution
from rnncore.records.base import Array, Record
from rnncore.records.baselines import Baselines
from rnncore.records.dynamics import LyapunovSpectrum, StepJacobian
from rnncore.records.gate_activity import GateActivity
from rnncore.records.gradient_flow import GradientFlow
from rnncore.records.memory import MemoryTimescale
from rnncore.records.parameters import Parameters
from rnncore.records.per_loss import PerLoss
from rnncore.records.sample import Sample
from rnncore.records.saturation import Saturation
from rnncore.records.series import TRAIN_SERIES, VALIDATION_SERIES, Columns, join

__all__ = [
    "TRAIN_SERIES",
    "VALIDATION_SERIES",
    "Array",
    "Attribution",
    "Baselines",
    "Columns",
    "GateActivity",
    "GradientFlow",
    "LyapunovSpectrum",
    "MemoryTimescale",
    "Parameters",
    "PerLoss",
    "Record",
    "Sample",
    "Saturation",
    "StepJacobian",
    "join",
]

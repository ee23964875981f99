"""What was measured: plain, frozen values of NumPy arrays.

A record is what travels from a worker through the run store to a figure. Arrays are time-major; letters in
the shapes: T time, U units shown, L layers, K channels, H hidden. ``frame()`` gives any record as a tidy
pandas frame, so that whatever a figure shows can be downloaded as a table.

A new record is a file of its own here, and one line below.
"""

from rnncore.records.any_graph import AnyGraph
from rnncore.records.attention import Attention
from rnncore.records.attribution import Attribution
from rnncore.records.base import Array, Record
from rnncore.records.baselines import Baselines
from rnncore.records.beyond import Beyond
from rnncore.records.cells import Cells
from rnncore.records.directions import Directions
from rnncore.records.distributional_shift import DistributionalShift
from rnncore.records.dynamics import LyapunovSpectrum, StepJacobian
from rnncore.records.each_step import EachStep
from rnncore.records.examples import Examples
from rnncore.records.exposure import Exposure
from rnncore.records.feeding import Feeding
from rnncore.records.gate_activity import GateActivity
from rnncore.records.gate_maps import GateMaps
from rnncore.records.gradient_flow import GradientFlow
from rnncore.records.in_practice import InPractice
from rnncore.records.inside_the_lstm import InsideTheLstm
from rnncore.records.length_scores import LengthScores
from rnncore.records.many_layers import ManyLayers
from rnncore.records.measured import Measured
from rnncore.records.memory import MemoryTimescale
from rnncore.records.parameters import Parameters
from rnncore.records.per_loss import PerLoss
from rnncore.records.remember_or_forget import RememberOrForget
from rnncore.records.sample import Sample
from rnncore.records.sample_quality import QualityLevels, SampleQuality
from rnncore.records.saturation import Saturation
from rnncore.records.series import FEEDING_SERIES, SCORE_SERIES, TRAIN_SERIES, VALIDATION_SERIES, Columns, join
from rnncore.records.shared_weights import SharedWeights
from rnncore.records.sound import Sound
from rnncore.records.structured_prediction import Intruders, SentenceShares, WordTree
from rnncore.records.translation import Translation
from rnncore.records.unrolled import Unrolled
from rnncore.records.vanishing import Vanishing
from rnncore.records.variable_length import VariableLength
from rnncore.records.why_lstms import WhyLstms
from rnncore.records.writing import Writing

__all__ = [
    "FEEDING_SERIES",
    "SCORE_SERIES",
    "TRAIN_SERIES",
    "VALIDATION_SERIES",
    "AnyGraph",
    "Array",
    "Attention",
    "Attribution",
    "Baselines",
    "Beyond",
    "Cells",
    "Columns",
    "Directions",
    "DistributionalShift",
    "EachStep",
    "Examples",
    "Exposure",
    "Feeding",
    "GateActivity",
    "GateMaps",
    "GradientFlow",
    "InPractice",
    "InsideTheLstm",
    "Intruders",
    "LengthScores",
    "LyapunovSpectrum",
    "ManyLayers",
    "Measured",
    "MemoryTimescale",
    "Parameters",
    "PerLoss",
    "QualityLevels",
    "Record",
    "RememberOrForget",
    "Sample",
    "SampleQuality",
    "Saturation",
    "SentenceShares",
    "SharedWeights",
    "Sound",
    "StepJacobian",
    "Translation",
    "Unrolled",
    "Vanishing",
    "VariableLength",
    "WhyLstms",
    "WordTree",
    "Writing",
    "join",
]

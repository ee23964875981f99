"""Fair races: several configurations on one task, with seeds, matched in size, judged with their spread.

>>> race = Race.of("cells", base={"task": "parity", "steps": "800"}, contenders=[{"cell": "lstm"}, {"cell": "gru"}])
>>> [config.label for _, config in race.runs()][:2]
['LSTM', 'GRU']
"""

from rnncore.comparison.curves import MeanCurve, SeedCurve, mean_curve
from rnncore.comparison.presets import RACES, RacePreset, race_preset
from rnncore.comparison.race import MOST_CONTENDERS, MOST_SEEDS, Contender, Race
from rnncore.comparison.results import (
    Course,
    Measure,
    Outcome,
    Standing,
    course,
    judged,
    measure_of,
    outcome,
    series_of,
    standings,
)
from rnncore.comparison.statistics import Interval, mean_interval
from rnncore.comparison.sweep import sweep
from rnncore.comparison.verdict import Front, front, verdict
from rnncore.comparison.won import Entry, Result, overall, result
from rnncore.matching import TOLERANCE, match_parameters

__all__ = [
    "MOST_CONTENDERS",
    "MOST_SEEDS",
    "RACES",
    "TOLERANCE",
    "Contender",
    "Course",
    "Entry",
    "Front",
    "Interval",
    "MeanCurve",
    "Measure",
    "Outcome",
    "Race",
    "RacePreset",
    "Result",
    "SeedCurve",
    "Standing",
    "course",
    "front",
    "judged",
    "match_parameters",
    "mean_curve",
    "mean_interval",
    "measure_of",
    "outcome",
    "overall",
    "race_preset",
    "result",
    "series_of",
    "standings",
    "sweep",
    "verdict",
]

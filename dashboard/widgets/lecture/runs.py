"""What came out on the lecture's pages about runs: decided and told by the runs' own records."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from dashboard import services
from dashboard.live.panels.scheduled_sampling import unfed
from dashboard.owner import owner
from dashboard.widgets.lecture.frame import Outcome
from dashboard.widgets.lecture.prose import prose
from dashboard.widgets.lecture.shapes import SHAPES, outcome
from rnncore.lecture.structured_prediction import (
    LECTURE,
    Independent,
    chances,
    likeliest,
    nonsense,
    optimal_valid_share,
    valid_share,
)
from rnncore.records import DistributionalShift, Record, SentenceShares, WordTree
from rnncore.runs.states import ENDED
from rnncore.runs.store import RunInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLOSE = 0.02
"""P(valid) of a trained network lies this near to the exact value."""
_Kind = TypeVar("_Kind", bound=Record)


def sentences(runs: Sequence[RunInfo]) -> Outcome | None:
    """Of the three sentences: texts whose words are drawn each by itself, and texts whose words are fed back."""
    over = [run for run in runs if run.state in ENDED and run.config.task.kind == "sentences"]
    run = next((run for run in over if run.config.scheduled_sampling.schedule == "constant"), None)
    shares, tree = (None, None) if run is None else (newest(run, SentenceShares), newest(run, WordTree))
    if shares is None or tree is None:
        return None
    alone = said_alone(tree.marginals)
    exact, reader = optimal_valid_share(shares.epsilon), Independent(LECTURE)
    near = abs(shares.valid - exact) <= CLOSE
    numbers = {
        "epsilon": f"{shares.epsilon:g}",
        "independent": percent(alone),
        "independent_exact": percent(valid_share(reader, LECTURE)),
        "nonsense": percent(float(nonsense(chances(reader, LECTURE), LECTURE)[3])),
        "likeliest": LECTURE.sentence(likeliest(reader, LECTURE)),
        "measured": percent(shares.valid),
        "exact": percent(exact),
        "near": "it is there" if near else f"it is {abs(shares.valid - exact):.2f} away from it",
    }
    proof = f"{percent(alone)} sentences word by word, {percent(shares.valid)} fed back (ε = {shares.epsilon:g})"
    return Outcome(_how_often(alone), numbers, proof)


def said_alone(marginals: NDArray[np.floating]) -> float:
    """How often a text is a sentence where each word is drawn by itself from the shares at its place, (T, V)."""
    place = np.arange(len(marginals))[:, None]
    odds = marginals[place, LECTURE.texts.T]  # (T, S)
    return float(np.where(place > LECTURE.ends, 1.0, odds).prod(0).sum())


def _how_often(share: float) -> str:
    return "rarely" if share < 0.05 else "tenth" if share < 0.25 else "half" if share < 0.75 else "always"


def schedules(runs: Sequence[RunInfo]) -> Outcome | None:
    """Of the three sentences: what is left where ε has fallen, beside teacher forcing with the same seed."""
    over = [run for run in runs if run.state in ENDED and run.config.task.kind == "sentences"]
    fed = {run.id: run.config.scheduled_sampling for run in over}
    falling = next((run for run in over if fed[run.id].schedule == "inverse_sigmoid"), None)
    if falling is None:
        return None
    alike = [run for run in over if unfed(run.config) == unfed(falling.config)]
    forced = next((run for run in alike if fed[run.id].teacher_forcing), None)
    shares, reference = newest(falling, SentenceShares), None if forced is None else newest(forced, SentenceShares)
    if shares is None or reference is None:
        return None
    best = max(_history(falling), key=lambda record: record.valid)
    numbers = {
        "falling": percent(shares.valid),
        "falling_epsilon": f"{shares.epsilon:.2g}",
        "forced": percent(reference.valid),
        "best": percent(best.valid),
        "best_step": f"{best.step:,}",
        "best_epsilon": f"{best.epsilon:.2g}",
        "optimum": percent(optimal_valid_share(shares.epsilon)),
        "line": _line(next((run for run in alike if fed[run.id].schedule == "linear"), None)),
    }
    proof = f"{percent(shares.valid)} sentences at ε {shares.epsilon:.2g}, {percent(reference.valid)} at ε 1"
    return Outcome(_how_much_is_left(shares.valid, reference.valid), numbers, proof)


def _line(run: RunInfo | None) -> str:
    """What the schedule came to that stops falling."""
    record = None if run is None else newest(run, SentenceShares)
    if record is None:
        return ""
    exact = percent(optimal_valid_share(record.epsilon))
    return f"The straight line, at ε {record.epsilon:.2g}: {percent(record.valid)}, where the optimum is {exact}."


def _how_much_is_left(share: float, of: float) -> str:
    left = share / of if of else math.nan
    if math.isnan(left):
        return ""
    return "more" if share > of + CLOSE else "same" if left > 0.9 else "half" if left > 0.1 else "rarely"


NEAR_THE_MAP = 0.1
"""A growth within this share of the map's own is the map's: fits are often .01 to .03 above .419."""
STILL = 0.1
"""Nats per step below which an error stays about as it was: less than threefold in ten steps."""


def shift(runs: Sequence[RunInfo]) -> Outcome | None:
    """On the Hénon map: how fast the error grows that a network makes when it is left alone."""
    over = [run for run in runs if run.state in ENDED and run.config.task.kind == "henon"]
    found = [(run, record) for run in over if (record := newest(run, DistributionalShift)) is not None]
    if not found:
        return None
    (run, record), fitted = found[0], not math.isnan(found[0][1].slope)
    numbers = {
        "forced": f"{math.exp(record.forced.mean()):.2g}",
        "growth": f"{math.exp(record.slope):.2f}" if fitted else "(no rate could be fitted)",
        "slope": f"{record.slope:.3f} ± {record.slope_interval:.3f}" if fitted else f"none: {record.note}",
        "exponent": f"{record.exponent:.3f}",
        "drift": f"{record.drift_mean:.1f}" + (" or more" if record.never else ""),
        "off": percent(record.off),
        "beside": _later(run, record, found[1:]),
    }
    proof = f"error grows {math.exp(record.slope):.2f} times a step; the map: {math.exp(record.exponent):.2f}"
    return Outcome(_how_fast(record), numbers, proof if fitted else record.note)


def _how_fast(record: DistributionalShift) -> str:
    if math.isnan(record.slope):
        return ""
    if record.slope < STILL:
        return "stays"
    off = record.slope / record.exponent - 1
    return "map" if abs(off) <= NEAR_THE_MAP else "faster" if off > 0 else "slower"


def _later(run: RunInfo, record: DistributionalShift, others: list[tuple[RunInfo, DistributionalShift]]) -> str:
    """By how much one of two runs keeps to the truth longer."""
    gained = record.later_than(others[0][1]) if others else None
    if gained is None:
        return ""
    mean, half = gained
    order = "later" if mean > 0 else "earlier"
    clear = "" if abs(mean) > half else ", which is within the noise of the starts"
    return f", {abs(mean):.1f} ± {half:.1f} steps {order} than {others[0][0].config.label} beside it{clear}"


def newest(run: RunInfo, record: type[_Kind]) -> _Kind | None:
    """The newest record of a kind."""
    return cast("_Kind | None", services.store().record(run.id, record.kind))


def _history(run: RunInfo) -> list[SentenceShares]:
    """All shares that a run has measured, oldest first."""
    return cast("list[SentenceShares]", services.store().records(run.id, SentenceShares.kind))


def percent(share: float) -> str:
    """A share as it stands in a text, those near 0 and 1 with a digit more."""
    return f"{100 * share:.1f}%" if share < 0.1 or 0.99 < share < 1 else f"{100 * share:.0f}%"


OUTCOMES: dict[str, Callable[[Sequence[RunInfo]], Outcome | None]] = {
    "structured-prediction": sentences,
    "distributional-shift": shift,
    "lecture-scheduled-sampling": schedules,
    "from-nonsense-to-prose": prose,
    **{name: partial(outcome, name) for name in SHAPES},
}
"""Page → what came out of runs, of which the first that is of the page counts."""


def newest_outcome(name: str) -> Outcome | None:
    """What came out of this reader's newest runs for a page; None for nothing, and for pages without runs."""
    if name not in OUTCOMES:
        return None
    return OUTCOMES[name](services.store().runs(limit=200, owner=owner()))

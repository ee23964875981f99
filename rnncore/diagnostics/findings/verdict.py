"""All verdicts together: for a page about a run, and for a user's own records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rnncore.diagnostics.findings.finding import ANY_LOSS, BITS, Finding, LossUnit, Severity
from rnncore.diagnostics.findings.gradient import clipping, gradient, not_finite
from rnncore.diagnostics.findings.loss import Floor, at_floor, learning, learning_rate, solved
from rnncore.diagnostics.findings.units import dead_units, memory, saturated_units
from rnncore.records import (
    Baselines,
    Columns,
    GateActivity,
    GradientFlow,
    MemoryTimescale,
    Parameters,
    Record,
    Saturation,
)

KINDS = tuple(one.kind for one in (GradientFlow, GateActivity, Saturation, MemoryTimescale, Parameters, Baselines))
"""The records that findings are made from."""

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class Evidence:
    """What findings are made from; whatever is missing gives no finding.

    Attributes:
        records: the newest of each kind.
        train, validation: the series.
        lag: steps that the task must be remembered for; None where it is not known.
        floor: the loss of knowing little; None takes the character frequencies of ``Baselines``, where there are some.
        unit: of the losses.
        names: of the layers, in the records' order.
    """

    records: tuple[Record, ...] = ()
    train: Columns = field(default_factory=dict)
    validation: Columns = field(default_factory=dict)
    lag: float | None = None
    floor: Floor | None = None
    unit: LossUnit = BITS
    names: Sequence[str] = ()

    def newest(self, kind: type[_R]) -> _R | None:
        """The newest record of a kind."""
        there = [record for record in self.records if isinstance(record, kind)]
        return max(there, key=lambda record: record.step, default=None)

    @property
    def known_floor(self) -> Floor | None:
        """The floor that was given, else that of counting characters."""
        baselines = self.newest(Baselines)
        if self.floor is not None or baselines is None or 1 not in baselines.orders:
            return self.floor
        return Floor(baselines.bits[baselines.orders.index(1)] * math.log(2), "counting characters")


def found_in(evidence: Evidence) -> list[Finding]:
    """All findings of a run, most telling first."""
    train, flow, gates = evidence.train, evidence.newest(GradientFlow), evidence.newest(GateActivity)
    unit, names = evidence.unit, evidence.names
    floor = at_floor(train, evidence.validation, evidence.known_floor, unit)
    found = [
        not_finite(train, flow, gates, names),
        floor or learning(train, unit),
        learning_rate(train, evidence.newest(Parameters), unit),
        gradient(flow, names, solved=solved(train)),
        dead_units(gates, names),
        saturated_units(evidence.newest(Saturation), names),
        memory(evidence.newest(MemoryTimescale), evidence.lag, names),
        clipping(train),
    ]
    return [finding for finding in found if finding is not None]


def findings(
    *records: Record,
    train: Columns | None = None,
    validation: Columns | None = None,
    lag: float | None = None,
    floor: float | None = None,
) -> list[Finding]:
    """Plain-language verdicts on a model of your own: what is wrong, by which numbers, and what to try.

    >>> with rnncore.probe(model) as probe:
    ...     criterion(model(x), y).backward()
    >>> for finding in rnncore.findings(*rnncore.records_of(probe), lag=50):
    ...     print(finding.sentence, finding.advice)

    Each finding rests on numbers, in its ``evidence``; what was not measured gives none. Thresholds stand in this
    package, with their sources.

    Args:
        records: of a probe (see ``rnncore.records_of``) or of a run; the newest of each kind counts.
        train: columns ``step``, ``loss`` and, where known, ``grad_norm``, ``clip_norm``, ``lr``, each (rows,).
        validation: columns ``step`` and ``loss``.
        lag: steps that the task must be remembered for.
        floor: the loss of knowing nothing, in the loss's own unit.
    """
    known = None if floor is None else Floor(floor, "knowing nothing")
    return found_in(Evidence(records, train or {}, validation or {}, lag, known, ANY_LOSS))


_STATES: dict[str, tuple[Severity, str]] = {
    "queued": ("info", "Waiting for a free core"),
    "starting": ("info", "Starting"),
    "paused": ("info", "Paused"),
    "finished": ("good", "Finished"),
    "stopped": ("info", "Stopped"),
    "diverged": ("bad", "Diverged"),
    "failed": ("bad", "Failed"),
    "interrupted": ("warning", "Interrupted"),
}


def state(name: str, reason: str, queue_place: int | None = None, step: int | None = None) -> Finding | None:
    """What the run's state means to a reader; None while it simply runs."""
    if name not in _STATES:
        return None
    severity, title = _STATES[name]
    if name == "queued" and queue_place is not None:
        reason = f"place {queue_place} in the queue"
    evidence = {} if step is None else {"step": float(step)}
    if name in ("diverged", "stopped") and reason:
        return Finding(name, severity, reason[:1].upper() + reason[1:], evidence)
    reason = reason[:1].upper() + reason[1:] if name == "finished" else reason
    return Finding(name, severity, f"{title}: {reason}" if reason else title, evidence)


def verdict(
    state_name: str, reason: str, evidence: Evidence, queue_place: int | None = None, step: int | None = None
) -> list[Finding]:
    """The verdict line of a run: its state, then what was found. Never empty."""
    now = state(state_name, reason, queue_place, step)
    found = [*([now] if now else []), *found_in(evidence)]
    return found or [Finding("warming_up", "info", "Warming up: the first steps tell little")]


def troubles(found: Iterable[Finding]) -> list[Finding]:
    """Those that something should be done about."""
    return [finding for finding in found if finding.severity in ("warning", "bad")]

"""What a run can be, what is known about it, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnncore.config import RunConfig

QUEUED, STARTING, RUNNING, PAUSED = "queued", "starting", "running", "paused"
FINISHED, STOPPED, DIVERGED, FAILED, INTERRUPTED = "finished", "stopped", "diverged", "failed", "interrupted"

STATES = (QUEUED, STARTING, RUNNING, PAUSED, FINISHED, STOPPED, DIVERGED, FAILED, INTERRUPTED)
ACTIVE = frozenset({STARTING, RUNNING, PAUSED})
"""A worker process has the run in hand."""
ENDED = frozenset({FINISHED, STOPPED, DIVERGED, FAILED, INTERRUPTED})
RESUMABLE = frozenset({STOPPED, FAILED, INTERRUPTED})
"""A resumed run goes on from a checkpoint. A finished run has nothing left to do, and a diverged one would
diverge again: restart those with other settings."""

COMMANDS = ("pause", "resume", "step", "stop", "set", "measure")
"""What the owner may ask of a run; ``set`` takes ``lr`` and ``clip_norm``, ``measure`` takes every measure at the
next step, whatever the budget says."""

MOST_ATTEMPTS = 5
"""A run of a race that was interrupted is begun again by itself, up to so many times in all."""


@dataclass(frozen=True)
class RunInfo:
    """One run as the store knows it. Times are Unix seconds; ``seconds`` is training time without pauses.

    Attributes:
        name: what to call it: the given name, else what it is made of.
        owner: who may stop or delete it; '' for the command line.
        reason: why it is in its state, one sentence; '' where there is nothing to say.
        step: completed training steps.
        steps_per_second: over the last few seconds of training.
        created, started, ended: when it was asked for, first taken up, and last ended.
        parent: the run that it was restarted from.
        revision: goes up with every write that a reader could see.
        attempt: goes up with every start; after a resume, steps beyond the checkpoint are gone, so a reader
            that keeps a series throws it away when this changes.
        queue_place: 1 for the next one; None where the run doesn't wait.
        heartbeat: when its worker was last heard of.
        parameters, vocab_size, device: known once the model is built.
        note: the user's own words.
        worker, host: the process that has it in hand, ``pid:start time``, and its machine.
        resume_step: the checkpoint that its next start goes on from; None for the newest.
        source: '' for a run that a worker trains; ``watch`` for one that is trained elsewhere, whose ``config`` only
            describes what was seen (see ``elsewhere``), and which cannot be steered from here.
        race, contender: the race that it is part of, '' for none, and its contender, from 0.
        held: its race is paused.
        tags: words to find it by.
    """

    id: str
    name: str
    owner: str
    config: RunConfig
    state: str
    reason: str
    step: int
    seconds: float
    steps_per_second: float
    created: float
    started: float | None
    ended: float | None
    parent: str | None
    revision: int
    attempt: int
    queue_place: int | None
    heartbeat: float | None
    parameters: int | None
    vocab_size: int | None
    device: str
    note: str
    worker: str
    host: str
    resume_step: int | None
    source: str = ""
    race: str = ""
    contender: int = 0
    held: bool = False
    tags: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> bool:
        """It is trained in a program of the user's own."""
        return bool(self.source)

    @property
    def waits_for_race(self) -> bool:
        """It goes on when its race does."""
        return self.held and not self.ended_for_good

    @property
    def goes_on(self) -> bool:
        """It was interrupted in a race, which takes it up again by itself."""
        return bool(self.race) and self.state == INTERRUPTED and not self.held and self.attempt < MOST_ATTEMPTS

    @property
    def active(self) -> bool:
        """A worker has it in hand."""
        return self.state in ACTIVE

    @property
    def ended_for_good(self) -> bool:
        """Ended, and cannot be resumed."""
        return self.state in ENDED - RESUMABLE


@dataclass(frozen=True)
class Command:
    """Something asked of a run: one of ``COMMANDS``, with its values."""

    kind: str
    payload: dict[str, Any]

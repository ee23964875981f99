"""Exposure: what becomes of a network that is trained on true text and then goes on from its own.

Two questions, on held-out text, at each position after a primer of true text:

- *What does the truth cost?* -ln p(truth | truth before) against -ln p(truth | own draws since the primer). The second
  grows with any network, a perfect one too: a sample that went another way than the truth says little about it.
- *Does what it writes stay like real text?* Bits of the written characters under the n-gram model of the training text,
  against the same of real text; and whether they grow as it goes on, which would be errors that feed on errors. A small
  network's text costs more bits than real text from the first characters on: that alone is no exposure bias.

The literature does not agree on whether text shows any: Ranzato et al. 2016 (arXiv:1511.06732) name it exposure bias,
He et al. 2021 (arXiv:1905.10617) find it small. So signs and intervals are given, whatever they are.

Streams are independent, so intervals are Student's t over streams of each stream's mean over positions, paired where
two ways of feeding are compared. The band of real text is a simultaneous one: half widths are c·√2·SD_k/√N, and c is
the 95 % point of the largest distance, over positions, between the running means of two bootstrapped sets of real
streams, each distance in units of its set's own standard error (else skewed measures leave it too often).

Shapes: W primer, K positions, N streams, V choices. Units: nats (losses), bits (under the n-gram model).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncore.diagnostics.samples import LOOK_AGAIN_SECONDS
from rnncore.generation.quality.kept import find_index
from rnncore.generation.sampling import evaluating
from rnncore.models.sequence import SequenceModel, State
from rnncore.records import Array, Exposure, Record
from rnncore.tasks.baselines import NGram
from rnncore.tasks.sentences import SentencesTask
from rnncore.tasks.text import TextTask
from rnncore.training.measuring import AfterStep, is_power_of_two

if TYPE_CHECKING:
    from rnncore.tasks.base import Task
    from rnncore.training.trainer import Trainer

WARMUP, POSITIONS = 32, 64
MOST_STREAMS, FEWEST_STREAMS = 64, 8
WORK = 64 * 128**2
"""Streams times units² times layers of one turn at most, so that a turn stays short."""
PIECE = 2_000_000
"""Numbers of the outputs (steps, N, V) that are kept at once."""
BOOTSTRAPS = 400
WAIT_SECONDS = 15.0
"""Of a run, in which the measure waits for the n-gram model that is counted beside it, before it goes without."""
LEAST_LENGTH = 16
"""A stream shorter than this tells nothing."""
NO_NGRAM = "three sentences need no n-gram model: how often each is said is worked out on Structured prediction"

Own = Callable[[Tensor, Tensor, float], Tensor]
"""``Task.own``: outputs (N, V), chance (N,) and temperature → ids (N,)."""


class Runs(NamedTuple):
    """Both ways of feeding, (K, N) each."""

    forced: Array  # nats of the truth
    free: Array
    written: Array  # ids drawn when running freely


@torch.no_grad()
def run_both(model: SequenceModel, own: Own, streams: Tensor, warmup: int, chance: Tensor) -> Runs:
    """Read a primer, then go on with the truth, and once more with the network's own draws at temperature 1.

    Args:
        model: in evaluation mode.
        own: draws what is fed back.
        streams: true ids (W+K, N).
        warmup: W, at least 1.
        chance: uniform in [0, 1), (K, N), a number for each draw.
    """
    primer, truth = streams[:warmup], streams[warmup:]
    outputs, state = _last(model, primer)
    forced, before, steps = [_nats(outputs, truth[0])], state, max(1, PIECE // outputs.numel())
    for fed, wanted in zip(truth[:-1].split(steps), truth[1:].split(steps), strict=True):
        pieces, before = model(fed, before)
        forced += _nats(pieces, wanted).unbind(0)
    free, written = [forced[0]], [own(outputs, chance[0], 1.0)]
    for k in range(1, len(truth)):
        outputs, state = model.step(written[-1], state)
        free.append(_nats(outputs, truth[k]))
        written.append(own(outputs, chance[k], 1.0))
    return Runs(*(torch.stack(one).cpu().numpy() for one in (forced, free, written)))


def _last(model: SequenceModel, primer: Tensor) -> tuple[Tensor, State]:
    """Outputs after the last step of a primer (W, N), and the state: a step at a time only where V is large."""
    state: State | None = None
    steps = max(1, PIECE // (primer.shape[1] * model.readout.out_features))
    for piece in primer.split(steps):
        outputs, state = model(piece, state)
    assert state is not None
    return outputs[-1], state


def _nats(outputs: Tensor, truth: Tensor) -> Tensor:
    """-ln p(truth); outputs (..., V), truth (...)."""
    return -outputs.log_softmax(-1).gather(-1, truth.unsqueeze(-1)).squeeze(-1)


def student_t(degrees: int) -> float:
    """The 97.5 % point of Student's t (Cornish-Fisher; within 1 % from 6 degrees of freedom on)."""
    z, n = 1.959964, degrees
    return z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)


def interval(values: Array) -> tuple[float, float, float]:
    """Mean of values of independent streams, (N,), and its 95 % interval."""
    mean, half = float(values.mean()), student_t(len(values) - 1) * float(_error(values))
    return mean, mean - half, mean + half


def _error(values: Array) -> Array:
    """Standard error of the mean over the last axis."""
    return np.asarray(values.std(-1, ddof=1) / math.sqrt(values.shape[-1]))


def ngram_bits(model: NGram, before: Array, characters: Array) -> Array:
    """Bits of each character after those before it, (K, N).

    Args:
        model: n-grams of the training text.
        before: what stands before the characters, (≥ order - 1, N).
        characters: (K, N).
    """
    context = model.order - 1
    lines = np.concatenate([before[len(before) - context :], characters]).T  # (N, order-1+K)
    # one text after the other: the first of each have a context of the text before, and are not looked at
    bits: Array = model.character_bits(lines.ravel()).reshape(lines.shape)[:, context:].T
    return bits


def running_mean(values: Array) -> Array:
    """Mean over positions 1 ... k, (K, N) → (K, N)."""
    means: Array = np.cumsum(values, 0) / np.arange(1, len(values) + 1)[:, None]
    return means


def band(running: Array, seed: int = 0) -> Array:
    """Half the width within which the mean of as many other streams stays at all positions 19 times in 20, (K,).

    Args:
        running: running means of real streams, (K, N).
        seed: of the bootstrap.
    """
    count = running.shape[1]
    generator = np.random.default_rng(seed)
    one, other = generator.multinomial(count, np.full(count, 1 / count), (2, BOOTSTRAPS)) / count  # (draws, N) each
    mean = one @ running.T  # (draws, K)
    variance = np.maximum(one @ (running**2).T - mean**2, 0) / (count - 1)
    apart, error = np.abs(mean - other @ running.T), np.sqrt(2 * variance)  # of the difference of two means
    largest = np.divide(apart, error, out=np.zeros_like(apart), where=error > 1e-9).max(1)
    return np.asarray(np.quantile(largest, 0.95) * math.sqrt(2) * _error(running))


def drift(bits: Array, context: int) -> tuple[float, float, float]:
    """How many bits more the second half of the positions has than the first, and the 95 % interval; bits (K, N).

    The first ``context`` positions are left out: their n-grams are partly true text.
    """
    half = (len(bits) + context) // 2
    if half <= context:
        return (math.nan,) * 3
    return interval(bits[half:].mean(0) - bits[context:half].mean(0))


class Reference(NamedTuple):
    """An n-gram model of the training text, and what it says of real streams: see ``reference``."""

    ngram: NGram
    mean: Array  # (K,) running mean of their bits
    band: Array  # (K,)


def reference(ngram: NGram, streams: Array, warmup: int) -> Reference:
    """What there is to hold written text against; streams (W+K, N) are real ones."""
    running = running_mean(ngram_bits(ngram, streams[:warmup], streams[warmup:]))
    return Reference(ngram, running.mean(1), band(running))


def exposure(
    found: Runs, streams: Array, real: Reference | None, *, cell: str, unit: str, step: int = 0, note: str = ""
) -> Exposure:
    """The record of two runs over the same streams.

    Args:
        found: both ways of feeding.
        streams: true ids (W+K, N).
        real: what real text is like; None to leave out the comparison.
        cell: the network's, for the colour.
        unit: what a position is.
        step: completed training steps.
        note: why there is no comparison.
    """
    positions, count = found.forced.shape
    warmup = len(streams) - positions
    bits: dict[str, object] = dict.fromkeys(("text_mean", "written_mean", "band"), np.zeros(0))
    if real is not None:
        written = ngram_bits(real.ngram, streams[:warmup], found.written)
        bits = {
            "order": real.ngram.order,
            "text_mean": real.mean,
            "written_mean": running_mean(written).mean(1),
            "band": real.band,
            "drift": drift(written, real.ngram.order - 1),
        }
    return Exposure(
        step=step,
        cell=cell,
        unit=unit,
        warmup=warmup,
        streams=count,
        forced=found.forced.mean(1),
        forced_error=_error(found.forced),
        free=found.free.mean(1),
        free_error=_error(found.free),
        gap_error=_error(found.free - found.forced),
        gap=interval((found.free - found.forced).mean(0)),
        note=note,
        **bits,  # type: ignore[arg-type]
    )


def nothing(*, cell: str, unit: str, step: int) -> Exposure:
    """The record of a text whose validation part is too short."""
    none = np.zeros(0)
    need = FEWEST_STREAMS * LEAST_LENGTH
    return Exposure(
        step=step,
        cell=cell,
        unit=unit,
        warmup=0,
        streams=0,
        forced=none,
        forced_error=none,
        free=none,
        free_error=none,
        gap_error=none,
        gap=(math.nan,) * 3,
        text_mean=none,
        written_mean=none,
        band=none,
        note=f"the validation text has fewer than {need} characters; use a longer text, or raise validation_fraction",
    )


def held_out(task: Task, count: int) -> tuple[Array, int] | None:
    """True streams that are never trained on, (W+K, ≤count), and W; None where there is too little of them.

    Of a text, pieces spread evenly over the validation part, which do not overlap; fewer and shorter ones where it is
    short. Of the three sentences, each in its proportion, behind a stop.
    """
    if isinstance(task, SentencesTask):
        inputs, targets = next(task.validation_batches())
        ids = torch.cat([inputs[:1], targets]).numpy()
        return ids[:, (np.arange(count) + 0.5).astype(int) * ids.shape[1] // count], 1
    assert isinstance(task, TextTask)  # see live_measures
    size = len(task.validation_ids)
    length = min(WARMUP + POSITIONS, size // FEWEST_STREAMS)
    if length < LEAST_LENGTH:
        return None
    count = min(count, size // length)
    starts = np.arange(count) * (size // count)
    return task.validation_ids[starts + np.arange(length)[:, None]], length // 3


class ExposureMeasure(AfterStep):
    """Both ways of feeding over the same held-out streams, with the same random numbers each time: what changes from
    one record to the next is the network."""

    name, share = "exposure", 0.05

    def __init__(self, patience: float = 3.0) -> None:
        self.patience = patience
        self._real: Reference | None = None

    def forced(self, step: int) -> bool:
        """Log-spaced steps, where the budget affords them."""
        return is_power_of_two(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """One record; none while the n-gram model may still come."""
        model, config = trainer.model, trainer.config.model
        count = min(MOST_STREAMS, max(FEWEST_STREAMS, WORK // (config.hidden_size**2 * config.num_layers)))
        unit = "word" if isinstance(trainer.task, SentencesTask) else "character"
        found = held_out(trainer.task, count)
        if found is None:
            return [nothing(cell=config.cell, unit=unit, step=trainer.step)]
        streams, warmup = found
        note = self._compared(trainer, streams, warmup)
        if note is None:
            self.patience = trainer.seconds + LOOK_AGAIN_SECONDS
            return []
        generator = np.random.Generator(np.random.Philox(key=trainer.config.seed))
        chance = generator.random((len(streams) - warmup, streams.shape[1]), dtype=np.float32)
        ids, luck = (torch.from_numpy(one).to(trainer.device) for one in (streams, chance))
        with evaluating(model):
            both = run_both(model, trainer.task.own, ids, warmup, luck)
        return [exposure(both, streams, self._real, cell=config.cell, unit=unit, step=trainer.step, note=note)]

    def _compared(self, trainer: Trainer, streams: Array, warmup: int) -> str | None:
        """Find out once what real text is like: '', or why that is not known, or None while it is worth waiting."""
        task = trainer.task
        if not isinstance(task, TextTask):
            return NO_NGRAM
        if self._real is None:
            fraction = float(trainer.config["validation_fraction"])
            index = find_index(task.digest, fraction, task.vocabulary, task.train_ids)
            self._real = None if index is None else reference(index.ngram, streams, warmup)
        last = trainer.step >= trainer.config.training.steps
        if self._real is None and (last or trainer.seconds >= WAIT_SECONDS):
            return "the n-gram model of the training text is not counted yet"
        return None if self._real is None else ""

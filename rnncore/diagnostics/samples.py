"""What the model writes while it learns: one text to read, and a batch of them to measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import torch

from rnncore.config import RunConfig
from rnncore.generation.quality.index import TextIndex
from rnncore.generation.quality.kept import find_index, find_levels
from rnncore.generation.quality.measures import Batch, measure
from rnncore.generation.sampling import generate
from rnncore.records import QualityLevels, Record, Sample, SampleQuality
from rnncore.tasks.text import TextTask
from rnncore.training.measuring import AfterStep, is_power_of_two

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

PRIMER_LENGTH = 40
SHARE = 0.08
YOUNG_SECONDS, MOST_TIMES = 20.0, 8.0
"""Up to which age of the run the share is larger, and how many times at most."""
LOOK_AGAIN_SECONDS = 2.5
"""Between two looks for an index that is being built."""
CONTEXT = 60
"""Characters of the corpus that are kept on either side of what was copied from it."""


class Writing(AfterStep):
    """Base of measures that let the model write: with the run's temperature, after the same primer, and with the
    same random numbers each time, at log-spaced steps from the first on and whenever else their turn comes.

    What a model writes changes most at the beginning. So a young run's share is larger, in proportion to 1/age, and
    turns come at log-spaced times: over a whole run this costs a tenth of a second more than the share itself.
    """

    share: float = SHARE

    def __init__(self, config: RunConfig):
        self.watch, self.seed = config.watch, config.seed

    def forced(self, step: int) -> bool:
        """Log-spaced steps."""
        return is_power_of_two(step)

    def write(self, trainer: Trainer, length: int, batch: int) -> tuple[str, list[str]]:
        """The primer, and texts of so many characters that follow it."""
        self.share = SHARE * min(max(YOUNG_SECONDS / max(trainer.seconds, 1e-9), 1.0), MOST_TIMES)
        task = text_task(trainer)
        generated = generate(
            trainer.model,
            task.vocabulary,
            primer=self.watch.primer or task.primer(PRIMER_LENGTH),
            length=length,
            temperature=self.watch.temperature,
            generator=torch.Generator(trainer.device).manual_seed(self.seed),
            batch=batch,
        )
        return generated.primer, generated.text


class SampleMeasure(Writing):
    """A sample with the same primer and the same random seed each time, so that samples can be compared."""

    name = "sample"

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """One sample."""
        primer, (text,) = self.write(trainer, self.watch.sample_length, 1)
        return [Sample(step=trainer.step, primer=primer, text=text, temperature=self.watch.temperature, seed=self.seed)]


class QualityMeasure(Writing):
    """Sample quality: a batch of texts held against the training text, whose index is built beside the run.

    Texts are as many and as long as those whose levels are known. While there is no index the share is 0, so that no
    turn comes: turns that find nothing to do would let the budget believe that the others cost nothing either.
    """

    name = "sample_quality"

    def __init__(self, config: RunConfig):
        super().__init__(config)
        self._found: tuple[TextIndex, QualityLevels] | None = None
        self._levels: Callable[[], QualityLevels | None] = lambda: None
        self._next_look = 0.0

    def forced(self, step: int) -> bool:
        """Log-spaced steps, once there is an index. Asked before each step, so this is where to look for one."""
        if self.share == 0 and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_AGAIN_SECONDS
            self.share = 0 if self._levels() is None else SHARE
        return self.share > 0 and super().forced(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """The quality of one batch, if there is an index."""
        if self._found is None:
            self._found = self._look(trainer)
        if self._found is None:
            self.share = 0
            return []
        index, levels = self._found
        _, texts = self.write(trainer, levels.length, levels.samples)
        return [sample_quality(texts, index, levels.names, step=trainer.step, temperature=self.watch.temperature)]

    def _look(self, trainer: Trainer) -> tuple[TextIndex, QualityLevels] | None:
        task, fraction = text_task(trainer), float(trainer.config["validation_fraction"])
        self._levels = partial(find_levels, task.digest, fraction)
        levels = self._levels()
        index = levels and find_index(task.digest, fraction, task.vocabulary, task.train_ids)
        return (index, levels) if index and levels else None


def sample_quality(
    texts: list[str], index: TextIndex, names: tuple[str, ...], *, step: int, temperature: float
) -> SampleQuality:
    """The quality of samples, and where the longest span stands that any of them copies.

    Args:
        texts: samples of one length.
        index: of the training text.
        names: of the measures that make sense for it.
        step: after which they were written.
        temperature: they were drawn with.
    """
    batch = Batch(texts, index)
    found = measure(batch, names)
    sample, start, length = batch.longest
    place = int(batch.matches[sample][1][start]) if length else -1
    return SampleQuality(
        step=step,
        names=names,
        values=found.values,
        spread=found.spread,
        defined=found.defined,
        samples=len(texts),
        length=len(texts[0]),
        temperature=temperature,
        copied=texts[sample][start : start + length],
        copied_at=place,
        copied_line=index.line(place) if length else 0,
        copied_before=index.text(place - CONTEXT, place) if length else "",
        copied_after=index.text(place + length, place + length + CONTEXT) if length else "",
    )


def text_task(trainer: Trainer) -> TextTask:
    """The trainer's task, which is a text: these measures are taken of no other (see ``live_measures``)."""
    assert isinstance(trainer.task, TextTask)
    return trainer.task

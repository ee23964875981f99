"""What the measures of samples are held against: held-out text, and two ways of writing that know little.

*Held-out text* is the validation part, cut into pieces as long as a sample and taken in batches of as many: what a
perfect model would reach. *Uniform* draws each character evenly: no knowledge at all. *5-gram* draws from the
Witten-Bell model: all that the four characters before tell, and no memory of anything further back. A measure alone
says little: noise is as varied and as novel as can be, and only the text's level tells where enough is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnncore.generation.quality.copying import Ids
from rnncore.generation.quality.index import TextIndex
from rnncore.generation.quality.measures import MEASURES, Batch, measure
from rnncore.records import QualityLevels

SAMPLES = 16
"""Samples in a batch: enough for a mean, and hardly dearer than one."""
LENGTH, LONG = 300, 600
"""Characters of a sample; long ones where the text has LaTeX environments, few of which fit into a short one."""
BATCHES = 4
"""Of held-out text, and of n-gram text, whose mean is the level."""
LEAST_LEVEL, LEAST_DEFINED = 0.2, 0.05
"""A measure of balance makes sense for a text whose own pieces reach this level, and this share of which it is
defined for: prose is no Python, plays have no brackets."""
_ONLY_IF_THE_TEXT_HAS_IT = ("brackets", "quotes", "environments", "parses")


def levels(index: TextIndex, validation: Ids, training: int) -> QualityLevels:
    """The measures that make sense for a text, and their levels.

    Args:
        index: of the training part.
        validation: the held-out part, int64, at least 2 characters.
        training: characters of the whole training part.
    """
    pieces = [index.vocabulary.decode(ids) for ids in held_out(validation, sample_length(index, len(validation)))]
    length, size = len(pieces[0]), len(index.vocabulary)
    generator = np.random.default_rng(0)
    drawn = index.ngram.write(length, SAMPLES * BATCHES, generator)
    even = generator.integers(0, size, (SAMPLES, length))
    names = [name for name in MEASURES if _makes_sense(name, Batch(pieces, index))]
    text, ngram, uniform = (
        _mean_level(texts, index, names)
        for texts in (pieces, *([index.vocabulary.decode(ids) for ids in batch] for batch in (drawn, even)))
    )
    return QualityLevels(
        step=0,
        names=tuple(names),
        text=text,
        ngram=ngram,
        uniform=uniform,
        order=index.ngram.order,
        samples=SAMPLES,
        length=length,
        pieces=len(pieces),
        counted=len(index.ids),
        training=training,
    )


def sample_length(index: TextIndex, available: int) -> int:
    """Characters of a sample, of a text that has so many held-out ones."""
    wanted = LONG if r"\begin{" in index.text(0, len(index.ids)) else LENGTH
    return min(wanted, available)


def held_out(validation: Ids, length: int) -> Ids:
    """Pieces spread evenly over the validation text, (pieces, length), which do not overlap."""
    count = min(SAMPLES * BATCHES, len(validation) // length)
    starts = np.arange(count) * (len(validation) // count)
    return validation[starts[:, None] + np.arange(length)]


def _makes_sense(name: str, batch: Batch) -> bool:
    if name not in _ONLY_IF_THE_TEXT_HAS_IT:
        return True
    found = measure(batch, [name])
    return bool(found.values[0] >= LEAST_LEVEL and found.defined[0] >= LEAST_DEFINED * len(batch.texts))


def _mean_level(texts: Sequence[str], index: TextIndex, names: Sequence[str]) -> NDArray[np.float64]:
    """The mean over whole batches, (K,); a text too short for one batch has no level of what compares samples."""
    starts = range(0, max(len(texts) - SAMPLES, 0) + 1, SAMPLES)
    found = [measure(Batch(texts[start : start + SAMPLES], index), names).values for start in starts]
    mean = np.array([_mean(column) for column in zip(*found, strict=True)])
    if len(texts) < SAMPLES:
        mean[[name.startswith(("distinct", "self_bleu")) for name in names]] = np.nan
    return mean


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else np.nan

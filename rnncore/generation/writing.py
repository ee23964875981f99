"""Answering a ``Question``: a model writes, and says what it thought at each character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnncore.generation.beam import beam_search
from rnncore.generation.question import Question
from rnncore.generation.reading import read
from rnncore.generation.sampling import Shape, device_of, generate
from rnncore.records import Writing
from rnncore.tasks.text import Vocabulary

if TYPE_CHECKING:
    from torch import nn


def write(model: nn.Module, vocabulary: Vocabulary, question: Question, *, step: int) -> Writing:
    """The texts that were asked for, all in one batch.

    Raises:
        CorpusError: the vocabulary lacks a character of the primer or one that was picked.
    """
    forced = [question.forced(text) for text in range(question.texts)]
    if question.method == "beam":
        best = beam_search(
            model,
            vocabulary,
            primer=question.primer,
            length=question.length,
            width=question.width,
            forced=forced[0],
        )[0]
        primer, texts, shape = best.primer, [best.text], None
    else:
        written = generate(
            model,
            vocabulary,
            primer=question.primer,
            length=question.length,
            temperature=question.temperatures,
            top_k=question.top_k,
            top_p=question.top_p,
            seeds=[question.seed] * question.texts,
            forced=forced,
            batch=question.texts,
        )
        primer, texts = written.primer, written.text
        shape = Shape(question.temperatures, question.top_k, question.top_p, device_of(model))
    seen = read(model, vocabulary, primer=primer, texts=texts, shape=shape)
    picked = np.zeros(seen.chosen.shape, bool)
    for text, position, _ in question.picks:
        picked[text, position] = True
    bits = -np.log2(np.maximum(seen.probability.astype(np.float64), np.finfo(np.float32).tiny)).sum(1)
    return Writing(
        step=step,
        primer=primer,
        characters=vocabulary.characters,
        labels=question.labels,
        bits=tuple(bits.tolist()),
        chosen=seen.chosen.astype(np.int32),
        picked=picked,
        probability=seen.probability,
        drawn=seen.drawn,
        entropy=seen.entropy,
        candidates=seen.candidates.astype(np.int32),
        odds=seen.odds,
        drawn_odds=seen.drawn_odds,
    )

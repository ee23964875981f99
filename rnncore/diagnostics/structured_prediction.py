"""What a network that learns a few sentences says when it runs freely: worked out by enumeration, not sampled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from rnncore.generation.sampling import evaluating
from rnncore.lecture.structured_prediction import Floats, Ids, Language, chances, grow, nonsense, shares
from rnncore.models.sequence import SequenceModel, State, rows
from rnncore.records import Intruders, Record, SentenceShares
from rnncore.tasks.sentences import SentencesTask
from rnncore.training.measuring import AfterStep, is_power_of_two

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

LEAST = 1e-4
"""Words of the tree whose text so far is less likely than this are left out; the record says how much that is."""
MOST = 324
"""Words that a level of the tree may have: as many as the optimum at ε = 0 has."""


class Network:
    """A network as a ``Reader`` of ``rnncore.lecture.structured_prediction``: at each call it reads one word more."""

    def __init__(self, model: SequenceModel):
        self.model, self.device = model, model.readout.weight.device

    @torch.no_grad()
    def __call__(self, state: State | None, texts: Ids, words: Ids) -> tuple[Floats, State]:
        """The predictions (N, V) after each text's next word, and the network's state."""
        before = rows(state, torch.from_numpy(texts).to(self.device))
        with evaluating(self.model):
            logits, after = self.model.step(torch.from_numpy(words).to(self.device), before)
        return logits.double().softmax(-1).cpu().numpy(), after


def sentence_shares(model: SequenceModel, language: Language, *, step: int, epsilon: float) -> SentenceShares:
    """How often the network says each sentence: T steps on S texts, the shares of all others follow."""
    found = chances(Network(model), language)
    return SentenceShares(
        step=step,
        epsilon=epsilon,
        sentences=tuple(language.sentence(text) for text in language.texts),
        shares=shares(found, language),
        nonsense=nonsense(found, language),
    )


@torch.no_grad()
def intruders(model: SequenceModel, language: Language, *, step: int) -> Intruders:
    """What the network predicts after each word at each place of each sentence, in one pass over S·P·V texts."""
    sentences, length = language.texts.shape
    names = len(language.words)
    inputs = np.zeros((sentences, length - 1, names, length), np.int64)  # (S, P, V, T), a stop first
    inputs[..., 1:] = language.texts[:, None, None, :-1]
    for place in range(length - 1):
        inputs[:, place, :, place + 1] = np.arange(names)
    texts = torch.from_numpy(inputs.reshape(-1, length).T).to(model.readout.weight.device)
    with evaluating(model):
        odds = model(texts)[0].softmax(-1)  # (T, S·P·V, V)
    found = odds.transpose(0, 1).reshape(*inputs.shape, names).half().cpu().numpy()
    unread = np.arange(length) <= np.arange(length - 1)[:, None]  # (P, T)
    kept = np.where(unread[None, :, None, :, None], np.float16(np.nan), found)
    return Intruders(step=step, words=language.words, texts=language.texts, distributions=kept)


class SharesMeasure(AfterStep):
    """How often each sentence is said: cheap, and so the one that comes most often."""

    name, share = "sentence_shares", 0.15

    def forced(self, step: int) -> bool:
        """Log-spaced steps from the first on."""
        return is_power_of_two(step)

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """One small record."""
        epsilon = float(trainer.config.scheduled_sampling.epsilon_at(trainer.step - 1))
        return [sentence_shares(trainer.model, _language(trainer), step=trainer.step, epsilon=epsilon)]


class TreeMeasure(AfterStep):
    """All that is said, and what is predicted after a word that does not belong."""

    name, share = "word_tree", 0.3

    def forced(self, step: int) -> bool:
        """The first step, so that the first tree comes at once."""
        return step == 1

    def records(self, trainer: Trainer, opened: None) -> Iterable[Record]:
        """A tree with what is likely in it, and the table of intruders."""
        language, step = _language(trainer), trainer.step
        tree = grow(Network(trainer.model), language, least=LEAST, most=MOST, step=step)
        return [tree, intruders(trainer.model, language, step=step)]


def _language(trainer: Trainer) -> Language:
    assert isinstance(trainer.task, SentencesTask)  # see live_measures
    return trainer.task.language

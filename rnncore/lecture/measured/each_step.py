"""Train a small network on a short text, and read it in three ways at moments of its training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncore.lecture.each_step import MOMENTS, READINGS, SHOWN, EachStepSettings
from rnncore.records.each_step import EachStep

BATCH, LR = 32, 0.01


class Reader(nn.Module):
    """A recurrent layer over one-hot characters, and its readout at each step."""

    def __init__(self, settings: EachStepSettings, vocabulary: int):
        super().__init__()
        kind = {"rnn_tanh": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[settings.cell]
        self.vocabulary = vocabulary
        self.recurrent = kind(vocabulary, settings.hidden_size)
        self.readout = nn.Linear(settings.hidden_size, vocabulary)

    def forward(self, ids: Tensor, state: object = None) -> tuple[Tensor, object]:
        """Characters (T, B) to logits (T, B, V) and the state after them."""
        outputs, after = self.recurrent(functional.one_hot(ids, self.vocabulary).float(), state)
        return self.readout(outputs), after


def measure(settings: EachStepSettings) -> Iterator[EachStep]:
    """A record at each moment; the last one has them all."""
    letters = tuple(sorted(set(settings.text)))
    ids = torch.tensor([letters.index(letter) for letter in settings.text])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Reader(settings, len(letters))
    optimiser = torch.optim.Adam(model.parameters(), lr=LR)
    generator = torch.Generator().manual_seed(settings.seed)
    moments = set(np.unique(np.geomspace(1, settings.steps, MOMENTS).round().astype(int)).tolist()) | {0}
    steps: list[int] = []
    fed: list[np.ndarray] = []
    probabilities: list[np.ndarray] = []
    losses: list[float] = []
    for step in range(settings.steps + 1):
        if step in moments:
            read = [reading(model, ids, settings, how) for how in READINGS]
            steps.append(step)
            fed.append(np.stack([inputs for inputs, _ in read]))
            probabilities.append(np.stack([odds for _, odds in read]))
            yield EachStep(
                step=step,
                share=step / settings.steps,
                doing="" if step == settings.steps else f"training, step {step:,}",
                letters=letters,
                cell=settings.cell,
                text=settings.text,
                steps=np.array(steps),
                fed=np.stack(fed),
                probabilities=np.stack(probabilities),
                targets=following(ids, SHOWN).numpy(),
                losses=np.array(losses, np.float32),
                primer=settings.primer,
                wrong_at=settings.wrong_at,
            )
        if step < settings.steps:
            losses.append(_train(model, optimiser, ids, generator))


def _train(model: Reader, optimiser: torch.optim.Optimizer, ids: Tensor, generator: torch.Generator) -> float:
    """One step on sequences that begin anywhere in the text, each from an empty state; the loss, nats per character."""
    phases = torch.randint(len(ids), (BATCH,), generator=generator)
    places = (phases + torch.arange(SHOWN + 1)[:, None]) % len(ids)
    sequences = ids[places]
    optimiser.zero_grad()
    logits, _ = model(sequences[:-1])
    loss = functional.cross_entropy(logits.flatten(0, 1), sequences[1:].flatten())
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def following(ids: Tensor, count: int) -> Tensor:
    """x_1 … x_count of the repeated text: what is wanted after each input."""
    return ids[(torch.arange(count) + 1) % len(ids)]


@torch.no_grad()
def reading(model: Reader, ids: Tensor, settings: EachStepSettings, how: str) -> tuple[np.ndarray, np.ndarray]:
    """What is fed at each step, (T,), and what is expected next, (T, V)."""
    truth = ids[torch.arange(SHOWN) % len(ids)].clone()
    if how == "wrong":
        truth[settings.wrong_at] = (truth[settings.wrong_at] + 1) % model.vocabulary
    state: object = None
    fed: list[int] = []
    odds: list[Tensor] = []
    for t in range(SHOWN):
        own = how == "own" and t >= settings.primer
        fed.append(int(odds[-1].argmax()) if own else int(truth[t]))
        logits, state = model(torch.tensor([[fed[-1]]]), state)
        odds.append(torch.softmax(logits[0, 0].double(), 0))
    return np.array(fed), torch.stack(odds).float().numpy()

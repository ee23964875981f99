"""Answers that have nothing to do with what was read: nobody may learn them better than knowing nothing."""

import torch


class Shuffled:
    """A task whose sequences are given each other's answers, in another order at each step."""

    def __init__(self, made):
        self.made = made

    def __getattr__(self, name):
        return getattr(self.made, name)

    def batch(self, step):
        inputs, targets, reset = self.made.batch(step)
        return inputs, dealt(targets, step), reset

    def validation_batches(self):
        for inputs, targets in self.made.validation_batches():
            yield inputs, dealt(targets, 10**6)


def dealt(targets, seed):
    """(T, B, ...) with its sequences in another order."""
    return targets[:, torch.randperm(targets.shape[1], generator=torch.Generator().manual_seed(seed))]

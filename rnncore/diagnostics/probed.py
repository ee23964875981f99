"""Measures that open the training step itself with a probe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.probe import probe
from rnncore.training.measuring import is_power_of_two

if TYPE_CHECKING:
    from rnncore.probe.layers import LayerTrace
    from rnncore.probe.trace import Trace
    from rnncore.training.trainer import Trainer


@dataclass
class Opened:
    """A probe, and the seconds that its replay took."""

    probe: Any = None
    seconds: float = 0.0

    def stack(self, trainer: Trainer) -> list[LayerTrace]:
        """The model's layers, bottom first."""
        return [self.probe[f"layers.{index}"].layers[0] for index in range(trainer.config.model.num_layers)]

    def layers(self, trainer: Trainer) -> list[Trace]:
        """One trace per layer and direction of the model, bottom first."""
        return [trace for layer in self.stack(trainer) for trace in layer.directions]


class Probed:
    """Base of measures that probe the training step, on the first ``sequences`` sequences of the batch."""

    sequences = 1
    patience = 2.0

    def forced(self, step: int) -> bool:
        """Log-spaced steps, where the budget affords them."""
        return is_power_of_two(step)

    @contextmanager
    def around(self, trainer: Trainer) -> Iterator[Opened]:
        """Hooks on forward and backward pass; the replay runs when they are done."""
        opened = Opened()
        with probe(trainer.model, sequences=min(self.sequences, trainer.config.training.batch_size)) as opened.probe:
            yield opened
            start = time.perf_counter()
        opened.seconds = time.perf_counter() - start


class HeldOut:
    """Base of measures that look at what is held out, and at nothing of the training step."""

    def forced(self, step: int) -> bool:
        """The first step, and log-spaced ones, where the budget affords them."""
        return is_power_of_two(step)

    def around(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Nothing of the training step is looked at."""
        return nullcontext()

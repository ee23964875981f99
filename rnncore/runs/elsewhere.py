"""What is known of a run that this project does not train: a user's own loop, seen through ``rnncore.watch``.

It stands where a run's configuration stands, so that pages read it the same way, but nothing can be trained from
it: what a loop does is in the loop's own program.
"""

from __future__ import annotations

from typing import Any

from rnncore.config import Model, RunConfig, TextTask, Training, setting
from rnncore.errors import ConfigError

WATCHED = "watch"
"""``RunInfo.source`` of such a run."""


class SeenModel(Model):
    """The recurrent layers of any model: one entry of ``layers`` for each layer and direction, in the records' order.

    ``cell`` and ``hidden_size`` are those of the first one.
    """

    hidden_size: int = setting(1, "Units of the first layer, H", unit="units", ge=1)
    num_layers: int = setting(1, "Layers and directions in the records, L", unit="layers", ge=1)
    embedding_size: int = setting(1, "Size of the first layer's input, D", unit="units", ge=1)
    kind: str = setting("", "The model's class")
    layers: tuple[str, ...] = setting((), "What each layer and direction is called")
    cells: tuple[str, ...] = setting((), "The cell of each")

    @property
    def layer_names(self) -> tuple[str, ...]:
        """What each layer and direction is called, in the records' order."""
        return self.layers

    def cell_of(self, layer: int) -> str:
        """The cell of a layer, counted from 0; of the last one for a number beyond it."""
        return self.cells[min(layer, len(self.cells) - 1)] if self.cells else self.cell


class SeenTask(TextTask):
    """What is read: known by its length only, and that from the first step on."""

    corpus: str = ""
    sequence_length: int = setting(1, "Steps of the longest sequence seen, T", unit="steps", ge=1)


class SeenTraining(Training):
    """What the loop says about itself; 0 where it says nothing."""

    batch_size: int = setting(0, "Sequences of the first batch, B", unit="sequences", ge=0)
    steps: int = setting(0, "Training steps that the loop means to take; 0 where it is not known", unit="steps", ge=0)
    lr: float = setting(0.0, "Learning rate at the start", ge=0)
    clip_norm: float | None = None


class Elsewhere(RunConfig):
    """The description of a run that is trained elsewhere.

    Attributes:
        floor: the loss of knowing nothing, in the loss's own unit; None where the user gave none.
    """

    task: SeenTask = SeenTask()
    model: SeenModel = SeenModel()
    training: SeenTraining = SeenTraining()
    floor: float | None = None

    @property
    def label(self) -> str:
        """The given name, else the model's class."""
        return self.name or self.model.kind

    def changed(self, **values: Any) -> RunConfig:
        """Always refused.

        Raises:
            ConfigError: nothing here can be trained.
        """
        raise ConfigError(
            f"run {self.label!r} was trained elsewhere and has no settings to start another one from; change and "
            "start the program that trains it"
        )

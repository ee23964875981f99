"""What an experiment of the lecture is: a name, its settings, and a measurement that says how far it is.

This side is free of torch, so that a server can ask for an experiment; the measurement itself is the module of the
same stem in ``rnncore.lecture.measured``, which a worker process imports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rnncore.config.sections import Section, setting
from rnncore.records.measured import Measured


class Settings(Section):
    """What all experiments can be told; each adds its own."""

    seed: int = setting(1, "Of weights and data: the same seed gives the same numbers", ge=0, lt=2**31)


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name: e.g. ``variable-length``; the address of its page and the name of its text are the same.
        settings: what it can be told.
        record: what it measures.
    """

    name: str
    settings: type[Settings]
    record: type[Measured]

    @property
    def stem(self) -> str:
        """The name of its module in each layer."""
        return self.name.replace("-", "_")

    def measure(self, values: Mapping[str, Any] | None = None) -> Iterator[Measured]:
        """Measure: each record is all that is known so far, the last one the result. Imports torch.

        Args:
            values: of the settings; the others have their defaults.

        Raises:
            ConfigError: a value is out of range, or no setting of this experiment.
        """
        found = import_module(f"rnncore.lecture.measured.{self.stem}")
        results: Iterator[Measured] = found.measure(self.settings(**values or {}))
        return results

"""What may be changed while a run goes: the learning rate, the clipping threshold, and whether it goes on."""

from __future__ import annotations

from typing import Any

from rnncore.config import Training
from rnncore.errors import ConfigError


class Controls:
    """Requests to a running ``train``; each is carried out at the next step boundary.

    Pausing needs no request: whoever iterates over ``train`` simply doesn't ask for the next event.
    """

    def __init__(self) -> None:
        self.changes: dict[str, float | None] = {}
        self.stopping = False
        self.wants_checkpoint = False
        self.wants_measures = False

    def set(self, **changes: Any) -> None:
        """Change ``lr`` or ``clip_norm`` (None switches clipping off).

        Raises:
            ConfigError: another name, or a value out of range.
        """
        for name, value in changes.items():
            if name not in ("lr", "clip_norm"):
                raise ConfigError(f"{name} cannot be changed on the fly, got {value!r}; only lr and clip_norm can")
            self.changes[name] = getattr(Training(**{name: value}), name)

    def stop(self) -> None:
        """End the run after the present step, with a checkpoint."""
        self.stopping = True

    def checkpoint(self) -> None:
        """Ask for a checkpoint at the next step boundary."""
        self.wants_checkpoint = True

    def measure(self) -> None:
        """Take all measures at the next step, whatever the budget says (a single step while paused)."""
        self.wants_measures = True

"""A probe for other people's loops."""

from __future__ import annotations

from typing import Any

from rnncore.errors import ProbeError
from rnncore.probe.call import Catcher
from rnncore.probe.probe import Probe


class HarmlessProbe(Probe):
    """A probe whose hooks never raise into the user's forward pass; what went wrong is told afterwards."""

    _caught: ProbeError | None = None

    def _catch(self, catcher: Catcher, name: str, *call: Any) -> None:
        if self._caught is None:
            try:
                super()._catch(catcher, name, *call)
            except ProbeError as error:
                self._caught = error

    def raise_caught(self) -> None:
        """Raise what a hook ran into."""
        caught, self._caught = self._caught, None
        if caught is not None:
            raise caught

    def release(self) -> None:
        """Let go of the training step's tensors."""
        self._forget("it was read already")

"""An experimenter that needs no torch: an experiment's name says how it goes. As a program it is such a process.

``count`` reports 1 to n; ``slow`` takes a twentieth of a second for each; ``exit``, ``hang``, ``refuse``, ``break``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnncore.errors import ConfigError
from rnncore.records import Measured
from rnncore.runs.experimenter import Measure, main

COMMAND = (sys.executable, str(Path(__file__).resolve()))


def measure(name: str, settings: Mapping[str, Any]) -> Iterator[Measured]:
    """As the name says."""
    if name == "refuse":
        raise ConfigError("n must be >= 1, got 0; use a larger one")
    if name == "break":
        raise ZeroDivisionError("division by zero")
    for step in range(1, settings.get("n", 3) + 1):
        if name == "exit":
            os._exit(3)
        if name in ("slow", "hang"):
            time.sleep(0.05 if name == "slow" else 60)
        yield Measured(step=step, share=step / settings.get("n", 3), doing=f"step {step}")


def tools() -> Measure:
    """The fake in place of torch."""
    return measure


if __name__ == "__main__":
    sys.exit(main(tools=tools))

"""What an experiment of the lecture has measured so far: the base of their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnncore.records.base import Record


@dataclass(frozen=True, kw_only=True)
class Measured(Record):
    """What every experiment says of itself, whatever it measures.

    Attributes:
        share: of the work that is done, 0 to 1.
        doing: what is being done at the moment, in words; '' at the end.
    """

    kind: ClassVar[str] = "measured"

    step: int = 0
    share: float = 1.0
    doing: str = ""

    @property
    def answer(self) -> str:
        """Which of the question's answers came true, by its name in the page's text; '' while that is open."""
        return ""

    @property
    def numbers(self) -> dict[str, str]:
        """What the page's text may name in braces: name → the measured number, written out with its unit."""
        return {}

    @property
    def proof(self) -> str:
        """The one result that the lecture's map repeats, short; '' while there is none."""
        return ""

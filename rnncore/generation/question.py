"""What a model can be asked to write: one frozen, validated value that page, address bar and desk speak. No torch."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from rnncore.config.sections import Section, setting

MOST_TEXTS = 4
MOST_PICKS = 200
LONGEST = 1000

Method = Literal["sample", "greedy", "beam"]
Pick = tuple[int, int, str]
"""Text, position in it (both from 0), and the character that the reader put there."""


class Question(Section):
    """What to write after a primer, and how."""

    primer: str = setting(
        "", "Text to start from; empty for the run's own, a piece of the validation text", max_length=500
    )
    length: int = setting(300, "Characters to write", unit="characters", ge=1, le=LONGEST)
    method: Method = Field(
        "sample",
        description="Draw each character, take the likeliest each time, or search for the likeliest text",
        json_schema_extra={"unit": "", "remedy": "choose one of sample, greedy, beam"},
    )
    temperature: float = setting(
        0.8, "Below 1 the likely becomes likelier; 0 always takes the likeliest character", ge=0, le=100
    )
    temperature_2: float | None = setting(
        None, "A second text with the same random numbers at another temperature", ge=0, le=100
    )
    top_k: int | None = setting(None, "Draw among the k likeliest characters only", unit="characters", ge=1, le=100_000)
    top_p: float | None = setting(
        None, "Draw among the likeliest characters that together have this probability (nucleus)", gt=0, le=1
    )
    width: int = setting(8, "Beginnings that the beam keeps", unit="texts", ge=1, le=64)
    seed: int = setting(1, "Seed of the random numbers", ge=0, le=2**31 - 1)
    picks: tuple[Pick, ...] = ()

    @model_validator(mode="after")
    def _picks_lie_within_the_texts(self) -> Self:
        if len(self.picks) > MOST_PICKS:
            raise ValueError(f"picks must be at most {MOST_PICKS}, got {len(self.picks)}; take some back")
        for text, position, character in self.picks:
            if not 0 <= text < self.texts or not 0 <= position < self.length or len(character) != 1:
                raise ValueError(
                    f"picks must be single characters within the {self.length} of each text, got {character!r} at "
                    f"position {position} of text {text}; take it back"
                )
        return self

    @property
    def temperatures(self) -> tuple[float, ...]:
        """One for each text; 0 for a greedy one."""
        if self.method != "sample":
            return (0.0,)
        return (self.temperature,) if self.temperature_2 is None else (self.temperature, self.temperature_2)

    @property
    def texts(self) -> int:
        """How many texts are asked for, B."""
        return len(self.temperatures)

    @property
    def labels(self) -> tuple[str, ...]:
        """How each text is written, in words."""
        if self.method == "sample":
            return tuple(f"temperature {value:g}" if value else "temperature 0, greedy" for value in self.temperatures)
        return ("greedy",) if self.method == "greedy" else (f"beam of {self.width}",)

    def forced(self, text: int) -> dict[int, str]:
        """The characters that the reader put into one text, by position."""
        return {position: character for one, position, character in self.picks if one == text}

    def picked(self, text: int, position: int, character: str) -> Self:
        """The same with a character put into a text. What was put behind it there is dropped: that text is no more."""
        kept = [pick for pick in self.picks if pick[0] != text or pick[1] < position]
        return self.changed(picks=(*kept, (text, position, character)))

    def changed(self, **values: Any) -> Self:
        """A copy with some values changed, validated anew."""
        return type(self)(**self.model_dump() | values)

    def asked(self) -> dict[str, Any]:
        """What differs from the defaults, as JSON values."""
        found: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return found

"""What a model wrote, character by character, as plain values for the desk's text: colours, numbers, candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.base import shown
from dashboard.theme import highlight
from rnncore.records import Array, Writing

LEVELS = 16
"""Steps of the colour."""
MOST_BITS = 8.0
"""A surprise that has the full colour."""
KEY = (("100%", 0.0), ("50%", 1.0), ("25%", 2.0), ("6%", 4.0), ("1.6%", 6.0), ("0.4% or less", MOST_BITS))
"""The colours' key: probabilities, and the surprise in bits that each is."""


def desk_text(record: Writing) -> dict[str, Any]:
    """The texts of a record, as JSON values.

    Colour is the surprise -log2 p of each character, from none at p = 1 to the full colour at ``MOST_BITS``: what
    the model was sure of stays pale, what it did not expect stands out.
    """
    return {
        "primer": record.primer,
        "characters": list(record.characters),
        "glyphs": [_glyph(character) for character in record.characters],
        "step": record.step,
        "parting": record.parting,
        "texts": [_one(record, index) for index in range(len(record.labels))],
        "key": [[label, _level(bits)] for label, bits in KEY],
    }


def parting_sentence(record: Writing) -> str:
    """Where two texts part company, in words; '' for one text."""
    if len(record.labels) < 2:
        return ""
    at = record.parting
    if at is None:
        return "Both temperatures write the same text with these random numbers."
    one, other = (_glyph(record.characters[record.chosen[index][at]]) for index in (0, 1))
    return (
        f"The same random numbers: the two part company at character {at + 1}, with “{one}” at {record.labels[0]} and "
        f"“{other}” at {record.labels[1]}."
    )


def desk_colours() -> list[str]:
    """The background of each level, for light and dark, as values of CSS."""
    light, dark = (_ramp(highlight(mode)) for mode in ("light", "dark"))
    return [f"light-dark({one}, {other})" for one, other in zip(light, dark, strict=True)]


def _one(record: Writing, index: int) -> dict[str, Any]:
    surprise = record.surprise[index]
    return {
        "label": record.labels[index],
        "caption": f"{surprise.mean():.2f} bits a character; the model expected {record.entropy[index].mean():.2f}",
        "chosen": record.chosen[index].tolist(),
        "level": [_level(bits) for bits in surprise.tolist()],
        "p": _short(record.probability[index]),
        "drawn": _short(record.drawn[index]),
        "entropy": _short(record.entropy[index]),
        "candidates": record.candidates[index].tolist(),
        "odds": _short(record.odds[index]),
        "drawnOdds": _short(record.drawn_odds[index]),
        "picked": np.flatnonzero(record.picked[index]).tolist(),
    }


def _short(values: Array) -> Any:
    """As lists, four digits each: nobody reads more."""
    values = np.asarray(values, np.float64)
    size = 10.0 ** (3 - np.floor(np.log10(np.maximum(np.abs(values), 1e-9))))
    return np.where(np.isfinite(values), np.round(values * size) / size, 0.0).tolist()


def _level(bits: float) -> int:
    return round(min(max(bits, 0.0) / MOST_BITS, 1.0) * (LEVELS - 1)) if bits == bits else LEVELS - 1


def _glyph(character: str) -> str:
    """A character that can be seen. Markup stays as it is: the page sets it as text."""
    return character if character in "<>&" else shown(character)


def _ramp(scale: list[list[float | str]]) -> list[str]:
    """A colour scale of two ends in ``LEVELS`` even steps, as mixtures that the browser works out."""
    (_, low), (_, high) = scale
    return [f"color-mix(in srgb, {high} {100 * level / (LEVELS - 1):.0f}%, {low})" for level in range(LEVELS)]

"""Dates in words, in several styles and two languages, and the same as ISO dates: something to translate.

The order of the parts changes from style to style, months have names, ordinals are written out, and some dates have a
weekday that says nothing: which letters of the source matter for a letter of the target is known to everybody who can
read. Dates from 1950 to 2049; one in eight, chosen by its number, is never trained on.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
HELD_OUT_EVERY = 8
LENGTH = len("2026-11-24")
MONTHS = {
    "en": ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december"),
    "de": ("januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
           "dezember"),
}  # fmt: skip
WEEKDAYS = {
    "en": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "de": ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
}
_ONES = {
    "en": ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
           "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
           "nineteenth"),
    "de": ("", "erste", "zweite", "dritte", "vierte", "fünfte", "sechste", "siebte", "achte", "neunte", "zehnte",
           "elfte", "zwölfte", "dreizehnte", "vierzehnte", "fünfzehnte", "sechzehnte", "siebzehnte", "achtzehnte",
           "neunzehnte"),
}  # fmt: skip
_GERMAN_ONES = ("", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
STYLES = 8
"""Ways to write a date down: four in each language."""


def ordinal(day: int, language: str) -> str:
    """A day of the month in words: 21 → ``twenty-first``, ``einundzwanzigste``."""
    if day < 20:
        return _ONES[language][day]
    tens, ones = divmod(day, 10)
    if language == "en":
        if not ones:
            return ("twentieth", "thirtieth")[tens - 2]
        return f"{('twenty', 'thirty')[tens - 2]}-{_ONES['en'][ones]}"
    return f"{_GERMAN_ONES[ones]}{'und' if ones else ''}{('zwanzigste', 'dreißigste')[tens - 2]}"


def written(date: datetime.date, style: int) -> str:
    """A date in one of ``STYLES`` ways, in small letters."""
    language = "en" if style < STYLES // 2 else "de"
    day, year = date.day, date.year
    month, weekday = MONTHS[language][date.month - 1], WEEKDAYS[language][date.weekday()]
    return (
        f"{month} {day}, {year}",
        f"{weekday}, {day} {month} {year}",
        f"the {ordinal(day, 'en')} of {month} {year}",
        f"{day} {month[:3]} {year % 100:02d}",
        f"{day}. {month} {year}",
        f"{weekday}, {day}. {month} {year}",
        f"der {ordinal(day, 'de')} {month} {year}",
        f"{day}.{date.month}.{year % 100:02d}",
    )[style]


READ = " ,-.0123456789abcdefghijklmnopqrstuvwxyzßäöü"
"""What sources are written with."""
WRITTEN = "-0123456789"
"""What targets are written with."""


def translated(date: datetime.date) -> str:
    """ISO 8601."""
    return date.isoformat()


@dataclass(frozen=True)
class Dates:
    """B dates.

    Attributes:
        sources: as they are written.
        read: their characters' places in ``READ``, (S, B); 0 beyond the end.
        lengths: of each, (B,).
        targets: the ISO dates' places in ``WRITTEN``, (10, B).
        styles: in which of ``STYLES`` ways each is written, (B,).
    """

    sources: tuple[str, ...]
    read: NDArray[np.int64]
    lengths: NDArray[np.int64]
    targets: NDArray[np.int64]
    styles: NDArray[np.int64]

    def some(self, which: Any) -> Dates:
        """Some of them."""
        lengths = self.lengths[which]
        sources = tuple(self.sources[n] for n in np.arange(len(self.sources))[which])
        return Dates(sources, self.read[: lengths.max(), which], lengths, self.targets[:, which], self.styles[which])


@cache
def _days() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Days after the first one: those of training, those that are held out. Which is which looks random, and is not."""
    number = np.arange((LAST - FIRST).days + 1)
    mixed = (number * 2_654_435_761) % (1 << 32) >> 16
    held = mixed % HELD_OUT_EVERY == 0
    return number[~held], number[held]


def draw(generator: np.random.Generator, count: int, *, held_out: bool = False) -> Dates:
    """So many dates, evenly drawn, each in a style evenly drawn; ``held_out`` draws from those never trained on."""
    days = _days()[int(held_out)]
    chosen, styles = days[generator.integers(0, len(days), count)], generator.integers(0, STYLES, count)
    dates = [FIRST + datetime.timedelta(int(day)) for day in chosen]
    sources = tuple(written(date, int(style)) for date, style in zip(dates, styles, strict=True))
    lengths = np.array([len(source) for source in sources])
    read = np.zeros((lengths.max(), count), np.int64)
    for column, source in enumerate(sources):
        read[: len(source), column] = ids(source, READ)
    return Dates(sources, read, lengths, np.array([ids(translated(date), WRITTEN) for date in dates]).T, styles)


def ids(text: str, symbols: str) -> list[int]:
    """Letters' places among the symbols."""
    return [symbols.index(letter) for letter in text]

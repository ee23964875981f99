"""The text of a page of the lecture: a Markdown file under ``assets/lecture``, cut at its headings.

::

    # Title
    The claim, with its formula.
    ## Question
    What will happen?
    - some_name: an answer
    - other_name: another answer
    ## What happened
    With {numbers} in braces, which the experiment fills in.
    ## Try this
    What breaks the claim.

Numbers never stand in the text: they are measured, see ``Measured.numbers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "assets" / "lecture"
_ANSWER = re.compile(r"- ([a-z][a-z_0-9]*): (.+)")
_NUMBER = re.compile(r"\{([a-z][a-z_0-9]*)\}")
PARTS = ("Question", "What happened", "Try this")


@dataclass(frozen=True)
class Text:
    """A page's text, in Markdown.

    Attributes:
        answers: to the question, by name, in the order in which they are offered.
        happened: with the names of numbers in braces.
    """

    title: str
    claim: str
    question: str
    answers: dict[str, str]
    happened: str
    try_this: str

    def told(self, numbers: Mapping[str, str]) -> str:
        """What happened, with the numbers in their places. Braces of formulas stay, as only names are replaced."""
        return _NUMBER.sub(lambda found: numbers.get(found[1], found[0]), self.happened)

    @property
    def wanted(self) -> set[str]:
        """The names of numbers that the text has a place for."""
        return set(_NUMBER.findall(self.happened))


@lru_cache(maxsize=64)
def read(name: str) -> Text:
    """The text of a page.

    Raises:
        ValueError: it lacks one of its parts.
    """
    path = FOLDER / f"{name}.md"
    head, *parts = re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)
    first, _, claim = head.partition("\n")
    sections = {title.strip(): body.strip() for title, _, body in (part.partition("\n") for part in parts)}
    if not first.startswith("# ") or tuple(sections) != PARTS:
        raise ValueError(f"{path.name} must have a title and the parts {', '.join(PARTS)}, got {', '.join(sections)}")
    lines = sections["Question"].splitlines()
    answers = {found[1]: found[2] for line in lines if (found := _ANSWER.fullmatch(line))}
    question = "\n".join(line for line in lines if not _ANSWER.fullmatch(line)).strip()
    if not 2 <= len(answers) <= 4:
        raise ValueError(f"{path.name} must offer two to four answers, got {len(answers)}")
    return Text(first[2:].strip(), claim.strip(), question, answers, sections["What happened"], sections["Try this"])

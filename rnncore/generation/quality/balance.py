"""Whether what is opened in a sample is closed: brackets, quotes, LaTeX environments.

A sample begins and ends in the middle of something, so even real text does not reach 1 everywhere: each measure is
to be read beside its level on pieces of real text that are cut the same way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

PARTNERS = {"(": ")", "[": "]", "{": "}", "“": "”", "«": "»", "‹": "›"}
_CLOSING = {closing: opening for opening, closing in PARTNERS.items()}
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}\n]*)\}")
_TRIPLE = re.compile(r'"{3}|\'{3}|\\"')


def brackets(sample: str) -> float:
    """The share of brackets (and of quotes that have two forms) with a partner; nan where there is none.

    Neighbours that are partners cancel, with whatever else is written between them, until none is left: ``(a[b])``
    cancels, in ``([)]`` nothing does. What cancels has a partner.
    """
    open_: list[str] = []
    count = 0
    for mark in (character for character in sample if character in PARTNERS or character in _CLOSING):
        count += 1
        if open_ and open_[-1] == _CLOSING.get(mark):
            open_.pop()
        else:
            open_.append(mark)
    return 1 - len(open_) / count if count else math.nan


def quotes(sample: str) -> float:
    """The share of lines with straight double quotes, or TeX's, in which they come in pairs.

    The first and the last line may be cut and don't count; nor do triple quotes and those behind a backslash. Single
    straight quotes are mostly apostrophes and are left alone. nan where no line is left.
    """
    lines = [_TRIPLE.sub("", line) for line in sample.split("\n")[1:-1]]
    found = [line for line in lines if '"' in line or "``" in line or "''" in line]
    return sum(map(_paired, found)) / len(found) if found else math.nan


def _paired(line: str) -> bool:
    return line.count('"') % 2 == 0 and line.count("``") == line.count("''")


def environments(sample: str) -> float:
    r"""The share of ``\end`` that name the environment which is open; nan where none meets an open one.

    An ``\end`` with nothing open before it may close what stands before the sample, and a ``\begin`` that is never
    closed may be closed behind it: they are not judged. An ``\end`` of the wrong name closes what is open.
    """
    return _nested((match[1] == "begin", match[2]) for match in _ENVIRONMENT.finditer(sample))


def _nested(commands: Iterable[tuple[bool, str]]) -> float:
    open_: list[str] = []
    right = judged = 0
    for begins, name in commands:
        if begins:
            open_.append(name)
        elif open_:
            judged += 1
            right += open_.pop() == name
    return right / judged if judged else math.nan

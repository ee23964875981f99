"""Whether a sample of Python source parses, although it begins and ends in the middle of something."""

from __future__ import annotations

import ast
import math
import warnings

MOST_DROPPED = 4
"""Lines that may be left out at either end: they may belong to a string or a bracket that the cut left half."""


def parses(sample: str) -> float:
    """1 where a sample of Python parses, 0 where it does not, nan where there is nothing to parse.

    What the cut is to blame for is forgiven. The first and the last line, mostly parts of one, don't count, nor do
    lines without code. Blocks that the first lines stand in are opened before them. And at the ends up to four lines
    each, but no more than half of all together, may be left out: a statement that goes on behind the end, or began
    before the start, does not count against the sample. What is left must be without a single error. Names, numbers
    and strings alone are nothing to parse: almost any single word is a name.
    """
    lines = [line for line in sample.split("\n")[1:-1] if line.strip() and not line.lstrip().startswith("#")]
    tree = _parsed(lines)
    if tree is not None:
        return 1.0 if _says_something(tree) else math.nan
    trees = (_parsed(lines[start:end]) for start, end in _stretches(len(lines)))
    return float(any(tree is not None and _says_something(tree) for tree in trees))


def _stretches(count: int) -> list[tuple[int, int]]:
    """First and last of so many lines where some are left out, the longest stretches first."""
    most = range(MOST_DROPPED + 1)
    found = [(start, count - end) for start in most for end in most if 0 < start + end <= count // 2]
    return sorted(found, key=lambda one: one[0] - one[1])


def _parsed(lines: list[str]) -> ast.Module | None:
    source = "\n".join([*_headers(lines), *lines, ""])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes and comparisons that look odd: no errors
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return None


def _headers(lines: list[str]) -> list[str]:
    """Openings of the blocks that lines stand in which begin deeper than they go on, the outermost first."""
    levels: list[tuple[str, str]] = []  # ever smaller indentations, and the line that comes back to each
    for line in [*lines, "pass"]:
        body = line.lstrip(" \t")
        indentation = line[: len(line) - len(body)]
        if not levels or len(indentation) < len(levels[-1][0]):
            levels.append((indentation, body))
    return [
        indentation + ("try:" if body.startswith(("except", "finally")) else "if 1:")
        for indentation, body in reversed(levels[1:])
    ]


def _says_something(tree: ast.Module) -> bool:
    """Whether any statement is more than a block that may have been opened for it, a name, a number or a string."""
    return any(isinstance(node, ast.stmt) and not _says_nothing(node) for node in ast.walk(tree))


def _says_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Name() | ast.Constant()) | ast.If(test=ast.Constant()) | ast.Try():
            return True
    return False

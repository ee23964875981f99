"""Formulas that a reader writes, a line each: ``h1 = tanh(w*x1)``. Parsed into terms of known operations, never run.

Python's own parser reads the line; what is not a number, a name, an operation or a function of the table is refused
with a sentence that says so.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

MOST_NODES = 30
MOST_CHARACTERS = 200
"""Of a line."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,9}")
_SIGNS = str.maketrans({"−": "-", "×": "*", "·": "*"})
T = TypeVar("T")
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """What can be done with numbers.

    Attributes:
        value: of its arguments.
        slopes: from the arguments and the value, the derivative by each argument.
    """

    value: Callable[..., Any]
    slopes: Callable[..., tuple[Any, ...]]


def _power_slopes(a: Any, b: Any, v: Any) -> tuple[Any, Any]:
    return (0.0 if b == 0 else b * a ** (b - 1)), (0.0 if a == 0 and b >= 0 else v * np.log(a))


OPERATIONS: dict[str, Operation] = {
    "+": Operation(lambda a, b: a + b, lambda a, b, v: (1.0, 1.0)),
    "-": Operation(lambda a, b: a - b, lambda a, b, v: (1.0, -1.0)),
    "*": Operation(lambda a, b: a * b, lambda a, b, v: (b, a)),
    "/": Operation(lambda a, b: a / b, lambda a, b, v: (1 / b, -a / b**2)),
    "**": Operation(lambda a, b: a**b, _power_slopes),
    "minus": Operation(lambda a: -a, lambda a, v: (-1.0,)),
    "tanh": Operation(np.tanh, lambda a, v: (1 - v**2,)),
    "sigmoid": Operation(lambda a: 1 / (1 + np.exp(-a)), lambda a, v: (v * (1 - v),)),
    "relu": Operation(lambda a: np.maximum(a, 0.0), lambda a, v: (np.float64(a > 0),)),
    "exp": Operation(np.exp, lambda a, v: (v,)),
    "log": Operation(np.log, lambda a, v: (1 / a,)),
    "sqrt": Operation(np.sqrt, lambda a, v: (0.5 / v,)),
    "sin": Operation(np.sin, lambda a, v: (np.cos(a),)),
    "cos": Operation(np.cos, lambda a, v: (-np.sin(a),)),
}
FUNCTIONS = tuple(name for name in OPERATIONS if len(name) > 2 and name != "minus")
_BINARY: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_MAY = f"may use + - * / **, brackets, numbers, names of lines above, and {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class Term:
    """A number, a name, or an operation with its arguments."""

    operation: str = ""
    arguments: tuple[Term, ...] = ()
    name: str = ""
    number: float = 0.0

    def names(self) -> Iterator[str]:
        """Of all that it uses, in order of appearance, each as often as it appears."""
        if self.name:
            yield self.name
        for argument in self.arguments:
            yield from argument.names()


@dataclass(frozen=True)
class Node:
    """A line: what it is called, how it is computed, and from which other lines."""

    name: str
    formula: str
    term: Term

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the nodes that it uses, each once."""
        return tuple(dict.fromkeys(self.term.names()))


def parse(text: str) -> tuple[Node, ...]:
    """Nodes in the order of their lines; empty lines and what follows a # are left out.

    Raises:
        ValueError: a line is no formula of what stands above it; the message says which line, and what to write.
    """
    nodes: dict[str, Node] = {}
    for number, line in enumerate(text.translate(_SIGNS).splitlines(), 1):
        written = line.split("#")[0].strip()
        if not written:
            continue
        node = _node(f"line {number}", written)
        if node.name in nodes:
            raise ValueError(f"line {number} gives {node.name} a second time; give each line a name of its own")
        for name in node.inputs:
            if name not in nodes:
                raise ValueError(
                    f"line {number} uses {name}, which no line above it gives; write e.g. {name} = 0.5 first"
                )
        nodes[node.name] = node
    if not 1 <= len(nodes) <= MOST_NODES:
        raise ValueError(f"the graph must have between 1 and {MOST_NODES} lines, got {len(nodes)}; write e.g. x = 0.5")
    return tuple(nodes.values())


def _node(where: str, written: str) -> Node:
    name, equals, formula = (part.strip() for part in written.partition("="))
    if not equals or not formula:
        raise ValueError(f"{where} must be a name, = and a formula, got {_cut(written)!r}; write e.g. h1 = tanh(w*x1)")
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in FUNCTIONS:
        raise ValueError(
            f"{where} must begin with a name of up to 10 letters and digits that is no function, got {_cut(name)!r}; "
            "write e.g. h1 = tanh(w*x1)"
        )
    if len(formula) > MOST_CHARACTERS:
        raise ValueError(f"{where} must have at most {MOST_CHARACTERS} characters; break it into two lines")
    try:
        tree = ast.parse(formula, mode="eval").body
        return Node(name, formula, _term(tree, where))
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(
            f"{where} is no formula: {_cut(formula)!r}; check its brackets and signs, and write a product as w*x"
        ) from None


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _term(tree: ast.expr, where: str) -> Term:
    match tree:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Term(number=float(number))
        case ast.Name(id=name) if name in FUNCTIONS:
            raise ValueError(f"{where} uses {name} without brackets; write {name}(x)")
        case ast.Name(id=name):
            return Term(name=name)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return Term(_BINARY[type(sign)], (_term(left, where), _term(right, where)))
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError(f"{where} uses ^; write ** for a power")
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _term(operand, where)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Term("minus", (_term(operand, where),))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return Term(name, (_term(argument, where),))
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            raise ValueError(f"{where} must give {name} one number; write {name}(x)")
        case ast.Call(func=ast.Name(id=name)):
            raise ValueError(
                f"{where} uses a function {_cut(name)}; use one of {', '.join(FUNCTIONS)}, or * for a product"
            )
    raise ValueError(f"{where} {_MAY}, got {_cut(ast.unparse(tree))!r}; leave that out")


def evaluate(
    term: Term, values: Mapping[str, T], operations: Mapping[str, Callable[..., T]], number: Callable[[float], T]
) -> T:
    """The value of a term, in whatever numbers the operations work on."""
    if term.operation:
        return operations[term.operation](*(evaluate(one, values, operations, number) for one in term.arguments))
    return values[term.name] if term.name else number(term.number)


def local(term: Term, values: Values) -> tuple[Any, dict[str, Any]]:
    """The value of a term, and its derivative by each name that it uses: the chain rule within one line."""
    if term.name:
        return values[term.name], {term.name: np.float64(1.0)}
    if not term.operation:
        return np.float64(term.number), {}
    operation = OPERATIONS[term.operation]
    inner = [local(one, values) for one in term.arguments]
    arguments = [value for value, _ in inner]
    value = operation.value(*arguments)
    slopes: dict[str, Any] = {}
    for slope, (_, parts) in zip(operation.slopes(*arguments, value), inner, strict=True):
        for name, part in parts.items():
            slopes[name] = slopes.get(name, 0.0) + slope * part
    return value, slopes

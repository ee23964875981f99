"""What all sections have in common: refusals in sentences that name parameter, value received and remedy."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from rnncore.errors import ConfigError

LEAVES: dict[str, str] = {}
"""Leaf name -> section ('' for the top level); of all kinds of tasks. Filled by ``run.py``."""


class Section(BaseModel):
    """A frozen group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ConfigError(*explain(error, type(self))) from None


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    remedy: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    max_length: int | None = None,
) -> Any:
    """A field with its description, unit, range and remedy."""
    extra: dict[str, Any] = {"unit": unit, "remedy": remedy}
    return Field(
        default, description=description, json_schema_extra=extra, ge=ge, gt=gt, le=le, lt=lt,
        max_length=max_length,
    )  # fmt: skip


def json_object(text: str | bytes, what: str) -> dict[str, Any]:
    """The JSON object in ``text``; raises ConfigError, which calls it ``what``, for anything else."""
    try:
        document = json.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {what} is not JSON ({error}); export one to see the form") from None
    if not isinstance(document, dict):
        raise ConfigError(
            f"the {what} must be a JSON object, got {type(document).__name__}; export one to see the form"
        )
    return document


def known(document: dict[str, Any], owner: type[BaseModel]) -> dict[str, Any]:
    """``document`` without what is no setting (any more), for documents that another version wrote."""
    kept = {}
    for name, value in document.items():
        if (field := owner.model_fields.get(name)) is None:
            continue
        if isinstance(value, dict):
            kinds = list(sections_in(field))
            named = [kind for kind in kinds if "kind" in value and _kind_of(kind) == value["kind"]]
            value = known(value, (named or kinds)[0]) if kinds else value
        kept[name] = value
    return kept


def _kind_of(section: type[Section]) -> Any:
    field = section.model_fields.get("kind")
    return None if field is None else field.default


def explain(error: ValidationError, owner: type[BaseModel]) -> list[str]:
    """One sentence for each problem: the parameter, the value received, and the remedy."""
    sentences: list[str] = []
    seen: set[str] = set()
    for problem in error.errors():
        leaf = next((str(part) for part in reversed(problem["loc"]) if part in _all_leaves(owner)), "")
        if leaf in seen and leaf:  # a union reports each of its branches; one sentence is enough
            continue
        seen.add(leaf)
        sentences.append(_sentence(problem, leaf, owner))
    return sentences


def _all_leaves(owner: type[BaseModel]) -> dict[str, FieldInfo]:
    found = dict(owner.model_fields)
    for field in owner.model_fields.values():
        for kind in sections_in(field):
            found = kind.model_fields | found
    return found


def sections_in(field: FieldInfo) -> Iterator[type[Section]]:
    """The sections that a field may hold: one, or one of several kinds."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            yield kind


_RANGES = {
    "greater_than": "> {gt:,.10g}",
    "greater_than_equal": ">= {ge:,.10g}",
    "less_than": "< {lt:,.10g}",
    "less_than_equal": "<= {le:,.10g}",
}


def _sentence(problem: Any, leaf: str, owner: type[BaseModel]) -> str:
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "value_error":  # a validator of ours: already a sentence
        return str(context["error"])
    if kind == "extra_forbidden":
        name = str(problem["loc"][-1])
        return f"{name} is not a setting, got {_shown(value)}; {did_you_mean(name)}"
    field = _all_leaves(owner).get(leaf)
    extra = field.json_schema_extra if field is not None and isinstance(field.json_schema_extra, dict) else {}
    remedy = str(extra.get("remedy") or "")
    if kind in _RANGES:
        must = "be " + _RANGES[kind].format(**context)
        remedy = remedy or _range_remedy(field)
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        must, value = "be one of " + context.get("expected_tags", "the tasks"), context.get("tag", value)
    elif kind == "literal_error":
        must = f"be one of {context['expected']}"
    elif kind == "string_too_long":
        must = f"have at most {context['max_length']} characters"
        remedy = remedy or "shorten it"
        value = f"{len(value)} characters"
        return f"{leaf} must {must}, got {value}; {remedy}"
    elif kind == "finite_number":
        must, remedy = "be a finite number", remedy or "use an ordinary number"
    elif kind.startswith(("int", "float")):
        noun = "a whole number" if kind.startswith("int") else "a number"
        must, remedy = f"be {noun}", remedy or _range_remedy(field)
    elif kind.startswith("bool"):
        must, remedy = "be true or false", "write true or false"
    else:
        must, remedy = f"be a valid {leaf or 'setting'}", remedy or problem["msg"]
    return f"{leaf or '.'.join(map(str, problem['loc']))} must {must}, got {_shown(value)}" + (
        f"; {remedy}" if remedy else ""
    )


def _range_remedy(field: FieldInfo | None) -> str:
    if field is None:
        return ""
    low, high = range_of(field)
    if low is not None and high is not None:
        return f"use a value between {low:,.10g} and {high:,.10g}"
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def did_you_mean(key: str) -> str:
    """The setting of the nearest name, else all of them."""
    near = difflib.get_close_matches(key, LEAVES, n=1)
    return f"did you mean {near[0]}?" if near else f"the settings are {', '.join(LEAVES)}"


def range_of(field: FieldInfo) -> tuple[float | None, float | None]:
    """The smallest and largest value of a number (inclusive or not), None where open."""
    low = high = None
    for rule in field.metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    return low, high

"""What a run is: one frozen, validated value that URL, form, command line and database all speak.

Every field has a unit or a range, and every refusal is a sentence that names the parameter, the value
received and the remedy. Field names are PyTorch's where it has one, and are unique over all sections, so
that ``lr=0.01`` in an address bar or on a command line needs no prefix.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from rnncore.errors import ConfigError

CellName = Literal["rnn_tanh", "rnn_relu", "lstm", "gru"]
OptimizerName = Literal["adam", "adamw", "sgd", "rmsprop"]
RecurrentInit = Literal["default", "orthogonal", "identity"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ConfigError(*explain(error, type(self))) from None


def _field(
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
    extra: dict[str, Any] = {"unit": unit, "remedy": remedy}
    return Field(
        default, description=description, json_schema_extra=extra, ge=ge, gt=gt, le=le, lt=lt,
        max_length=max_length,
    )  # fmt: skip


class TextTask(_Section):
    """Predict the next character of a text."""

    kind: Literal["text"] = "text"
    corpus: str = _field(
        "python-stdlib",
        "The text to learn: a corpus name, or upload:<digest>",
        max_length=100,
        remedy="choose a corpus from the list or upload a text",
    )
    sequence_length: int = _field(
        64, "Characters per window, T: how far the gradient travels", unit="characters", ge=1, le=1000
    )
    stateful: bool = _field(
        True, "Carry the hidden state from one window to the next (truncated backpropagation through time)"
    )
    validation_fraction: float = _field(
        0.1, "Last part of the text, kept for validation", ge=0.01, le=0.5, unit="share of the text"
    )


class Model(_Section):
    """A stack of recurrent layers between an embedding and a linear readout."""

    cell: CellName = Field(
        "lstm",
        description="Recurrent cell",
        json_schema_extra={"unit": "", "remedy": "choose one of rnn_tanh, rnn_relu, lstm, gru"},
    )
    hidden_size: int = _field(128, "Units per layer, H", unit="units", ge=1, le=4096)
    num_layers: int = _field(1, "Recurrent layers, L", unit="layers", ge=1, le=4)
    embedding_size: int = _field(64, "Size of a character's vector, D", unit="units", ge=1, le=1024)
    dropout: float = _field(0.0, "Share of each layer's outputs set to zero while training", ge=0, lt=1, unit="share")
    recurrent: RecurrentInit = Field(
        "default",
        description="Initial recurrent weights",
        json_schema_extra={"unit": "", "remedy": "choose one of default, orthogonal, identity"},
    )
    recurrent_gain: float = _field(1.0, "Factor on the initial recurrent weights", ge=0, le=10, unit="times")
    gate_bias: Annotated[Literal["default", "chrono"] | float, Field(union_mode="left_to_right")] = _field(
        "default",
        "LSTM forget-gate (GRU update-gate) bias at the start: a value, chrono, or default",
        remedy="use a number between -10 and 10, 'chrono' or 'default'",
    )
    t_max: int | None = _field(
        None,
        "Longest dependency that chrono initialisation aims at; empty for the sequence length",
        unit="characters",
        ge=3,
        le=100_000,
    )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """What each layer is called, in the records' order."""
        return tuple(f"layer {number + 1}" for number in range(self.num_layers))

    def cell_of(self, layer: int) -> str:
        """The cell of a layer, counted from 0."""
        return self.cell

    @model_validator(mode="after")
    def _gates_need_a_gated_cell(self) -> Self:
        if self.gate_bias != "default" and self.cell.startswith("rnn"):
            raise ValueError(
                f"gate_bias needs a cell with gates, got cell {self.cell!r}; "
                "use lstm or gru, or set gate_bias to 'default'"
            )
        if isinstance(self.gate_bias, float) and not -10 <= self.gate_bias <= 10:
            raise ValueError(
                f"gate_bias must be between -10 and 10, got {self.gate_bias:g}; "
                "use a number in that range, 'chrono' or 'default'"
            )
        return self


class Training(_Section):
    """How the weights are changed."""

    batch_size: int = _field(32, "Sequences per step, B", unit="sequences", ge=1, le=1024)
    steps: int = _field(5000, "Training steps until the run is finished", unit="steps", ge=1, le=10_000_000)
    optimizer: OptimizerName = Field(
        "adam",
        description="Optimiser",
        json_schema_extra={"unit": "", "remedy": "choose one of adam, adamw, sgd, rmsprop"},
    )
    lr: float = _field(3e-3, "Learning rate", ge=0, le=100)
    momentum: float = _field(0.9, "Momentum of SGD and RMSprop", ge=0, lt=1)
    weight_decay: float = _field(0.0, "Weight decay", ge=0, le=10)
    clip_norm: float | None = _field(
        1.0,
        "Largest global gradient norm; longer gradients are shortened to it",
        gt=0,
        le=1e6,
        remedy="use None to switch clipping off",
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="Where to train",
        json_schema_extra={"unit": "", "remedy": "choose one of cpu, cuda, auto"},
    )


class Watch(_Section):
    """What is measured while it trains, and what that may cost."""

    budget: float = _field(
        0.03, "Share of the run's time that measuring may take", ge=0, le=0.5, unit="share of the time"
    )
    probe_sequences: int = _field(8, "Sequences of the batch that a probe opens", ge=1, le=64, unit="sequences")
    primer: str = _field("", "Text that a sample starts from; empty for a piece of the validation text", max_length=500)
    sample_length: int = _field(300, "Characters per sample", ge=1, le=5000, unit="characters")
    temperature: float = _field(0.8, "Sampling temperature; 0 always takes the likeliest character", ge=0, le=100)


class RunConfig(_Section):
    """Everything that decides a run. Equal configurations give bit-identical weights.

    >>> RunConfig.of(cell="gru", hidden_size=64).model.hidden_size
    64
    """

    SECTIONS: ClassVar[tuple[str, ...]] = ("task", "model", "training", "watch")

    name: str = _field("", "A name to recognise the run by", max_length=80)
    seed: int = _field(1, "Seed of everything random in the run", ge=0, le=2**31 - 1)
    task: TextTask = TextTask()
    model: Model = Model()
    training: Training = Training()
    watch: Watch = Watch()

    @classmethod
    def of(cls, **values: Any) -> RunConfig:
        """A configuration from leaf names alone (``lr=0.01``); what is not named keeps its default.

        Raises:
            ConfigError: a name is unknown or a value out of its range.
        """
        return cls.from_flat(values)

    @classmethod
    def from_flat(cls, values: Mapping[str, Any], base: RunConfig | None = None) -> RunConfig:
        """Build from ``{leaf name: value}``; values may be strings, as in a URL or on a command line."""
        document = (base or cls()).model_dump()
        problems = []
        for key, value in values.items():
            section = LEAVES.get(key)
            if section is None:
                problems.append(f"{key} is not a setting, got {value!r}; {_did_you_mean(key)}")
                continue
            target = document if section == "" else document[section]
            target[key] = _from_text(value) if isinstance(value, str) else value
        if problems:
            raise ConfigError(*problems)
        return cls(**document)

    def to_flat(self, *, all_fields: bool = False) -> dict[str, str]:
        """``{leaf name: text}`` of what differs from the defaults; ``from_flat`` reads it back."""
        default = RunConfig()
        flat = {}
        for key in LEAVES:
            value = self[key]
            if all_fields or value != default[key]:
                flat[key] = "off" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return flat

    def __getitem__(self, leaf: str) -> Any:
        section = LEAVES[leaf]
        return getattr(self if section == "" else getattr(self, section), leaf)

    def changed(self, **values: Any) -> RunConfig:
        """A copy with some leaves changed, validated anew."""
        return type(self).from_flat(values, base=self)

    def to_json(self) -> str:
        """JSON that ``from_json`` reads back, keys in a fixed order."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> RunConfig:
        """Read a configuration; raises ConfigError for anything that is not one."""
        try:
            document = json.loads(text)
        except (ValueError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"the configuration is not JSON ({error}); export one from a run to see the form"
            ) from None
        if not isinstance(document, dict):
            raise ConfigError(
                f"the configuration must be a JSON object, got {type(document).__name__}; "
                "export one from a run to see the form"
            )
        return cls(**document)

    @property
    def label(self) -> str:
        """A short name for legends: the given name, else what the run is made of."""
        if self.name:
            return self.name
        layers = f" ×{self.model.num_layers}" if self.model.num_layers > 1 else ""
        return f"{CELL_LABELS[self.model.cell]}{layers} · {self.model.hidden_size}"


CELL_LABELS: dict[str, str] = {"rnn_tanh": "RNN", "rnn_relu": "ReLU RNN", "lstm": "LSTM", "gru": "GRU"}


def _leaves() -> dict[str, str]:
    leaves: dict[str, str] = {}
    for name, field in RunConfig.model_fields.items():
        kind = field.annotation
        if name in RunConfig.SECTIONS and isinstance(kind, type) and issubclass(kind, BaseModel):
            leaves.update({leaf: name for leaf in kind.model_fields if leaf != "kind"})
        else:
            leaves[name] = ""
    return leaves


def _from_text(value: str) -> Any:
    """Undo ``to_flat``: 'off' and 'none' stand for None; pydantic reads numbers and booleans itself."""
    return None if value.strip().lower() in ("off", "none", "null") else value


def _did_you_mean(key: str) -> str:
    near = difflib.get_close_matches(key, LEAVES, n=1)
    return f"did you mean {near[0]}?" if near else f"the settings are {', '.join(LEAVES)}"


def field_of(leaf: str) -> FieldInfo:
    """The pydantic field of a leaf: its description, default and range (see ``bounds``)."""
    section = LEAVES[leaf]
    owner: Any = RunConfig if section == "" else RunConfig.model_fields[section].annotation
    return owner.model_fields[leaf]


def unit_of(leaf: str) -> str:
    """The unit of a leaf, '' where it has none."""
    return str((field_of(leaf).json_schema_extra or {}).get("unit", ""))  # type: ignore[union-attr]


def bounds(leaf: str) -> tuple[float | None, float | None]:
    """The smallest and largest value of a numeric leaf (inclusive or not), None where open."""
    return _bounds(field_of(leaf))


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for rule in field.metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    return low, high


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
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found.update(kind.model_fields)
    return found


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
        return f"{name} is not a setting, got {_shown(value)}; {_did_you_mean(name)}"
    field = _all_leaves(owner).get(leaf)
    extra = field.json_schema_extra if field is not None and isinstance(field.json_schema_extra, dict) else {}
    remedy = str(extra.get("remedy") or "")
    if kind in _RANGES:
        must = "be " + _RANGES[kind].format(**context)
        remedy = remedy or _range_remedy(field)
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
    low, high = _bounds(field)
    if low is not None and high is not None:
        return f"use a value between {low:,.10g} and {high:,.10g}"
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


LEAVES: dict[str, str] = _leaves()
"""Leaf name -> section ('' for the top level)."""

CELLS: tuple[str, ...] = get_args(CellName)

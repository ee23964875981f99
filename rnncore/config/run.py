"""What a run is: one frozen, validated value that URL, form, command line and database all speak.

Every field has a unit or a range, and every refusal is a sentence that names the parameter, the value
received and the remedy. Field names are PyTorch's where it has one, and are unique over all sections, so
that ``lr=0.01`` in an address bar or on a command line needs no prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import field_validator, model_validator
from pydantic.fields import FieldInfo

from rnncore.config.model import CELL_LABELS, Model
from rnncore.config.scheduled_sampling import ScheduledSampling
from rnncore.config.sections import LEAVES, Section, did_you_mean, json_object, known, range_of, sections_in, setting
from rnncore.config.tasks import Task, TextTask
from rnncore.config.training import Training, Watch
from rnncore.errors import ConfigError

WITH_PICTURES_ALONE = ("image", "motion", "frames", "video")
"""Tasks that read one picture at each step, and nothing else."""


class RunConfig(Section):
    """Everything that decides a run. Equal configurations give bit-identical weights.

    >>> RunConfig.of(cell="gru", hidden_size=64).model.hidden_size
    64
    """

    SECTIONS: ClassVar[tuple[str, ...]] = ("task", "model", "training", "scheduled_sampling", "watch")

    name: str = setting("", "A name to recognise the run by", max_length=80)
    seed: int = setting(1, "Seed of everything random in the run", ge=0, le=2**31 - 1)
    task: Task = TextTask()
    model: Model = Model()
    training: Training = Training()
    scheduled_sampling: ScheduledSampling = ScheduledSampling()
    watch: Watch = Watch()

    @classmethod
    def of(cls, **values: Any) -> RunConfig:
        """A configuration from leaf names alone (``lr=0.01``); what is not named keeps its default.

        Raises:
            ConfigError: a name is unknown or a value out of its range.
        """
        return cls.from_flat(values)

    @field_validator("task", mode="before")
    @classmethod
    def _text_is_the_usual_task(cls, value: Any) -> Any:
        return {"kind": "text"} | value if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _only_outputs_that_are_inputs_feed_back(self) -> Self:
        if not (self.task.feeds_back or self.scheduled_sampling.teacher_forcing):
            raise ValueError(
                f"epsilon must be 1 for task {self.task.kind!r}, got {self.scheduled_sampling.label or 'a schedule'}; "
                "what it answers is never its next input: use schedule constant with epsilon 1"
            )
        return self

    @model_validator(mode="after")
    def _the_network_fits_the_task(self) -> Self:
        kind, model = self.task.kind, self.model
        if not hasattr(self.task, "picture"):
            for leaf, value, usual in (("cell", model.cell, "conv_lstm"), ("encoder", model.encoder, "convolution")):
                if value == usual:
                    raise ValueError(
                        f"{leaf} must be another one for task {kind!r}, got {value!r}; it reads pictures, and this "
                        "task has none"
                    )
        if model.cell == "conv_lstm" and kind not in WITH_PICTURES_ALONE:
            raise ValueError(
                f"cell must be another one for task {kind!r}, got 'conv_lstm'; it needs a picture, and nothing else, "
                f"at each step: use task {' or '.join(WITH_PICTURES_ALONE)}, or encoder convolution with another cell"
            )
        if model.bidirectional and (self.task.feeds_back or self.task.stateful):
            raise ValueError(
                f"bidirectional must be false for task {kind!r}, got true; what it is to answer is what it reads next, "
                "and a reverse direction would see it"
            )
        return self

    @classmethod
    def from_flat(cls, values: Mapping[str, Any], base: RunConfig | None = None) -> RunConfig:
        """Build from ``{leaf name: value}``; values may be strings, as in a URL or on a command line.

        ``task`` is the kind of task; another kind than the base's starts from that kind's defaults.
        """
        document = (base or cls()).model_dump()
        kind = values.get("task", document["task"]["kind"])
        if kind != document["task"]["kind"]:
            document["task"] = {"kind": kind}
        problems = []
        for key, value in values.items():
            section = LEAVES.get(key)
            if section is None:
                problems.append(f"{key} is not a setting, got {value!r}; {did_you_mean(key)}")
            elif section == "task" and isinstance(kind, str) and key not in _TASKS.get(kind, {key}):
                problems.append(f"{key} is not a setting of task {kind!r}, got {value!r}; leave it out")
            elif key != "task":
                target = document if section == "" else document[section]
                target[key] = _from_text(value) if isinstance(value, str) else value
        if problems:
            raise ConfigError(*problems)
        return cls(**document)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The settings that there are with this kind of task."""
        return tuple(leaf for leaf, section in LEAVES.items() if section != "task" or leaf in _TASKS[self.task.kind])

    @property
    def corpus(self) -> str | None:
        """The text that is learned; None where the task is none of reading."""
        return self.task.corpus if isinstance(self.task, TextTask) else None

    def to_flat(self, *, all_fields: bool = False) -> dict[str, str]:
        """``{leaf name: text}`` of what differs from the defaults; ``from_flat`` reads it back."""
        default, flat = RunConfig.of(task=self.task.kind), {}
        for key in self.leaves:
            value = self[key]
            if all_fields or value != default[key] or (key == "task" and value != "text"):
                flat[key] = "off" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return flat

    def __getitem__(self, leaf: str) -> Any:
        section = LEAVES[leaf]
        return getattr(self if section == "" else getattr(self, section), "kind" if leaf == "task" else leaf)

    def changed(self, **values: Any) -> RunConfig:
        """A copy with some leaves changed, validated anew."""
        return type(self).from_flat(values, base=self)

    def to_json(self) -> str:
        """JSON that ``from_json`` reads back, keys in a fixed order."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> RunConfig:
        """Read a configuration; raises ConfigError for anything that is not one."""
        return cls(**json_object(text, "configuration"))

    @classmethod
    def from_store(cls, text: str) -> RunConfig:
        """Read the configuration of a run that any version trained; what is no setting any more is left out."""
        return cls(**known(json_object(text, "configuration"), cls))

    @property
    def label(self) -> str:
        """A short name for legends: the given name, else what the run is made of."""
        if self.name:
            return self.name
        layers = f" ×{self.model.num_layers}" if self.model.num_layers > 1 else ""
        fed = f" · {self.scheduled_sampling.label}" if self.scheduled_sampling.label else ""
        return f"{CELL_LABELS[self.model.cell]}{layers} · {self.model.hidden_size}{self.model.wiring}{fed}"


def _from_text(value: str) -> Any:
    """Undo ``to_flat``: 'off' and 'none' stand for None; pydantic reads numbers and booleans itself."""
    return None if value.strip().lower() in ("off", "none", "null") else value


_TASKS: dict[str, dict[str, FieldInfo]] = {
    kind.model_fields["kind"].default: {
        "task" if name == "kind" else name: field for name, field in kind.model_fields.items()
    }
    for kind in sections_in(RunConfig.model_fields["task"])
}
"""Kind of task -> its settings."""

TASKS = tuple(_TASKS)
"""The kinds of tasks."""


def _fields() -> dict[str, tuple[str, FieldInfo]]:
    """Leaf name -> section and field, in the order of a form; of a leaf that several tasks have, the first one."""
    fields: dict[str, tuple[str, FieldInfo]] = {}
    for name, field in RunConfig.model_fields.items():
        if name == "task":
            fields["task"] = ("task", field)
            for settings in _TASKS.values():
                fields |= {leaf: ("task", own) for leaf, own in settings.items() if leaf not in fields}
        elif name in RunConfig.SECTIONS:
            for section in sections_in(field):
                fields |= {leaf: (name, own) for leaf, own in section.model_fields.items()}
        else:
            fields[name] = ("", field)
    return fields


_FIELDS = _fields()
LEAVES.update({leaf: section for leaf, (section, _) in _FIELDS.items()})


def field_of(leaf: str, task: str | None = None) -> FieldInfo:
    """The pydantic field of a leaf: its description, default and range (see ``bounds``).

    ``task`` tells which one is meant where several kinds of tasks have a setting of that name; the first by default.
    """
    return _TASKS.get(task or "", {}).get(leaf) or _FIELDS[leaf][1]


def unit_of(leaf: str, task: str | None = None) -> str:
    """The unit of a leaf, '' where it has none."""
    return str((field_of(leaf, task).json_schema_extra or {}).get("unit", ""))  # type: ignore[union-attr]


def bounds(leaf: str, task: str | None = None) -> tuple[float | None, float | None]:
    """The smallest and largest value of a numeric leaf (inclusive or not), None where open."""
    return range_of(field_of(leaf, task))

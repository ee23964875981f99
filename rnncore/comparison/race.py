"""What a race is: one frozen, validated document that form, address bar, command line and store all speak."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from rnncore.config import CELL_LABELS, LEAVES, RunConfig
from rnncore.config.sections import Section, did_you_mean, json_object, known
from rnncore.cost import TYPICAL_VOCABULARY, estimate
from rnncore.errors import ConfigError
from rnncore.matching import match_parameters

MOST_CONTENDERS = 6
"""Of a race whose curves are drawn; a sweep has as many as there is room for runs."""
MOST_SEEDS = 50
MOST_RUNS = 1000
"""Of one race, contenders times seeds."""

_COMMON = ("task", "corpus", "seed", "name")
"""What all contenders share: scores on other tasks or texts cannot be held against each other."""

_SHORT = {
    "lr": "lr {}", "gate_bias": "{} bias", "hidden_size": "H {}", "num_layers": "{} layers", "recurrent": "{}",
    "recurrent_gain": "gain {}", "optimizer": "{}", "batch_size": "B {}", "sequence_length": "T {}",
    "clip_norm": "clip {}", "schedule": "{}",
}  # fmt: skip


class Contender(Section):
    """One of those who race: what it changes of the race's common settings, and what to call it."""

    label: str = Field("", max_length=80)
    changes: dict[str, str] = Field(default_factory=dict)


class Race(Section):
    """Several configurations on one task, each with the same seeds.

    Attributes:
        name: what to call it.
        base: the settings that all share, ``{leaf name: text}``.
        contenders: what each changes.
        seeds: each contender is trained once with each.
        match: ``hidden_size``: sizes stay as they are set; ``parameters``: hidden sizes follow the first
            contender's parameter count.
        judged_by: the task's score on sequences as those of training, or on ``longer`` ones.
        axes: of a sweep, leaf name → its values; empty for a race.
        vocab_size: characters of the text, for exact parameter counts.
    """

    name: str = Field("", max_length=120)
    base: dict[str, str] = Field(default_factory=dict)
    contenders: tuple[Contender, ...]
    seeds: tuple[int, ...] = (1, 2, 3)
    match: Literal["hidden_size", "parameters"] = "hidden_size"
    judged_by: Literal["score", "longer"] = "score"
    axes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    vocab_size: int = TYPICAL_VOCABULARY

    @classmethod
    def of(
        cls,
        name: str,
        base: Mapping[str, Any] | RunConfig,
        contenders: Iterable[Mapping[str, Any]],
        seeds: Sequence[int] | int = 3,
        **options: Any,
    ) -> Race:
        """A race from leaf names alone; labels follow from what differs.

        Args:
            name: what to call it.
            base: what all share.
            contenders: what each changes; ``label`` names it.
            seeds: which, or how many (from 1 on).
            options: ``match``, ``judged_by``, ``axes``, ``vocab_size``.

        Raises:
            ConfigError: a setting is unknown or out of its range, there are too few or too many contenders or
                seeds, or the parameter counts cannot be matched.
        """
        flat = base.to_flat() if isinstance(base, RunConfig) else {key: _text(value) for key, value in base.items()}
        flat = {key: value for key, value in flat.items() if key not in ("name", "seed")}
        found = []
        for one in contenders:
            changes = {key: _text(value) for key, value in one.items() if key != "label"}
            found.append(Contender(label=str(one.get("label", "")), changes=changes))
        which = tuple(range(1, seeds + 1)) if isinstance(seeds, int) else tuple(seeds)
        race = cls(name=name, base=flat, contenders=tuple(found), seeds=which, **options)
        named = tuple(Contender(label=one.label or _label(race, one), changes=one.changes) for one in race.contenders)
        return cls(**(race.model_dump() | {"contenders": named}))

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        count, most = len(self.contenders), MOST_RUNS if self.axes else MOST_CONTENDERS
        if not 2 <= count <= most:
            raise ValueError(f"contenders must be 2 to {most}, got {count}; {_remedy(count)}")
        if not 1 <= len(set(self.seeds)) == len(self.seeds) <= MOST_SEEDS:
            raise ValueError(
                f"seeds must be 1 to {MOST_SEEDS} different numbers, got {len(self.seeds)}; three or more can show a "
                "difference"
            )
        if count * len(self.seeds) > MOST_RUNS:
            raise ValueError(
                f"a race must have at most {MOST_RUNS:,} runs, got {count:,} contenders x {len(self.seeds)} seeds; "
                "take fewer values or fewer seeds"
            )
        for contender in self.contenders:
            for leaf in contender.changes:
                if leaf in _COMMON:
                    raise ValueError(f"{leaf} must be the same for all contenders; set it for the race")
                if leaf not in LEAVES:
                    raise ValueError(f"{leaf} is not a setting; {did_you_mean(leaf)}")
        same = {json.dumps(one.changes, sort_keys=True) for one in self.contenders}
        if len(same) < count:
            raise ValueError("contenders must differ from each other; two have the same settings: change one")
        _ = self.configs  # each must be one that can be run
        return self

    @cached_property
    def configs(self) -> tuple[RunConfig, ...]:
        """Each contender's configuration, with the first seed and its matched size.

        Raises:
            ConfigError: one of them cannot be run.
        """
        found: list[RunConfig] = []
        for place, contender in enumerate(self.contenders):
            values = {**self.base, **contender.changes, "seed": self.seeds[0], "name": contender.label}
            try:
                found.append(RunConfig.from_flat(values))
            except ConfigError as error:
                who = contender.label or f"contender {place + 1}"
                raise ConfigError(*(f"{who}: {problem}" for problem in error.problems)) from None
        return match_parameters(found, self.vocab_size) if self.match == "parameters" else tuple(found)

    def parameters(self, config: RunConfig) -> int:
        """Of a contender's network."""
        return estimate(config, self.vocab_size).parameters

    def runs(self) -> Iterator[tuple[int, RunConfig]]:
        """(contender, configuration) of every run: all contenders with the first seed, then with the next."""
        for seed, (place, config) in itertools.product(self.seeds, enumerate(self.configs)):
            yield place, config.changed(seed=seed)

    def with_seeds(self, seeds: Iterable[int]) -> Race:
        """The same race with other seeds."""
        return Race(**(self.model_dump() | {"seeds": tuple(seeds)}))

    @property
    def new_seeds(self) -> tuple[int, ...]:
        """As many as there are now, none of them among these."""
        first = max(self.seeds) + 1
        return tuple(range(first, first + len(self.seeds)))

    def to_json(self) -> str:
        """JSON that ``from_json`` reads back."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Race:
        """Read a race; raises ConfigError for anything that is not one."""
        return cls(**json_object(text, "race"))

    @classmethod
    def from_store(cls, text: str) -> Race:
        """Read a race that any version held; what is no setting any more is left out."""
        document = known(json_object(text, "race"), cls)
        for changed in (document, *document.get("contenders", ())):
            key = "base" if changed is document else "changes"
            changed[key] = {leaf: value for leaf, value in changed.get(key, {}).items() if leaf in LEAVES}
        return cls(**document)


def _remedy(count: int) -> str:
    return "add one to race against" if count < 2 else "take some out, or make it a sweep"


def _text(value: Any) -> str:
    return "off" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _label(race: Race, contender: Contender) -> str:
    """What makes a contender: its cell where cells differ, and whatever else it changes."""
    config = RunConfig.from_flat({**race.base, **contender.changes})
    changes = dict(contender.changes)
    same_cell = len({one.model.cell for one in race.configs}) == 1
    cell = [] if same_cell and len(changes) > ("cell" in changes) else [CELL_LABELS[config.model.cell]]
    changes.pop("cell", None)
    rest = [_said(leaf, value) for leaf, value in changes.items()]
    return " · ".join(cell + rest)[:80]


def _said(leaf: str, value: str) -> str:
    if leaf == "gate_bias" and value not in ("chrono", "default"):
        value = f"forget {value}"
    return _SHORT.get(leaf, leaf.replace("_", " ") + " {}").format(value)

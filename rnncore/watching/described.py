"""What can be said of a watched model before it takes a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from rnncore.config import Watch as WatchConfig
from rnncore.diagnostics.opened import Direction
from rnncore.probe.call import cell_of
from rnncore.runs.elsewhere import Elsewhere, SeenModel, SeenTask, SeenTraining


def described(
    kind: str,
    modules: Mapping[str, nn.RNNBase],
    name: str,
    where: list[Direction],
    steps: int,
    floor: float | None,
    config: WatchConfig,
) -> Elsewhere:
    """The run's description, before its first step."""
    first = modules[where[0].module]
    return Elsewhere(
        name=name,
        task=SeenTask(),
        model=SeenModel(
            cell=cell_of(first).name,
            hidden_size=first.hidden_size,
            num_layers=len(where),
            embedding_size=first.input_size,
            kind=kind,
            layers=tuple(one.name for one in where),
            cells=tuple(cell_of(modules[one.module]).name for one in where),
        ),
        training=SeenTraining(steps=steps),
        watch=config,
        floor=floor,
    )


def facts(model: nn.Module) -> dict[str, Any]:
    """What the run's list says of it: how many parameters, and where."""
    parameters = list(model.parameters())
    device = str(parameters[0].device) if parameters else ""
    return {"parameters": sum(parameter.numel() for parameter in parameters), "device": device}

"""See inside recurrent neural networks while they train.

Public names load lazily, so that a process that only reads records never imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnncore.config import RunConfig as RunConfig
    from rnncore.probe import probe as probe
    from rnncore.runs.store import RunStore as RunStore
    from rnncore.training import train as train

_HOMES = {
    "RunConfig": "rnncore.config",
    "RunStore": "rnncore.runs.store",
    "probe": "rnncore.probe",
    "train": "rnncore.training",
}

__all__ = ["RunConfig", "RunStore", "probe", "train"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnncore' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""See inside recurrent neural networks while they train.

Public names load lazily, so that a process that only reads records never imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnncore.config import RunConfig as RunConfig
    from rnncore.diagnostics.findings import findings as findings
    from rnncore.diagnostics.opened import records_of as records_of
    from rnncore.probe import probe as probe
    from rnncore.runs.store import RunStore as RunStore
    from rnncore.training import train as train
    from rnncore.watching import watch as watch

_HOMES = {
    "RunConfig": "rnncore.config",
    "RunStore": "rnncore.runs.store",
    "findings": "rnncore.diagnostics.findings",
    "probe": "rnncore.probe",
    "records_of": "rnncore.diagnostics.opened",
    "train": "rnncore.training",
    "watch": "rnncore.watching",
}

__all__ = ["RunConfig", "RunStore", "findings", "probe", "records_of", "train", "watch"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnncore' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""What every record is: plain, frozen values of NumPy arrays, with a byte form that nothing has to be executed for."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Base of every record: the training step it belongs to, and a byte form without pickle."""

    kind: ClassVar[str] = ""
    registry: ClassVar[dict[str, type[Record]]] = {}

    step: int

    def __init_subclass__(cls) -> None:
        Record.registry[cls.kind] = cls

    def to_bytes(self) -> bytes:
        """Safetensors for the arrays, JSON in its header for the rest."""
        arrays, rest = {}, {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = np.ascontiguousarray(value)
            else:
                rest[field.name] = value
        return save_tensors(arrays, metadata={"kind": self.kind, "json": json.dumps(rest)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The record that ``to_bytes`` wrote; its class is found by its kind."""
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        values = json.loads(metadata["json"])
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        record: Any = Record.registry[metadata["kind"]](**values | load_tensors(data))
        return record

    def frame(self) -> pd.DataFrame:
        """The record as a tidy frame, one measured number per row or column."""
        raise TypeError(f"{type(self).__name__} has no table")

"""What was measured: plain, frozen values of NumPy arrays.

A record is what travels from a worker through the run store to a figure. Arrays are time-major; letters in
the shapes: T time, U units shown, L layers, K channels, H hidden. ``frame()`` gives any record as a tidy
pandas frame, so that whatever a figure shows can be downloaded as a table.
"""

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


@dataclass(frozen=True, kw_only=True)
class GradientFlow(Record):
    """Gradient magnitude across time, per layer: Euclidean norms over units, root mean square over sequences.

    ``hidden_total[l, t]`` is ‖dL/dh_t‖ of the loss at every step; ``hidden_last[l, t]`` is that of the last
    step's loss alone, ‖∂L_{T-1}/∂h_t‖, which is what vanishes or explodes with the lag T-1-t.
    ``cell_*`` are the same for c_t, of shape (L, T), or of shape (0, T) for a cell without one.
    ``hidden_direct`` is the loss's direct gradient on the output, what ``retain_grad`` would show.
    ``factor[l]`` is the fitted factor per step of ``hidden_last`` against the lag; ``half_life`` in steps
    (negative for a doubling). Source: Pascanu et al. 2013, arXiv:1211.5063.
    """

    kind: ClassVar[str] = "gradient_flow"

    cell: str
    sequences: int
    hidden_total: Array  # (L, T)
    hidden_last: Array  # (L, T)
    hidden_direct: Array  # (L, T)
    cell_total: Array  # (L, T) or (0, T)
    cell_last: Array  # (L, T) or (0, T)
    factor: Array  # (L,)
    half_life: Array  # (L,)
    replay_error: float = 0.0
    cost_ms: float = 0.0

    @property
    def lags(self) -> Array:
        """Steps between the last loss and each t: T-1 … 0, shape (T,)."""
        return np.arange(self.hidden_last.shape[1] - 1, -1, -1)

    def frame(self) -> pd.DataFrame:
        """One row per layer and step of the sequence."""
        import pandas as pd

        layers, steps = self.hidden_last.shape
        columns = {
            "training_step": np.full(layers * steps, self.step),
            "layer": np.repeat(np.arange(layers), steps),
            "t": np.tile(np.arange(steps), layers),
            "lag": np.tile(self.lags, layers),
            "grad_hidden_total": self.hidden_total.ravel(),
            "grad_hidden_last_loss": self.hidden_last.ravel(),
            "grad_output_direct": self.hidden_direct.ravel(),
        }
        if len(self.cell_last):
            columns |= {
                "grad_cell_total": self.cell_total.ravel(),
                "grad_cell_last_loss": self.cell_last.ravel(),
            }
        return pd.DataFrame(columns)


@dataclass(frozen=True, kw_only=True)
class GateActivity(Record):
    """Gate, hidden and cell values of one sequence, beside the characters that were read.

    ``values[l, k, t, u]`` is channel ``channels[k]`` (symbols of the gate table, then h, and c for an LSTM)
    of unit ``units[u]`` of layer l at step t. Gate values are after the non-linearity.
    """

    kind: ClassVar[str] = "gate_activity"

    cell: str
    hidden_size: int
    text: tuple[str, ...]  # T characters read
    targets: tuple[str, ...]  # T characters wanted
    channels: tuple[str, ...]  # K symbols
    units: Array  # (U,)
    values: Array  # (L, K, T, U)

    def channel(self, layer: int, symbol: str) -> Array:
        """Values of one channel of one layer, (T, U)."""
        return self.values[layer, self.channels.index(symbol)]

    def frame(self) -> pd.DataFrame:
        """One row per layer, step and unit; one column per channel."""
        import pandas as pd

        layers, _, steps, units = self.values.shape
        index = np.indices((layers, steps, units)).reshape(3, -1)
        columns: dict[str, Any] = {
            "training_step": np.full(index.shape[1], self.step),
            "layer": index[0],
            "t": index[1],
            "character": np.array(self.text, dtype=object)[index[1]],
            "unit": self.units[index[2]],
        }
        for k, symbol in enumerate(self.channels):
            columns[symbol] = self.values[:, k].ravel()
        return pd.DataFrame(columns)


@dataclass(frozen=True, kw_only=True)
class Saturation(Record):
    """Share of steps that each unit's gate spends near its ends: < .1 (left) and > .9 (right).

    ``left[l, g, h]`` and ``right[l, g, h]`` over all steps and probed sequences. A cell without sigmoid gates
    is counted on |h|: left is |h| < .1, right is |h| > .9 (symbol h).
    Source: Karpathy, Johnson, Fei-Fei 2015, arXiv:1506.02078.
    """

    kind: ClassVar[str] = "saturation"

    cell: str
    gates: tuple[str, ...]  # G symbols
    left: Array  # (L, G, H)
    right: Array  # (L, G, H)

    def frame(self) -> pd.DataFrame:
        """One row per layer, gate and unit."""
        import pandas as pd

        layers, gates, units = self.left.shape
        index = np.indices((layers, gates, units)).reshape(3, -1)
        return pd.DataFrame(
            {
                "training_step": np.full(index.shape[1], self.step),
                "layer": index[0],
                "gate": np.array(self.gates, dtype=object)[index[1]],
                "unit": index[2],
                "left": self.left.ravel(),
                "right": self.right.ravel(),
            }
        )


@dataclass(frozen=True, kw_only=True)
class Sample(Record):
    """Text that the model wrote: the same primer and the same random seed at each step."""

    kind: ClassVar[str] = "sample"

    primer: str
    text: str
    temperature: float
    seed: int
    validation_bits: float | None = None  # bits per character at that time, where it was measured

    def frame(self) -> pd.DataFrame:
        """One row."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(self)])


@dataclass(frozen=True, kw_only=True)
class Baselines(Record):
    """Bits per character of knowing little: uniform log2 V, and Witten-Bell n-grams of the training text."""

    kind: ClassVar[str] = "baselines"

    vocab_size: int
    uniform: float
    orders: tuple[int, ...]
    bits: tuple[float, ...]

    def frame(self) -> pd.DataFrame:
        """One row per baseline."""
        import pandas as pd

        names = ["uniform", *(f"{order}-gram" for order in self.orders)]
        return pd.DataFrame({"baseline": names, "bits_per_character": [self.uniform, *self.bits]})


Columns = dict[str, Array]
"""A series: equally long columns, e.g. step, seconds, loss."""

TRAIN_SERIES = (
    "step",  # completed training steps, 1, 2, ...
    "seconds",  # of training time, pauses left out
    "loss",  # nats per character, of this step's batch
    "grad_norm",  # global gradient norm before clipping
    "clip_norm",  # the threshold in force, nan for none
    "lr",  # the learning rate in force
)
VALIDATION_SERIES = ("step", "seconds", "loss")  # loss in nats per character on the validation text


def join(chunks: list[Columns]) -> Columns:
    """Chunks of a series, one after the other."""
    if not chunks:
        return {}
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}

"""``with probe(model) as opened: loss.backward()``: see inside fused recurrent layers, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn

from rnncore.errors import ProbeError
from rnncore.probe.call import Call, Catcher, refuse_what_cannot_be_replayed
from rnncore.probe.trace import ModuleTrace


class Probe(Mapping[str, ModuleTrace]):
    """Module path → what went on inside it. Made by ``probe``."""

    def __init__(self, model: nn.Module, rows: slice):
        self._modules = {
            name: module for name, module in model.named_modules() if isinstance(module, nn.RNN | nn.LSTM | nn.GRU)
        }
        if not self._modules:
            raise ProbeError(
                f"the model {type(model).__name__} has no nn.RNN, nn.LSTM or nn.GRU layer to open; cells that are "
                "stepped in Python (nn.LSTMCell and its like) hide nothing: read their tensors directly"
            )
        self._rows = rows
        self._handles: list[Any] = []
        self._calls: dict[str, list[Call]] = {}
        self._traces: dict[str, ModuleTrace] | None = None

    def __enter__(self) -> Self:
        for name, module in self._modules.items():
            refuse_what_cannot_be_replayed(name, module)
        catcher = Catcher(self._rows, self._handles)
        for name, module in self._modules.items():

            def hook(module: Any, args: Any, kwargs: Any, output: Any, name: str = name) -> None:
                self._calls.setdefault(name, []).append(catcher.catch(name, module, args, kwargs, output))

            self._handles.append(module.register_forward_hook(hook, with_kwargs=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if kind is None:
            self._traces = {name: self._replayed(name, calls) for name, calls in self._calls.items()}
        self._calls = {}

    def _replayed(self, name: str, calls: list[Call]) -> ModuleTrace:
        chained = not calls[0].module.bidirectional and all(
            torch.equal(before.last, after.states[0]) for before, after in itertools.pairwise(calls)
        )
        return ModuleTrace(name, tuple(call.replay() for call in calls), chained)

    def __getitem__(self, name: str) -> ModuleTrace:
        if name not in self._modules:
            raise ProbeError(f"no recurrent layer {name!r}; the model has {', '.join(map(repr, self._modules))}")
        if self._traces is None:
            raise ProbeError(f"layer {name!r} is opened when the with-block ends; read it after the block")
        if name not in self._traces:
            raise ProbeError(f"layer {name!r} did not run inside the with-block; call the model there")
        return self._traces[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules if self._traces is None else self._traces)

    def __len__(self) -> int:
        return len(list(iter(self)))


def probe(model: nn.Module, sequences: int | slice | None = None) -> Probe:
    """Open every ``nn.RNN``, ``nn.LSTM`` and ``nn.GRU`` inside a model, without a change to the model.

    >>> with rnncore.probe(model) as probe:
    ...     loss = criterion(model(x), y)
    ...     loss.backward()
    >>> probe["encoder.lstm"].layers[0].forward.grad_hidden  # dL/dh_t, (T, B, H)

    Hooks catch each layer's input, output and direct gradient; when the block ends, gates, states and total
    gradients follow by exact replay. Training is bit-identical with and without it. The traces are equal to
    autograd through an unrolled loop, to rounding.

    Args:
        model: any module that holds recurrent layers, or is one.
        sequences: open only these sequences of the batch: a number from the first on, or a slice.

    Raises:
        ProbeError: there is no recurrent layer, or one that cannot be replayed (a projection, dropout between
            fused layers, half precision), with what to do instead.
    """
    if isinstance(sequences, int):
        if sequences < 1:
            raise ProbeError(f"sequences must be >= 1, got {sequences}; use None for the whole batch")
        sequences = slice(0, sequences)
    return Probe(model, slice(None) if sequences is None else sequences)

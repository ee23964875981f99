"""``with probe(model) as opened: loss.backward()``: see inside fused recurrent layers, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, cast

from torch import nn

from rnncore.errors import ProbeError
from rnncore.probe.call import Call, Catcher, Copies, is_recurrent, refuse_autocast
from rnncore.probe.layers import ModuleTrace


class UnknownLayer(ProbeError, KeyError):
    """A path at which the model has no recurrent layer."""

    __str__ = ProbeError.__str__


class Probe(Mapping[str, ModuleTrace]):
    """Module path → what went on inside it. Made by ``probe``; may be used for one step after another."""

    def __init__(self, model: nn.Module, rows: slice, lazy: bool = False):
        self._modules = {
            name: cast(nn.RNNBase, module) for name, module in model.named_modules() if is_recurrent(module)
        }
        if not self._modules:
            raise ProbeError(
                f"the model {type(model).__name__} has no nn.RNN, nn.LSTM or nn.GRU layer to open; cells that are "
                "stepped in Python (nn.LSTMCell and its like) hide nothing: read their tensors directly"
            )
        self._rows, self._lazy = rows, lazy
        self._handles: list[Any] = []
        self._forget("it was not entered yet; run the model in its with-block")

    @property
    def modules(self) -> dict[str, nn.RNNBase]:
        """Module path → recurrent layer, of all that the model has."""
        return dict(self._modules)

    def _forget(self, closed: str) -> None:
        self._closed = closed  # why nothing can be read; empty once the with-block has ended well
        self._calls: dict[str, list[Call]] = {}
        self._traces: dict[str, ModuleTrace] = {}
        self._copies: Copies = {}
        self._missing = ""

    def __enter__(self) -> Self:
        if self._handles:
            raise ProbeError("this probe is open already; end its with-block first, or make a second probe")
        self._forget("it is open; read it after its with-block")
        catcher = Catcher(self._rows, self._handles)
        for name, module in self._modules.items():

            def hook(module: Any, args: Any, kwargs: Any, output: Any, name: str = name) -> None:
                self._catch(catcher, name, module, args, kwargs, output)

            self._handles.append(module.register_forward_hook(hook, with_kwargs=True))
            self._handles.append(
                module.register_forward_pre_hook(lambda module, _, name=name: refuse_autocast(name, module))
            )
        return self

    def _catch(self, catcher: Catcher, name: str, *call: Any) -> None:
        """Runs inside the user's own forward pass."""
        self._calls.setdefault(name, []).append(catcher.catch(name, *call))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if kind is not None:
            self._forget(f"its with-block ended with {kind.__name__}; run it again")
            return
        self._closed = ""
        if not any(call.grads for calls in self._calls.values() for call in calls):
            self._missing = (
                "no loss.backward() ran inside the probe, or the loss depends on no recurrent layer; call "
                "loss.backward() in the with-block to see gradients"
            )
        if not self._lazy:
            for name in list(self._calls):
                self._replayed(name)

    def _replayed(self, name: str) -> ModuleTrace:
        if name not in self._traces:
            calls = self._calls[name]
            chained = all(after.follows(before) for before, after in itertools.pairwise(calls))
            traces = tuple(call.replay(self._missing, self._copies) for call in calls)
            self._traces[name] = ModuleTrace(name, traces, chained)
            self._calls[name] = []  # let go of the training step's tensors
        return self._traces[name]

    def __getitem__(self, name: str) -> ModuleTrace:
        if name not in self._modules:
            raise UnknownLayer(f"no recurrent layer {name!r}; the model has {', '.join(map(repr, self._modules))}")
        if self._closed:
            raise ProbeError(f"layer {name!r} cannot be read from this probe: {self._closed}")
        if name not in self._calls:
            raise ProbeError(f"layer {name!r} did not run inside the with-block; call the model there")
        return self._replayed(name)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules if self._closed else self._calls)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"Probe({', '.join(map(repr, self._modules))})"


def probe(
    model: nn.Module, sequences: int | slice | None = None, *, replay: Literal["eager", "lazy"] = "eager"
) -> Probe:
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
        sequences: open only these sequences of the batch: the first so many, or a slice.
        replay: "eager" replays when the block ends; "lazy" when a layer is first read, which must be before the
            weights change.

    Raises:
        ProbeError: there is no recurrent layer, or one that cannot be replayed (a projection, dropout between
            fused layers, half precision), with what to do instead.
    """
    if replay not in ("eager", "lazy"):
        raise ProbeError(f"replay must be 'eager' or 'lazy', got {replay!r}; choose one")
    if sequences is None:
        sequences = slice(None)
    elif not isinstance(sequences, slice):
        if isinstance(sequences, bool) or not isinstance(sequences, int) or sequences < 1:
            raise ProbeError(f"sequences must be a number >= 1 or a slice, got {sequences!r}; use None for all")
        sequences = slice(0, sequences)
    return Probe(model, sequences, lazy=replay == "lazy")

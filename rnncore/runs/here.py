"""A run in this very process: what the command line does, without launcher and worker."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

from rnncore.config import RunConfig
from rnncore.runs.session import Session, Surroundings, Tools
from rnncore.runs.states import RunInfo
from rnncore.runs.store import RunStore
from rnncore.runs.worker import identity


def begin_here(store: RunStore, config: RunConfig) -> RunInfo:
    """A new run that no launcher takes: it is in this process's hands from the first moment."""
    with store.transaction():
        run = store.create(config)
        claimed = store.claim(identity(), socket.gethostname(), run.id)
    assert claimed is not None  # nobody else saw it before the transaction ended
    return claimed


def run_here(
    store: RunStore,
    run: RunInfo,
    *,
    on_step: Callable[[int, float, float], None] = lambda step, seconds, loss: None,
    say: Callable[[str], None] = lambda note: None,
) -> None:
    """Train a run to its end, writing into the store as a worker does.

    Args:
        on_step: called with step, seconds and loss (nats per character) after each step.
        say: called with a sentence where the store cannot be written, and with '' when it can again.
    """
    import torch

    from rnncore.diagnostics import live_measures
    from rnncore.runs.beside import counted_beside
    from rnncore.training import Checkpoint, Controls, events, train

    torch.set_num_threads(1)

    def shown(*args: Any, **options: Any) -> Iterator[Any]:
        for event in train(*args, **options):
            if isinstance(event, events.Step):
                on_step(event.step, event.seconds, event.loss)
            yield event

    tools = Tools(shown, Controls, Checkpoint.from_bytes, live_measures, counted_beside)
    around = Surroundings(worker=identity(), host=socket.gethostname(), ending=lambda: None, say=say)
    Session(store, run, tools, around).run()

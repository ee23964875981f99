"""What is learned. One file per task; all have the face of ``base.Task``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rnncore import config as settings

if TYPE_CHECKING:
    from rnncore.config import RunConfig
    from rnncore.tasks.base import Task


def make_task(config: RunConfig, text: str | None = None) -> Task:
    """The task of a configuration.

    Args:
        text: the corpus of a text task; None loads ``config.corpus`` by its name.

    Raises:
        CorpusError: the text is unknown, or too short for one window.
    """
    task, batch_size, seed = config.task, config.training.batch_size, config.seed
    match task:
        case settings.TextTask():
            from rnncore.tasks.corpora import load
            from rnncore.tasks.text import TextTask

            return TextTask(
                load(task.corpus).text if text is None else text,
                sequence_length=task.sequence_length,
                batch_size=batch_size,
                stateful=task.stateful,
                validation_fraction=task.validation_fraction,
                seed=seed,
            )
        case settings.SentencesTask():
            from rnncore.tasks.sentences import SentencesTask

            return SentencesTask(batch_size=batch_size, seed=seed)
        case settings.HenonTask():
            from rnncore.tasks.henon import HenonTask

            return HenonTask(sequence_length=task.sequence_length, batch_size=batch_size, seed=seed)
        case _:  # file and class are called like the settings
            module = importlib.import_module(f"rnncore.tasks.{task.kind}")
            known: Task = getattr(module, type(task).__name__)(task, batch_size=batch_size, seed=seed)
            return known

"""Errors that a reader can act on.

Each message is a sentence that names the parameter, the value received and the remedy:
``clip_norm must be > 0, got -1.0; use None to switch clipping off``.
"""


class RnncoreError(Exception):
    """Base of every error that rnncore raises on purpose."""


class ConfigError(RnncoreError, ValueError):
    """A configuration that cannot be run. ``problems`` holds one sentence per field."""

    def __init__(self, *problems: str):
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


class CorpusError(RnncoreError, ValueError):
    """A text that cannot be learned from: empty, too short, binary, or of one character."""


class ProbeError(RnncoreError):
    """A layer or a call that the probe cannot open, or a replay that disagrees with the layer."""


class CheckpointError(RnncoreError):
    """A checkpoint that is damaged, was edited, or belongs to another configuration."""


class StoreError(RnncoreError):
    """The run store cannot do what was asked: unknown run, wrong owner, database unavailable."""


class ExportError(RnncoreError):
    """What was asked for cannot be exported, or not to that place."""


class WatchError(RnncoreError):
    """A watched loop said something that cannot be noted, such as a loss that is no single number."""

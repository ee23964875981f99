"""Recurrent layers wired into the lecture's shapes. One file per wiring."""

from rnncore.models.sequence import SequenceModel, State, detach

__all__ = ["SequenceModel", "State", "detach"]

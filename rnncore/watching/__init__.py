"""``rnncore.watch``: a user's own training loop, written into the run store so that the dashboard shows it live."""

from rnncore.watching.loop import Watch, watch

__all__ = ["Watch", "watch"]

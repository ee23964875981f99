"""Ctrl-C for commands whose work is in other processes: the first press asks, the second leaves."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from rnncore.cli.base import INTERRUPTED


@contextmanager
def stopped_by_ctrl_c(console: Console) -> Iterator[threading.Event]:
    """Set by the first Ctrl-C; the second leaves at once, and the workers save and end when they see it.

    A thread listens: the main one, in which Python runs handlers, may be waiting inside the database for a lock.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only that one receives signals
        yield asked
        return

    def listen() -> None:
        for number in iter(lambda: heard.recv(1), b""):
            if number[0] != signal.SIGINT:
                continue
            if asked.is_set():
                if console.is_terminal:
                    os.write(2, b"\x1b[?25h\n")  # the bar had hidden the cursor
                os._exit(INTERRUPTED)
            asked.set()

    heard, rings = socket.socketpair()
    rings.setblocking(False)
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    with heard:
        try:
            with rings:
                wakes = signal.set_wakeup_fd(rings.fileno())
                before = signal.signal(signal.SIGINT, lambda *_: None)
                try:
                    yield asked
                finally:
                    signal.signal(signal.SIGINT, before)
                    signal.set_wakeup_fd(wakes)
        finally:
            listener.join()  # its socket's other end is closed; before its own is

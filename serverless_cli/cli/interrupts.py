"""Ctrl-C and SIGTERM during a run: the first stops it in good order, the second ends the process.

Signals are told to a thread through a pipe (signal.set_wakeup_fd), because what may be done inside a handler is
little: the main thread might hold the very lock that setting an event or printing takes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from serverless_cli.errors import Exit

_STOPS = (signal.SIGINT, signal.SIGTERM)


def leave_now() -> None:
    """Ends the process without any clean-up: the journal knows what was begun."""
    os._exit(Exit.CANCELLED)


class Interrupts:
    """While the `with` lasts, the first signal calls `first`, each further one `further`, both in another thread."""

    def __init__(self, first: Callable[[], None], further: Callable[[], None] = leave_now) -> None:
        self._calls = (first, further)
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self  # only the main thread may handle signals; elsewhere they are somebody else's
        self._read, self._write = os.pipe()
        if os.name != "nt":  # where it is neither asked for nor, before Python 3.12, possible
            os.set_blocking(self._write, False)
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._handlers = {one: signal.signal(one, _noted) for one in _STOPS}
        return self

    def __exit__(self, *_: object) -> None:
        if not self._handlers:
            return
        for one, handler in self._handlers.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(self._before)
        os.close(self._write)
        self._thread.join()
        os.close(self._read)

    def _listen(self) -> None:
        first, further = self._calls
        seen = 0
        while numbers := os.read(self._read, 64):
            for number in numbers:
                if number in _STOPS:
                    (further if seen else first)()
                    seen += 1


def _noted(number: int, frame: FrameType | None) -> None:
    """Without a handler of Python's there would be no byte in the pipe."""

"""Ctrl-C, SIGTERM and a closed terminal during a run: the first stops it in good order, the second ends the process.

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

from serverless_cli import scratch
from serverless_cli.errors import Exit

_HANGUP = getattr(signal, "SIGHUP", None)
"""the terminal is gone; the kernel and the shell may both say so, so that it is never a second signal"""
STOPS = tuple(one for one in (signal.SIGINT, signal.SIGTERM, _HANGUP) if one is not None)


def heard() -> tuple[signal.Signals, ...]:
    """The signals that stop a command; what whoever started it wants ignored (`nohup`, `&` in scripts) is."""
    return tuple(one for one in STOPS if signal.getsignal(one) is not signal.SIG_IGN)


def leave_now() -> None:
    """Ends the process without any clean-up but of copies: the journal knows what was begun."""
    scratch.clear()
    os._exit(Exit.CANCELLED)


class Interrupts:
    """While the `with` lasts, the first signal calls `first`, each further one `further`, both in another thread."""

    def __init__(self, first: Callable[[], None], further: Callable[[], None] = leave_now) -> None:
        self._calls = (first, further)
        self._handlers: dict[signal.Signals, Any] = {}
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self  # only the main thread may handle signals; elsewhere they are somebody else's
        self._read, self._write = os.pipe()
        if os.name != "nt":  # where it is neither asked for nor, before Python 3.12, possible
            os.set_blocking(self._write, False)
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._handlers = {one: signal.signal(one, _noted) for one in heard()}
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is None:
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
                if number not in STOPS or (seen and number == _HANGUP):
                    continue
                (further if seen else first)()
                seen += 1


def _noted(number: int, frame: FrameType | None) -> None:
    """Without a handler of Python's there would be no byte in the pipe."""

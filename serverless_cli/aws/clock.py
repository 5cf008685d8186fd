"""Time as an argument: tests run the same code in no time, and against emulators whose windows are shortened."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from typing import Protocol, Self

from serverless_cli.errors import Exit, SlxError

SCALE = "SLX_TIME_SCALE"
"""Environment variable for tests only: real seconds per AWS second (0.05 suits the strict proxy's --time-scale 0.05).
It shortens pauses, deadlines and pacing alike; the time that calls themselves take counts for more by the same factor.
"""


class Clock(Protocol):
    """Seconds of a monotonic clock, pauses and chance."""

    def now(self) -> float:
        """Seconds since some fixed moment."""

    def sleep(self, seconds: float) -> None:
        """Returns after that many seconds; may raise to end a run early."""

    def random(self) -> float:
        """A number from 0 up to, but not including, 1."""


class WallClock:
    """The real one, running `1 / scale` times as fast."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    @classmethod
    def from_environment(cls) -> Self:
        text = os.environ.get(SCALE, "1")
        try:
            scale = float(text)
        except ValueError:
            scale = 0.0
        if not 0 < scale <= 1:
            raise SlxError(f"{SCALE} is {text!r}", "it must be a number above 0, at most 1", exit_code=Exit.USAGE)
        return cls(scale)

    def now(self) -> float:
        return time.monotonic() / self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)

    def random(self) -> float:
        return random.random()  # noqa: S311 - spreads retries out; nobody must be unable to guess it


class SteadyClock(WallClock):
    """As WallClock, but time goes on while the machine is suspended: for how long others have not heard of us.

    Linux's and macOS's time.monotonic stands still then (clock_gettime(2), mach_absolute_time).
    """

    def now(self) -> float:
        return _since_boot() / self.scale

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Returns once `event` is set (True), or after that many seconds (False)."""
        return event.wait(seconds * self.scale)


def _since_boot() -> float:
    """Seconds since the machine was started, those in which it was suspended included."""
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()  # Windows: counts suspension

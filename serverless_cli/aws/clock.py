"""Time as an argument: tests run the same code in no time, and against emulators whose windows are shortened."""

from __future__ import annotations

import os
import random
import time
from typing import Protocol

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
    def from_environment(cls) -> WallClock:
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

"""What the parts of the server share."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import field

from serverless_cli.local.facts import Facts, Home
from serverless_cli.records import dataclass

log = logging.getLogger("slx.local")


@dataclass(slots=True)
class Here:
    """The instance that this process serves; `changed` says that there is something to save."""

    home: Home
    facts: Facts
    started_at: float = field(default_factory=time.time)
    changed: Callable[[], None] = lambda: None
    _notices: dict[str, None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts.port}"

    @property
    def notices(self) -> list[str]:
        with self._lock:
            return list(self._notices)

    def notice(self, line: str) -> None:
        """Tell the user `line`, once per life of the server: in the log, and to whoever asks for notices."""
        with self._lock:
            if line in self._notices:
                return
            self._notices[line] = None
        log.warning("%s", line)

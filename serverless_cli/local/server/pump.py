"""The one loop that moves records from queues and streams to where mappings and pipes want them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Protocol

from serverless_cli.local.server import engine
from serverless_cli.local.server.context import Here, log
from serverless_cli.records import dataclass

# Producers wake the loop; this is for what becomes due by itself: retries, visibility timeouts, windows.
_PAUSE_S = 0.1
_AFTER_FAULT_S = 1.0


class Reader(Protocol):
    """A queue or a shard that somebody wants read."""

    def ready(self) -> bool: ...

    def step(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A reader, the key by which it is the same one next time, and how many of its steps may run at once."""

    key: Hashable
    reader: Reader
    at_once: int = 1


class Pump:
    """Runs each job that is ready in a thread of its own, so that none of them holds up another."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._feeds: list[Callable[[], Iterable[Job]]] = []
        self._running: Counter[Hashable] = Counter()
        self._lock = threading.Lock()
        self._wake = engine.Part("core.concurrency")["esm_wake"]

    def add(self, feed: Callable[[], Iterable[Job]]) -> None:
        """Ask `feed` for jobs in each round."""
        self._feeds.append(feed)

    def start(self) -> None:
        """Begin; only once the state of an earlier run is restored."""
        threading.Thread(target=self._run, daemon=True, name="slx-pump").start()

    def _run(self) -> None:
        while True:
            self._wake.wait(_PAUSE_S)
            self._wake.clear()
            for feed in self._feeds:
                try:
                    for job in feed():
                        self._consider(job)
                except Exception:  # noqa: BLE001 - one source must not stop the others
                    log.exception("a source of events cannot be read")
                    time.sleep(_AFTER_FAULT_S)

    def _consider(self, job: Job) -> None:
        with self._lock:
            if self._running[job.key] >= job.at_once:
                return
        if not job.reader.ready():
            return
        with self._lock:
            self._running[job.key] += 1
        threading.Thread(target=self._work, args=(job,), daemon=True, name="slx-pump-step").start()

    def _work(self, job: Job) -> None:
        try:
            while job.reader.ready():
                job.reader.step()
                self._here.changed()
        except Exception:  # noqa: BLE001 - what failed is tried again
            log.exception("reading %s failed", job.key)
            time.sleep(_AFTER_FAULT_S)
        finally:
            with self._lock:
                self._running[job.key] -= 1
            self._wake.set()

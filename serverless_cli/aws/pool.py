"""Several calls of one step at once, on threads apart from those that run the steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

SIZE = 32
"""as many as keep a fast upload busy at 20 to 40 ms a call"""


class Pool:
    """A bounded number of threads, started when first needed."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self._executor: Executor | None = None
        self._lock = threading.Lock()
        self._here = threading.local()

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Results in order. All items are worked on even if one fails; then the first error in order is raised.

        Called by one of its own threads it works inline: waiting for other threads of a full pool would never end.
        """
        todo = list(items)
        if len(todo) < 2 or getattr(self._here, "inside", False):
            return _inline(work, todo)
        futures = [self._start().submit(self._run, work, item) for item in todo]
        try:
            wait(futures)
        finally:
            for future in futures:
                future.cancel()
        return [future.result() for future in futures]

    def close(self) -> None:
        """Starts nothing more and lets what runs end by itself."""
        with self._lock:
            if self._executor is not None:
                self._executor.shutdown(wait=False, cancel_futures=True)
                self._executor = None

    def _start(self) -> Executor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.size, thread_name_prefix="slx-map")
            return self._executor

    def _run(self, work: Callable[[T], R], item: T) -> R:
        self._here.inside = True
        return work(item)


def _inline(work: Callable[[T], R], items: list[T]) -> list[R]:
    results: list[R] = []
    errors: list[Exception] = []
    for item in items:
        try:
            results.append(work(item))
        except Exception as error:  # noqa: BLE001 - the other items come first, as they do on threads
            errors.append(error)
    if errors:
        raise errors[0]
    return results

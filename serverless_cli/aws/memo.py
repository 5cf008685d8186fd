"""Remembers answers while resources are read, so that those which share a parent ask for it only once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

READS = ("Get", "List", "Describe", "Head")

_STREAMS = frozenset({"s3.GetObject", "kinesis.GetRecords", "kinesis.GetShardIterator"})
"""answers that can be read only once, or that differ each time"""


def is_read(operation: str) -> bool:
    """Whether an operation changes nothing, and answers the same until something is changed."""
    return operation not in _STREAMS and operation.partition(".")[2].startswith(READS)


class Memo:
    """Answers by operation and parameters. Threads that ask the same at the same time share one call."""

    def __init__(self) -> None:
        self._answers: dict[str, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def get(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        ask: Callable[[], dict[str, Any]],
        keep: Callable[[Exception], bool],
    ) -> dict[str, Any]:
        """The remembered answer, or `ask`'s. An error goes to all who wait for it, and is kept if `keep` says so."""
        key = operation + json.dumps(parameters, sort_keys=True, default=repr)
        with self._lock:
            known = self._answers.get(key)
            answer = known or self._answers.setdefault(key, Future())
        if known:
            return known.result()
        try:
            answer.set_result(ask())
        except BaseException as error:
            if not (isinstance(error, Exception) and keep(error)):
                with self._lock:
                    if self._answers.get(key) is answer:
                        del self._answers[key]
            answer.set_exception(error)
            raise
        return answer.result()

    def clear(self) -> None:
        """Forgets everything; calls that are under way still answer those who wait for them."""
        with self._lock:
            self._answers.clear()

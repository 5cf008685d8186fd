"""What happens to the records of one shard, in their order: batches, retries, halving, giving up.

Lambda's rules for streams, which pipes share: a failing batch holds up its shard until it succeeds, its retries
are used up or its records are too old; then it goes to the dead letters and the shard goes on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from serverless_cli.local.server.sources import Record
from serverless_cli.records import dataclass

# AWS waits longer after each failure; so does this, at the pace of a test.
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a mapping or a pipe says about batches and failures; -1 stands for no limit."""

    batch_size: int = 100
    window_s: float = 0.0
    retries: int = -1
    max_age_s: int = -1
    bisect: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many records of a batch are done with, from its first on, and what the target said of a failure."""

    done: int
    failure: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go together, how often they have failed, and the cursor once they are done with."""

    records: Sequence[Record]
    end: str
    failed: int = 0


class Source(Protocol):
    """Where a lane's records come from."""

    def read(self, shard: str, cursor: str, limit: int) -> list[Record]:
        """Up to `limit` records after the cursor."""
        ...


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a lane's batches go: to the target, or to the dead letters with a condition; and which records count."""

    wanted: Callable[[Record], bool]
    deliver: Callable[[Sequence[Record]], Outcome]
    discard: Callable[[Batch, str, Outcome], None]


class Lane:
    """One shard of one mapping or pipe; `positions` keeps its cursor."""

    def __init__(
        self, source: Source, shard: str, terms: Callable[[], Terms], ends: Ends, positions: MutableMapping[str, str]
    ) -> None:
        self._source = source
        self._shard = shard
        self._terms = terms
        self._ends = ends
        self._positions = positions
        self._waiting: deque[Batch] = deque()
        self._not_before = 0.0
        self._first_seen = 0.0

    def ready(self) -> bool:
        """Whether a step would do something now."""
        if time.monotonic() < self._not_before or not self._terms().enabled:
            return False
        return bool(self._waiting) or bool(self._gathered())

    def step(self) -> None:
        """Deliver one batch, if there is one."""
        if not self._waiting:
            records = self._gathered()
            if not records:
                return
            self._first_seen = 0.0
            wanted = [record for record in records if self._ends.wanted(record)]
            self._waiting.append(Batch(wanted, records[-1].sequence))
        self._work(self._waiting.popleft())

    def _gathered(self) -> list[Record]:
        """The next records, once the batch is full or has waited for its window."""
        terms = self._terms()
        records = self._source.read(self._shard, self._positions[self._shard], terms.batch_size)
        if not records or len(records) == terms.batch_size or not terms.window_s:
            return records
        self._first_seen = self._first_seen or time.monotonic()
        return records if time.monotonic() - self._first_seen >= terms.window_s else []

    def _work(self, batch: Batch) -> None:
        terms = self._terms()
        if not batch.records:
            self._done(batch.end)
            return
        if self._too_old(batch, terms):
            self._give_up(batch, "RecordAgeExceeded", Outcome(0))
            return
        outcome = self._ends.deliver(batch.records)
        if outcome.done >= len(batch.records):
            self._done(batch.end)
            return
        if outcome.done:
            self._done(batch.records[outcome.done - 1].sequence)
        rest = Batch(batch.records[outcome.done :], batch.end, batch.failed + 1)
        self._failed(rest, terms, outcome)

    def _failed(self, batch: Batch, terms: Terms, outcome: Outcome) -> None:
        if self._too_old(batch, terms):
            self._give_up(batch, "RecordAgeExceeded", outcome)
        elif terms.bisect and outcome.done:
            # Cut where the function said that it stopped.
            self._waiting.appendleft(Batch(batch.records, batch.end, batch.failed - 1))
        elif terms.bisect and len(batch.records) > 1:
            # Halving is no retry: the halves have failed as often as the batch had before.
            half = len(batch.records) // 2
            first, second = batch.records[:half], batch.records[half:]
            self._waiting.appendleft(Batch(second, batch.end, batch.failed - 1))
            self._waiting.appendleft(Batch(first, first[-1].sequence, batch.failed - 1))
        elif 0 <= terms.retries < batch.failed:
            self._give_up(batch, "RetryAttemptsExhausted", outcome)
        else:
            self._waiting.appendleft(batch)
            wait = min(_FIRST_WAIT_S * 2 ** (batch.failed - 1), _LONGEST_WAIT_S)
            self._not_before = time.monotonic() + wait

    def _too_old(self, batch: Batch, terms: Terms) -> bool:
        return terms.max_age_s >= 0 and time.time() - batch.records[0].at > terms.max_age_s

    def _give_up(self, batch: Batch, condition: str, outcome: Outcome) -> None:
        self._ends.discard(batch, condition, outcome)
        self._done(batch.end)

    def _done(self, cursor: str) -> None:
        self._positions[self._shard] = cursor

"""Keeps the calls of all threads within AWS's rates by token buckets, so that throttles are the exception.

It costs nothing until a burst is used up. Retries still catch what others in the account use of the same rates.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType

from serverless_cli.aws.clock import Clock
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second, after a burst. Bursts are a little below AWS's: calls may bunch up on their way."""

    per_s: float
    burst: int


_CONTROL = Rate(5, 5)

RATES: Mapping[str, Rate] = MappingProxyType({
    # API Gateway: 10 a second, burst 40, all management calls of the account together (service quotas).
    "apigatewayv2": Rate(10, 38),
    # Lambda: 15 a second for everything but these two and invocations (service quotas), reads included.
    "lambda": Rate(15, 13),
    "lambda.GetFunction": Rate(100, 98),
    "lambda.GetPolicy": Rate(15, 13),
    # Firehose and Kinesis: 5 transactions a second for each control call (service quotas).
    "firehose": _CONTROL,
    "kinesis": _CONTROL,
    # Not published; from experience (aws-semantics 2h, 12h).
    "iam": Rate(20, 20),
    "logs": Rate(10, 20),
    "cloudfront": Rate(5, 10),
})  # fmt: skip
"""by operation, else by service; whatever is not named has no limit here (S3, and data calls)"""

FREE = frozenset({
    "lambda.Invoke", "lambda.InvokeWithResponseStream",
    "firehose.PutRecord", "firehose.PutRecordBatch",
    "kinesis.PutRecord", "kinesis.PutRecords", "kinesis.GetRecords", "kinesis.GetShardIterator",
})  # fmt: skip
"""calls on data, which count towards no such rate"""

EACH = frozenset({"firehose", "kinesis"})
"""services whose rate applies to each operation on its own"""


class Bucket:
    """Tokens that come back with time. Taking one when there is none books the next to come: first come, first
    served, and no thread waits for another one's sleep."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self.rate = rate
        self.clock = clock
        self._tokens = float(rate.burst)
        self._at = clock.now()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Returns when the call may be made."""
        with self._lock:
            now = self.clock.now()
            self._tokens = min(self.rate.burst, self._tokens + (now - self._at) * self.rate.per_s) - 1
            self._at = now
            wait_s = -self._tokens / self.rate.per_s
        if wait_s > 0:
            self.clock.sleep(wait_s)


class Paces:
    """The buckets of one account and region."""

    def __init__(self, clock: Clock, rates: Mapping[str, Rate] = RATES) -> None:
        self.clock = clock
        self.rates = rates
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def take(self, operation: str) -> None:
        """Returns when `service.Operation` may be called."""
        bucket = self._bucket(operation)
        if bucket is not None:
            bucket.take()

    def _bucket(self, operation: str) -> Bucket | None:
        service = operation.partition(".")[0]
        name = operation if operation in self.rates or service in EACH else service
        rate = self.rates.get(operation) or self.rates.get(service)
        if rate is None or operation in FREE:
            return None
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = Bucket(rate, self.clock)
            return self._buckets[name]

"""Reads a queue for a mapping or a pipe: batches, windows, and what stays for another try.

What is not deleted comes back after the queue's visibility timeout, until its redrive policy moves it away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from serverless_cli.local.server import calls, engine, lineage
from serverless_cli.local.server.lanes import Terms
from serverless_cli.local.server.targets import queue_url
from serverless_cli.records import dataclass

_LOOK_S = 0.05
_AT_ONCE = 10
_TOO_OFTEN = 1_000_000


@dataclass(frozen=True, slots=True)
class Handled:
    """The messages that must come again, by id; `all_failed` for the whole batch."""

    failed: frozenset[str] = frozenset()
    all_failed: bool = False


class Queue:
    """One queue as one mapping or pipe reads it."""

    def __init__(
        self,
        arn: str,
        terms: Callable[[], Terms],
        wanted: Callable[[Mapping[str, Any]], bool],
        deliver: Callable[[Sequence[Mapping[str, Any]]], Handled],
        on_loop: Callable[[], None],
    ) -> None:
        self._arn = arn
        self._place = calls.place_of(arn)
        self._url = queue_url(arn)
        self._terms = terms
        self._wanted = wanted
        self._deliver = deliver
        self._on_loop = on_loop
        # One batch is gathered at a time; several may be worked on.
        self._gathering = threading.Lock()

    def ready(self) -> bool:
        """Whether a message may be received now, or must move to the dead letters."""
        queue = self._queue()
        if queue is None or not self._terms().enabled:
            return False
        now = time.time()
        return any(message.get("visible_at", 0) <= now for message in queue["messages"])

    def step(self) -> None:
        """Receive one batch, hand it over and delete what is done."""
        with engine.Part("core.responses")["request_scope"](self._place.account, self._place.region):
            with self._gathering:
                messages = self._running_on(self._received())
            lineage.hops.set(max((_hops(message) for message in messages), default=0))
            events = [self._event(message) for message in messages]
            dropped = {event["receiptHandle"] for event in events if not self._wanted(event)}
            rest = [event for event in events if event["receiptHandle"] not in dropped]
            handled = self._deliver(rest) if rest else Handled()
            done = set() if handled.all_failed else _done(rest, handled, fifo=self._arn.endswith(".fifo"))
            engine.Part("services.sqs")["_delete_messages_for_esm"](self._url, dropped | done)

    def _queue(self) -> Mapping[str, Any] | None:
        with engine.Part("core.responses")["request_scope"](self._place.account, self._place.region):
            found: Mapping[str, Any] | None = engine.Part("services.sqs")["_queue_by_arn"](self._arn)
            return found

    def _received(self) -> list[Any]:
        """What is there; less than a whole batch only once the window is over."""
        terms, found = self._terms(), list[Any]()
        deadline = time.monotonic() + terms.window_s
        receive = engine.Part("services.sqs")["_receive_messages_for_esm"]
        while len(found) < terms.batch_size:
            more = receive(self._url, min(_AT_ONCE, terms.batch_size - len(found)))
            found += more
            if more:
                continue
            if not found or time.monotonic() >= deadline or not self._terms().enabled:
                break
            time.sleep(_LOOK_S)
        return found

    def _running_on(self, messages: list[Any]) -> list[Any]:
        """The messages that do not come round in a loop; the others go to the dead letters, or nowhere."""
        looping = [message for message in messages if _hops(message) >= lineage.LIMIT]
        for message in looping:
            self._on_loop()
            # The redrive policy takes what was received too often, once it is visible.
            message["receive_count"], message["visible_at"] = _TOO_OFTEN, 0.0
        if looping and not (self._queue() or {"attributes": {}})["attributes"].get("RedrivePolicy"):
            receipts = {message["receipt_handle"] for message in looping}
            engine.Part("services.sqs")["_delete_messages_for_esm"](self._url, receipts)
        return [message for message in messages if message not in looping]

    def _event(self, message: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {
            "ApproximateReceiveCount": str(message["receive_count"]),
            "SentTimestamp": str(int(message["sent_at"] * 1000)),
            "SenderId": message["sys"].get("SenderId", self._place.account),
            "ApproximateFirstReceiveTimestamp": str(int(message["first_receive_at"] * 1000)),
        }
        optional = {
            "AWSTraceHeader": message["sys"].get("AWSTraceHeader"),
            "MessageGroupId": message.get("group_id"),
            "MessageDeduplicationId": message.get("dedup_id"),
            "SequenceNumber": message.get("seq"),
        }
        return {
            "messageId": message["id"],
            "receiptHandle": message["receipt_handle"],
            "body": message["body"],
            "attributes": attributes | {name: str(value) for name, value in optional.items() if value is not None},
            "messageAttributes": {
                name: {key[0].lower() + key[1:]: value for key, value in attribute.items()}
                for name, attribute in (message.get("message_attributes") or {}).items()
            },
            "md5OfBody": message.get("md5_body") or "",
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._place.region,
        }


def _hops(message: Mapping[str, Any]) -> int:
    return int((message.get("sys") or {}).get(lineage.IN_MESSAGE, 0))


def _done(events: Sequence[Mapping[str, Any]], handled: Handled, *, fifo: bool) -> set[str]:
    """The receipts of what need not come again; behind a failure, a group of a FIFO queue comes again in order."""
    failed, groups = handled.failed, set[str]()
    done = set()
    for event in events:
        group = event["attributes"].get("MessageGroupId", "")
        if event["messageId"] in failed:
            groups.add(group)
        elif not (fifo and group in groups):
            done.add(event["receiptHandle"])
    return done

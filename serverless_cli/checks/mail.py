"""Looking into queues without using up what is in there for somebody else.

AWS facts (SQS developer guide):
- A message that was received is hidden for its visibility timeout, here one second, and then comes again.
- Each receive counts: after `maxReceiveCount` of them a queue with a redrive policy moves the message to its
  dead-letter queue. So such queues are never looked into.
- Receives that do not wait ask only some of SQS's servers, and may find nothing where something is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import SlxError
from serverless_cli.records import dataclass

HIDDEN_S = 1
MOST_AT_ONCE, MOST_ROUNDS = 10, 20


@dataclass(slots=True)
class _Box:
    """One queue, and all messages that were seen in it and not taken."""

    url: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    """by message id: body and latest receipt"""
    receives: int = 0


class Mail:
    """The queues that the checks of one run look into; checks that share a queue share what was seen in it."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._boxes: dict[str, _Box] = {}
        self._lock = threading.Lock()

    def take(self, queue: str, unlike: Callable[[str], str]) -> tuple[bool, str]:
        """Takes a message out of the queue for which `unlike` finds nothing wrong: (True, its body). Otherwise
        (False, what was seen instead)."""
        box = self._box(queue)
        before = box.receives
        with box.lock:
            if box.receives == before:  # else another check has looked while this one waited for its turn
                self._receive(box)
            wrong = ""
            for id, (body, receipt) in box.seen.items():
                wrong = unlike(body)
                if not wrong:
                    self._delete(box, id, receipt)
                    return True, body
            return False, _seen(len(box.seen), wrong)

    def peek(self, queue: str, unlike: Callable[[str], str]) -> str | None:
        """The body of a message for which `unlike` finds nothing wrong; None when there is none."""
        box = self._box(queue)
        with box.lock:
            self._receive(box)
            return next((body for body, _ in box.seen.values() if not unlike(body)), None)

    def drop(self, id: str) -> None:
        """Deletes all messages that were seen anywhere and hold the id of a trial."""
        with self._lock:
            boxes = tuple(self._boxes.values())
        for box in boxes:
            with box.lock:
                mine = [(key, receipt) for key, (body, receipt) in box.seen.items() if id in body]
                for key, receipt in mine:
                    self._delete(box, key, receipt)

    def _box(self, queue: str) -> _Box:
        with self._lock:
            if queue not in self._boxes:
                self._boxes[queue] = _Box(self._open(queue))
            return self._boxes[queue]

    def _open(self, queue: str) -> str:
        """The queue's URL. Raises SlxError when looking into it would do harm."""
        url = str(self._aws.call("sqs.GetQueueUrl", QueueName=queue)["QueueUrl"])
        found = self._aws.call("sqs.GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        if found.get("Attributes", {}).get("RedrivePolicy"):
            raise SlxError(
                f"a check cannot look into {queue}",
                "it has a dead-letter queue, and each look would count as a failed try of every message in it",
                "expect what its reader does with the message, or look into the dead-letter queue",
            )
        return url

    def _receive(self, box: _Box) -> None:
        for _ in range(MOST_ROUNDS):
            answer = self._aws.call(
                "sqs.ReceiveMessage", QueueUrl=box.url, MaxNumberOfMessages=MOST_AT_ONCE,
                VisibilityTimeout=HIDDEN_S, WaitTimeSeconds=HIDDEN_S,
            )  # fmt: skip
            messages = answer.get("Messages") or ()
            for one in messages:
                box.seen[one["MessageId"]] = (one["Body"], one["ReceiptHandle"])
            if len(messages) < MOST_AT_ONCE:
                break
        box.receives += 1

    def _delete(self, box: _Box, id: str, receipt: str) -> None:
        try:
            self._aws.remove("sqs.DeleteMessage", QueueUrl=box.url, ReceiptHandle=receipt)
        except SlxError:
            pass  # somebody else took it, or its second has passed and it comes again
        box.seen.pop(id, None)


def _seen(count: int, wrong: str) -> str:
    if not count:
        return "it is empty"
    return f"{count} message{'s' if count > 1 else ''}, {'none like that' if count > 1 else 'not like that'}: {wrong}"

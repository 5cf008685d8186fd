"""A small AWS in memory for checks: a bucket, queues, tables, a state machine; and a clock that needs no time."""

# The parameters are AWS's own, and so are their names.

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from serverless_cli.checks import Desk, prove
from serverless_cli.errors import AwsError
from serverless_cli.model import Check, CheckResult

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeWorld:
    """Answers the calls that checks make. `on` maps an operation to what happens when it is called (a reaction)."""

    region = "eu-central-1"

    def __init__(self) -> None:
        self.time = 0.0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.on: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.queues: dict[str, dict[str, str]] = {}
        self.redrive: set[str] = set()
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.logs: list[str] = []
        self.ids = 0

    # The clock

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def date(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def new_id(self) -> str:
        self.ids += 1
        return f"id{self.ids}"

    # Aws

    def call(self, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        for name in ("passing", "once"):
            parameters.pop(name, None)
        reaction = self.on.get(operation)
        answer = reaction(parameters) if reaction else None
        if answer is None:
            own = getattr(self, "_" + operation.partition(".")[2], None)
            answer = own(**parameters) if own else {}
        return answer

    def find(self, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
        return self.call(operation, **parameters) or None

    def remove(self, operation: str, /, **parameters: Any) -> bool:
        self.call(operation, **parameters)
        return True

    def pages(self, operation: str, /, *keys: str, **parameters: Any) -> Iterator[Any]:
        answer = self.call(operation, **parameters)
        for key in keys:
            yield from answer.get(key) or ()

    def wait(self, what: str, ask: Callable[[], Any], *, deadline_s: float) -> Any:
        raise AssertionError("checks poll by themselves")

    def map(self, work: Callable[[Any], Any], items: Any) -> list[Any]:
        return [work(item) for item in items]

    def reading(self) -> FakeWorld:
        return self

    # S3

    def put(self, bucket: str, key: str, body: bytes, kind: str = "text/plain") -> None:
        self.objects[bucket, key] = {"Body": body, "ContentType": kind, "LastModified": self.date()}

    def _PutObject(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:
        self.put(Bucket, Key, Body, ContentType)
        return {"VersionId": "null"}

    def _GetObject(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        found = self.objects.get((Bucket, Key))
        return {**found, "Body": io.BytesIO(found["Body"])} if found else {}

    def _DeleteObject(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.objects.pop((Bucket, Key), None)
        return {}

    def _ListObjectsV2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        found = ((key, one) for (bucket, key), one in self.objects.items() if bucket == Bucket)
        return {"Contents": [{"Key": key, **one} for key, one in found if key.startswith(Prefix)]}

    # SQS

    def post(self, queue: str, body: str) -> None:
        box = self.queues.setdefault(queue, {})
        box[f"m{len(box)}-{len(self.calls)}"] = body

    def _GetQueueUrl(self, *, QueueName: str) -> dict[str, Any]:
        return {"QueueUrl": QueueName}

    def _GetQueueAttributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        return {"Attributes": {"RedrivePolicy": "{}"} if QueueUrl in self.redrive else {}}

    def _SendMessage(self, *, QueueUrl: str, MessageBody: str, **more: Any) -> dict[str, Any]:
        self.post(QueueUrl, MessageBody)
        return {}

    def _ReceiveMessage(self, *, QueueUrl: str, **more: Any) -> dict[str, Any]:
        box = self.queues.get(QueueUrl, {})
        return {"Messages": [{"MessageId": id, "Body": body, "ReceiptHandle": id} for id, body in [*box.items()][:9]]}

    def _DeleteMessage(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:
        self.queues[QueueUrl].pop(ReceiptHandle)
        return {}

    # DynamoDB; every table's key is `id`

    def _DescribeTable(self, *, TableName: str) -> dict[str, Any]:
        return {"Table": {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}}

    def _PutItem(self, *, TableName: str, Item: Mapping[str, Any]) -> dict[str, Any]:
        self.rows.setdefault(TableName, []).append(dict(Item))
        return {}

    def _GetItem(self, *, TableName: str, Key: Mapping[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        found = [one for one in self.rows.get(TableName, []) if one["id"] == Key["id"]]
        return {"Item": found[0]} if found else {}

    def _DeleteItem(self, *, TableName: str, Key: Mapping[str, Any]) -> dict[str, Any]:
        self.rows[TableName] = [one for one in self.rows.get(TableName, []) if one["id"] != Key["id"]]
        return {}

    def _Scan(self, *, TableName: str, **filters: Any) -> dict[str, Any]:
        return {"Items": self.rows.get(TableName, [])}

    def _FilterLogEvents(self, *, logGroupName: str, startTime: int) -> dict[str, Any]:
        return {"events": [{"message": line} for line in self.logs]}

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.calls if name == operation]


def proved(
    world: FakeWorld, probe: str, arguments: dict[str, Any], expect: Any = None, deadline: float = 30
) -> CheckResult:
    """What came of a check in that world."""
    check = Check(probe, arguments, expect or {}, deadline)
    return prove(check, Desk(world, world.now, world.sleep, world.date, world.new_id))


def refusal(operation: str, code: str = "AccessDenied", **more: Any) -> AwsError:
    return AwsError(operation, code, "not for you", **more)

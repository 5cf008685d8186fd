"""Buckets and tables in memory, behind the interface of calls: large, slow to settle, or breaking off, as tests want."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from serverless_cli.aws.wait import poll
from serverless_cli.errors import AwsError
from tests.unit.aws_fakes import FakeClock


class Content:
    """The body of an answer; it may break off once `left` pieces have come."""

    def __init__(self, content: bytes, left: int = 1000) -> None:
        self._content = io.BytesIO(content)
        self._left = left

    def read(self, size: int) -> bytes:
        if not self._left:
            raise ConnectionResetError
        self._left -= 1
        return self._content.read(size)

    def close(self) -> None:
        pass


@dataclass
class Account:
    """One bucket, `objects` by key, or so many `versions` without any content; and one table of `items`.

    `before` is called with each operation. `heads` are what objects have beside their content.
    """

    region: str = "eu-central-1"
    objects: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    versions: int = 0
    before: Callable[[str], object] = lambda _: None
    refuses: dict[str, str] = field(default_factory=dict)
    """code by key: what DeleteObjects says of a key"""
    breaks: int = 0
    """how many answers with content break off"""
    exists: bool = True
    ahead: int = 0
    most_ahead: int = 0
    """versions that are listed and not yet deleted, and the most that ever were: whoever deletes has to remember them"""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    _lock: Any = field(default_factory=threading.Lock)

    def count(self, operation: str) -> int:
        return sum(one == operation for one, _ in self.calls)

    def call(self, operation: str, /, *, passing: Any = (), once: bool = False, **given: Any) -> dict[str, Any]:
        self.before(operation)
        with self._lock:
            self.calls.append((operation, given))
            return getattr(self, "_" + operation.replace(".", "_").lower())(**given)

    def find(self, operation: str, /, **given: Any) -> dict[str, Any] | None:
        try:
            return self.call(operation, **given)
        except KeyError:
            return None

    def remove(self, operation: str, /, *, passing: Any = (), **given: Any) -> bool:
        return self.find(operation, **given) is not None

    def pages(self, operation: str, /, *keys: str, **given: Any) -> Iterator[Any]:
        self.before(operation)
        self.calls.append((operation, given))
        if operation == "dynamodb.Scan":
            yield from self.items
        elif operation == "s3.ListObjectsV2":
            for name, content in sorted(self.objects.items()):
                yield {"Key": name, "ETag": etag(content), "Size": len(content)}
        elif operation == "s3.ListObjectVersions" and "Versions" in keys:
            yield from self._versions()

    def _versions(self) -> Iterator[dict[str, Any]]:
        yield from ({"Key": name, "VersionId": "1"} for name in list(self.objects))
        for number in range(self.versions):
            self.ahead += 1
            self.most_ahead = max(self.ahead, self.most_ahead)
            yield {"Key": f"folder/{number}", "VersionId": "1"}

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]

    def wait(self, what: str, ask: Callable[[], Any], *, deadline_s: float) -> Any:
        return poll(what, ask, deadline_s=deadline_s, clock=self.clock)

    def reading(self) -> Account:
        return self

    def _s3_getobject(self, Bucket: str, Key: str) -> dict[str, Any]:
        content = self.objects[Key]
        left, self.breaks = (0, self.breaks - 1) if self.breaks else (1000, 0)
        head = {"ContentType": "text/plain", "ETag": etag(content), "ContentLength": len(content)}
        return {**head, "Body": Content(content, left), **self.heads.get(Key, {})}

    def _s3_getobjecttagging(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"TagSet": [{"Key": "a b", "Value": "c&d"}]}

    def _s3_deleteobjects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        errors = []
        for one in Delete["Objects"]:
            if code := self.refuses.get(one["Key"]):
                errors.append({"Key": one["Key"], "Code": code, "Message": "no"})
            elif self.objects.pop(one["Key"], None) is None:
                self.versions -= 1
                self.ahead -= 1
        return {"Errors": errors}

    def _s3_deleteobject(self, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        del self.objects[Key]
        return {}

    def _s3_deletebucket(self, Bucket: str) -> dict[str, Any]:
        if self.objects or self.versions:
            raise AwsError("s3.DeleteBucket", "BucketNotEmpty", "not empty")
        self.exists = False
        return {}

    def _dynamodb_describetable(self, TableName: str) -> dict[str, Any]:
        if not self.exists:
            raise KeyError(TableName)
        return {"Table": {}}


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'

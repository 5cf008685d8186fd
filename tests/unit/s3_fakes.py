"""An S3 in memory, as a transport: conditional writes, versions counted, answers that get lost, and a hook in between."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serverless_cli.aws.failure import Failure, Nature
from serverless_cli.aws.paging import further

OWNER = "123456789012"
WRITES = ("Put", "Delete", "Create")


@dataclass
class FakeBucket:
    """One bucket, fit to keep a state in. `objects` are contents by key."""

    owner: str = OWNER
    versioning: str = "Enabled"
    closed: bool = True
    algorithm: str = "AES256"
    tags: list[dict[str, str]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def refuse(operation: str, code: str, message: str = "", status: int = 400) -> Failure:
    return Failure(operation, Nature.REFUSED, code, message or code, status)


@dataclass
class MemoryS3:
    """What several callers share."""

    buckets: dict[str, FakeBucket] = field(default_factory=dict)
    ignores_conditions: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def caller(self, hook: Callable[[str, str], str | None] | None = None, account: str = OWNER) -> Caller:
        return Caller(self, hook or (lambda when, operation: None), account)


@dataclass
class Caller:
    """One caller's transport. `hook` is called `before` and `after` each attempt: what it returns is the fault, such as
    `lost` (no answer), or the code of an error. `sent` has every attempt, `wrote` those writes that were carried out.
    """

    s3: MemoryS3
    hook: Callable[[str, str], str | None]
    account: str
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    wrote: list[tuple[str, str]] = field(default_factory=list)

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.sent.append((operation, dict(parameters)))
        self._fault(operation, self.hook("before", operation))
        with self.s3.lock:
            answer = self._do(operation, dict(parameters))
        name = operation.partition(".")[2]
        if name.startswith(WRITES):
            self.wrote.append((name, parameters.get("Key", "")))
        self._fault(operation, self.hook("after", operation))
        return answer

    def pages(self, operation: str, parameters: Mapping[str, Any], call: Callable[..., Any]) -> Iterable[Any]:
        return further(operation, parameters, lambda **page: call(operation, **page))

    def _fault(self, operation: str, fault: str | None) -> None:
        if fault == "lost":
            raise Failure(operation, Nature.LOST, "ConnectionClosedError", "connection was closed")
        if fault:
            raise refuse(operation, fault, status=403 if fault == "AccessDenied" else 400)

    def _do(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        name = operation.partition(".")[2]
        bucket = self.s3.buckets.get(given["Bucket"])
        if name == "CreateBucket":
            return self._create(operation, bucket, given)
        if bucket is None:
            raise refuse(operation, "NoSuchBucket", "The specified bucket does not exist", 404)
        if self.account != bucket.owner or given.get("ExpectedBucketOwner", bucket.owner) != bucket.owner:
            raise refuse(operation, "AccessDenied", "Access Denied", 403)
        handler = getattr(self, f"_{name}", None)
        if handler is None:
            bucket.settings[name] = given
            return {}
        result: dict[str, Any] = handler(operation, bucket, given)
        return result

    def _create(self, operation: str, bucket: FakeBucket | None, given: dict[str, Any]) -> dict[str, Any]:
        if bucket is not None:
            raise refuse(
                operation, "BucketAlreadyExists" if bucket.owner != self.account else "BucketAlreadyOwnedByYou"
            )
        made = FakeBucket(
            self.account, "", closed=False, algorithm="", tags=given["CreateBucketConfiguration"].get("Tags", [])
        )
        made.settings["CreateBucket"] = given
        self.s3.buckets[given["Bucket"]] = made
        return {}

    def _GetObject(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        content = bucket.objects.get(given["Key"])
        if content is None:
            raise refuse(operation, "NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(content), "ETag": etag(content)}

    def _condition(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> None:
        there = bucket.objects.get(given["Key"])
        if self.s3.ignores_conditions:
            return
        if given.get("IfNoneMatch") == "*" and there is not None:
            raise refuse(operation, "PreconditionFailed", status=412)
        if "IfMatch" in given and there is None:
            raise refuse(operation, "NoSuchKey", status=404)
        if "IfMatch" in given and etag(there) != given["IfMatch"]:
            raise refuse(operation, "PreconditionFailed", status=412)

    def _PutObject(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        self._condition(operation, bucket, given)
        bucket.objects[given["Key"]] = given["Body"]
        return {"ETag": etag(given["Body"])}

    def _DeleteObject(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        self._condition(operation, bucket, given)
        bucket.objects.pop(given["Key"], None)
        return {}

    def _ListObjectsV2(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        return {"Contents": [{"Key": key} for key in sorted(bucket.objects) if key.startswith(given["Prefix"])]}

    def _GetBucketVersioning(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        return {"Status": bucket.versioning} if bucket.versioning else {}

    def _PutBucketVersioning(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        bucket.versioning = given["VersioningConfiguration"]["Status"]
        return {}

    def _GetPublicAccessBlock(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        if not bucket.closed:
            raise refuse(operation, "NoSuchPublicAccessBlockConfiguration", status=404)
        flags = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        return {"PublicAccessBlockConfiguration": dict.fromkeys(flags, True)}

    def _PutPublicAccessBlock(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        bucket.closed = all(given["PublicAccessBlockConfiguration"].values())
        return {}

    def _GetBucketEncryption(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        if not bucket.algorithm:
            raise refuse(operation, "ServerSideEncryptionConfigurationNotFoundError", status=404)
        default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": bucket.algorithm}}
        return {"ServerSideEncryptionConfiguration": {"Rules": [default]}}

    def _PutBucketEncryption(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        bucket.settings["PutBucketEncryption"] = given
        [rule] = given["ServerSideEncryptionConfiguration"]["Rules"]
        bucket.algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        return {}

    def _GetBucketLifecycleConfiguration(
        self, operation: str, bucket: FakeBucket, given: dict[str, Any]
    ) -> dict[str, Any]:
        put = bucket.settings.get("PutBucketLifecycleConfiguration")
        if put is None:
            raise refuse(operation, "NoSuchLifecycleConfiguration", status=404)
        default = {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}
        kept = {name: put[name] for name in default if name in put}
        return {**put["LifecycleConfiguration"], **default, **kept}

    def _GetBucketPolicy(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        put = bucket.settings.get("PutBucketPolicy")
        if put is None:
            raise refuse(operation, "NoSuchBucketPolicy", status=404)
        return {"Policy": put["Policy"]}

    def _GetBucketTagging(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        if not bucket.tags:
            raise refuse(operation, "NoSuchTagSet", status=404)
        return {"TagSet": bucket.tags}

    def _PutBucketTagging(self, operation: str, bucket: FakeBucket, given: dict[str, Any]) -> dict[str, Any]:
        bucket.tags = given["Tagging"]["TagSet"]
        return {}

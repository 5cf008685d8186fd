"""Documents as objects of one bucket, written only on condition that they are what the writer knows.

S3 answers 412 when the condition does not hold and 404 when the object is gone (conditional writes, S3 user guide). A
call that is sent again because its answer was lost meets its own first effect: the content tells that it was ours.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import AwsError
from serverless_cli.state.address import S3Address
from serverless_cli.state.s3_bucket import own_encryption
from serverless_cli.state.s3_explain import explained
from serverless_cli.state.store import NONE_YET, ConflictError, Document

_REFUSED = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404", "ConditionalRequestConflict"})


class Objects:
    """The objects below an address. A document's version is its ETag, which S3 changes with the content."""

    def __init__(self, aws: Aws, address: S3Address, account: str) -> None:
        """`account` is the caller's."""
        self.aws = aws
        self.address = address
        self._where: dict[str, Any] = {"Bucket": address.bucket, "ExpectedBucketOwner": address.owner or account}
        self._once = threading.Lock()
        self._encryption: dict[str, Any] | None = None

    def get(self, *parts: str) -> Document:
        """The document; NONE_YET when there is none."""
        with explained(self.address, "read"):
            try:
                found = self.aws.call("s3.GetObject", Key=self.address.key(*parts), **self._where)
            except AwsError as error:
                if error.code == "NoSuchKey":
                    return NONE_YET
                raise
        return Document(found["Body"].read(), str(found["ETag"]))

    def put(self, known: Document, content: bytes, *parts: str) -> Document:
        """Writes over `known`, or anew where that is NONE_YET. Raises ConflictError when something else is there.

        The content must not be what somebody else could write too, if it matters whose write it was.
        """
        condition: dict[str, Any] = {"IfMatch": known.version} if known.version else {"IfNoneMatch": "*"}
        with explained(self.address, "write"):
            try:
                done = self.aws.call(
                    "s3.PutObject",
                    Key=self.address.key(*parts),
                    Body=content,
                    ContentType="application/x-ndjson",
                    **self._encrypted(),
                    **condition,
                    **self._where,
                )
            except AwsError as error:
                if error.code not in _REFUSED:
                    raise
                there = self.get(*parts)
                if there.version and there.content == content:
                    return there
                raise ConflictError(self._name(*parts)) from error
        return Document(content, str(done["ETag"]))

    def delete(self, known: Document, *parts: str) -> None:
        """Removes it; gone is success. Raises ConflictError when it is not what is known."""
        with explained(self.address, "delete"):
            try:
                self.aws.remove("s3.DeleteObject", Key=self.address.key(*parts), IfMatch=known.version, **self._where)
            except AwsError as error:
                if error.code not in _REFUSED:
                    raise
                if self.get(*parts).version:
                    raise ConflictError(self._name(*parts)) from error

    def list(self, *parts: str) -> Iterator[tuple[str, ...]]:
        """The parts of every object's key below these parts, without the prefix."""
        prefix = self.address.key(*parts, "")
        start = len(self.address.key(""))
        with explained(self.address, "list"):
            for one in self.aws.pages("s3.ListObjectsV2", "Contents", Prefix=prefix, **self._where):
                yield tuple(one["Key"][start:].split("/"))

    def exists(self) -> None:
        """Raises SlxError when the bucket cannot be listed: `list` shows nothing where there is no bucket."""
        with explained(self.address, "list"):
            self.aws.call("s3.ListObjectsV2", MaxKeys=1, Prefix=self.address.key(""), **self._where)

    def _encrypted(self) -> dict[str, Any]:
        with self._once:
            if self._encryption is None:
                self._encryption = own_encryption(self.aws, self._where)
            return self._encryption

    def _name(self, *parts: str) -> str:
        return f"s3://{self.address.bucket}/{self.address.key(*parts)}"

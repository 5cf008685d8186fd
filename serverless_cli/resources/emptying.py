"""Emptying a bucket: every version, delete marker and unfinished upload, however many, while it may still be filled.

AWS facts (S3 user guide, API reference):
- DeleteObjects takes a thousand keys; failures come inside a 200. Its body is XML, which knows no control characters.
- DeleteBucket refuses while anything is left, and for a moment after the last of it was removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.resources.base import together

T = TypeVar("T")

BATCH, AT_ONCE = 1000, 8
"""keys in a call, and calls at once: what is listed and not yet deleted is all that is held in memory"""
REFILLED_S = 120.0
"""how long a function that was just deleted may go on writing before it is somebody else who does"""
BUSY_S = 120.0
"""how long S3 may be too busy for one and the same object"""
BUSY = ("InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted")


def remove_bucket(aws: Aws, name: str) -> None:
    """Deletes a bucket with all that is in it; what is put into it meanwhile goes, too. Gone is success."""
    # The first time takes as long as there is much in it. Only what is there afterwards was written since.
    if _removed(aws, name):
        return

    def ask() -> bool:
        if not _removed(aws, name):
            raise NotYet("filled again")
        return True

    try:
        aws.wait(f"bucket {name} to stay empty", ask, deadline_s=REFILLED_S)
    except SlxError as error:
        if error.exit_code is not Exit.TIMED_OUT:
            raise
        raise SlxError(
            f"bucket {name} fills as fast as it is emptied",
            "something still writes to it",
            "stop the writer, then run the same command again",
        ) from error


def _removed(aws: Aws, name: str) -> bool:
    """Empties and deletes it; False where something is in it again."""
    empty(aws, name)
    try:
        aws.remove("s3.DeleteBucket", Bucket=name)
    except AwsError as error:
        if error.code != "BucketNotEmpty":
            raise
        return False
    return True


def empty(aws: Aws, name: str) -> None:
    """Removes all that the bucket holds now."""
    # The first page of each list at once: most buckets have no more.
    found, uploads = together(
        aws,
        (
            lambda: _begun(aws.pages("s3.ListObjectVersions", "Versions", "DeleteMarkers", Bucket=name)),
            lambda: _begun(aws.pages("s3.ListMultipartUploads", "Uploads", Bucket=name)),
        ),
    )
    entries = ({"Key": one["Key"], "VersionId": one["VersionId"]} for one in found)
    for batches in _batched(_batched(entries, BATCH), AT_ONCE):
        aws.map(lambda batch: _delete(aws, name, batch), batches)
    for some in _batched(uploads, BATCH):
        aws.map(lambda one: _abort(aws, name, one), some)


def _begun(items: Iterator[T]) -> Iterator[T]:
    """The same items, the first of which has been asked for."""
    first = list(islice(items, 1))
    return chain(first, items)


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def _delete(aws: Aws, name: str, batch: list[dict[str, str]]) -> None:
    left = [one for one in batch if _in_xml(one["Key"])]
    for one in (one for one in batch if not _in_xml(one["Key"])):
        aws.remove("s3.DeleteObject", Bucket=name, Key=one["Key"], VersionId=one["VersionId"])

    def ask() -> bool:
        nonlocal left
        left = _busy(aws, name, left)
        if left:
            raise NotYet(f"S3 too busy to delete {left[0]['Key']}")
        return True

    if left:
        aws.wait(f"what bucket {name} holds to be deleted", ask, deadline_s=BUSY_S)


def _busy(aws: Aws, name: str, batch: list[dict[str, str]]) -> list[dict[str, str]]:
    """Deletes a batch; returns what S3 could not delete just then."""
    try:
        answer = aws.call("s3.DeleteObjects", Bucket=name, Delete={"Objects": batch, "Quiet": True})
    except AwsError as error:
        if error.code == "NoSuchBucket":
            return []
        raise
    failed = answer.get("Errors") or ()
    for one in failed:
        if one.get("Code") not in BUSY:
            message = f"{one.get('Key')}: {one.get('Message', '')}"
            raise AwsError("s3.DeleteObjects", one.get("Code", ""), message)
    keys = {one.get("Key") for one in failed}
    return [one for one in batch if one["Key"] in keys]


def _in_xml(key: str) -> bool:
    return all(char >= " " and char not in "\ufffe\uffff" for char in key)


def _abort(aws: Aws, name: str, upload: dict[str, Any]) -> None:
    aws.remove("s3.AbortMultipartUpload", Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])

"""One large file into S3 in parts, several at once: faster than one stream, and without its limit of 5 GB.

AWS facts (S3 user guide, multipart upload):
- Parts of an upload that was never completed are stored, and paid for, until it is aborted.
- A CompleteMultipartUpload whose answer was lost has done its work: then there is no such upload any more.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections import deque
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.errors import AwsError, SlxError
from serverless_cli.packaging.digests import of_parts
from serverless_cli.packaging.site import parts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")

LANES = 8
"""parts on their way at once, each read from the disk as it is sent"""


def abort_left(aws: Aws, bucket: str, keys: Container[str]) -> None:
    """Removes the parts that a run before this one, which was killed, left at these keys. To be called before this
    run begins any upload at them; those at other keys are somebody else's."""
    for one in aws.pages("s3.ListMultipartUploads", "Uploads", Bucket=bucket):
        if one["Key"] in keys:
            aws.remove("s3.AbortMultipartUpload", Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])


def put_in_parts(aws: Aws, path: Path, size: int, settings: Mapping[str, Any], passing: tuple[Passing, ...]) -> None:
    """Puts the file with the settings of a PutObject.

    Raises AwsError, OSError; then there is no part of this upload left, unless nothing can be removed either.
    """
    place = {"Bucket": settings["Bucket"], "Key": settings["Key"]}
    upload = aws.call("s3.CreateMultipartUpload", passing=passing, **settings)["UploadId"]
    try:
        sent = _send(aws, path, size, {**place, "UploadId": upload})
        _complete(aws, {**place, "UploadId": upload}, sent)
    except BaseException:
        with contextlib.suppress(SlxError):
            aws.remove("s3.AbortMultipartUpload", UploadId=upload, **place)
        raise


def _send(aws: Aws, path: Path, size: int, place: Mapping[str, Any]) -> list[dict[str, Any]]:
    todo, sent = deque(enumerate(parts(size), 1)), list[dict[str, Any]]()

    def lane(_: int) -> None:
        with path.open("rb") as file:
            while (part := _next(todo)) is not None:
                number, (start, length) = part
                body = Window(file, start, length)
                try:
                    etag = aws.call("s3.UploadPart", PartNumber=number, Body=body, **place)["ETag"]
                except BaseException:
                    todo.clear()  # the others end with the parts that they are at
                    raise
                sent.append({"PartNumber": number, "ETag": etag})

    aws.map(lane, range(LANES))
    return sorted(sent, key=lambda part: part["PartNumber"])


def _next(todo: deque[T]) -> T | None:
    try:
        return todo.popleft()
    except IndexError:
        return None


def _complete(aws: Aws, place: Mapping[str, Any], sent: list[dict[str, Any]]) -> None:
    try:
        aws.call("s3.CompleteMultipartUpload", MultipartUpload={"Parts": sent}, **place)
    except AwsError as error:
        if error.code != "NoSuchUpload":
            raise
        # Or somebody has aborted it, and what is there is from before.
        found = aws.find("s3.HeadObject", Bucket=place["Bucket"], Key=place["Key"])
        if found is None or found["ETag"].strip('"') != _etag(sent):
            raise


def _etag(sent: list[dict[str, Any]]) -> str:
    """That of the object that these parts make; empty where their own are no digests (KMS)."""
    try:
        return of_parts([bytes.fromhex(part["ETag"].strip('"')) for part in sent])
    except ValueError:
        return ""


class Window(io.RawIOBase):
    """Some of a file's bytes as a file of their own. It reads from nowhere else, and closes nothing."""

    def __init__(self, file: io.BufferedReader, start: int, length: int) -> None:
        super().__init__()
        self._file, self._start = file, start
        self._length = min(length, max(0, os.fstat(file.fileno()).st_size - start))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = max(0, {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence] + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)[: max(0, self._length - self._at)]
        self._file.seek(self._start + self._at)
        many = self._file.readinto(view)
        self._at += many
        return many

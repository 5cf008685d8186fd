"""A copy of a bucket's objects: a file for each, and a line that says which object it is and how to put it back.

Keys are no paths: they may end in a slash, lead upwards, be too long, or differ only in what a file system does not
tell apart. What cannot lie under its own name lies under the digest of its key.

AWS facts (S3 API reference):
- The ETag of an object is the MD5 of its content, but not of one that was uploaded in parts or encrypted by KMS.
- Lists name current objects alone; older versions and delete markers are in lists of their own.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from serverless_cli.aws.body import pieces
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import AwsError, SlxError
from serverless_cli.model import Saved
from serverless_cli.records import dataclass
from serverless_cli.resources.copies import create, lines, make

FILE, OWN, RENAMED = "objects.jsonl", "objects", "renamed"
AT_ONCE = 256
"""keys that are held in memory at once"""
TRIES = 4
KEPT = (
    "ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Metadata",
    "WebsiteRedirectLocation", "StorageClass",
)  # fmt: skip
"""what an object has beside its content, as PutObject takes it"""
WITHOUT = "older versions, access control lists"

_FORBIDDEN = re.compile(r'[<>:"\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_TAKEN = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
"""what a file system answers when a key cannot lie under its own name, or another one lies there"""


@dataclass(slots=True)
class _Sum:
    """Tells two sets of objects apart, in whatever order they come, in a few bytes."""

    total: int = 0
    count: int = 0

    def add(self, key: str, etag: str, size: int) -> None:
        name = "\0".join((key, etag.strip('"'), str(size))).encode("utf-8", "surrogatepass")
        self.total = (self.total + int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "big")) % (1 << 128)
        self.count += 1


@dataclass(slots=True)
class _Copying:
    aws: Aws
    bucket: str
    folder: Path
    saved: Callable[[int, int], None]
    copied: _Sum = field(default_factory=_Sum)
    size: int = 0

    def batch(self, keys: list[str]) -> Iterator[Mapping[str, Any]]:
        """The lines of some objects; those that are gone meanwhile have none."""
        for line in self.aws.map(self._one, keys):
            if line:
                self.copied.add(line["key"], line["etag"], line["size"])
                self.size += line["size"]
                yield line

    def _one(self, key: str) -> dict[str, Any] | None:
        for left in reversed(range(TRIES)):
            answer = self.aws.find("s3.GetObject", Bucket=self.bucket, Key=key)
            if answer is None:
                return None
            try:
                line = self._keep(key, answer)
            except AwsError as error:
                if not (error.lost and left):
                    raise
            else:
                self.saved(1, line["size"])
                return line
        raise AssertionError  # the last try returns or raises

    def _keep(self, key: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        handle, path = _place(self.folder, key)
        try:
            with os.fdopen(handle, "wb") as file:
                size, md5, sha256 = self._write(file, pieces("s3.GetObject", answer))
                file.flush()
                os.fsync(file.fileno())
            _compare(self.bucket, key, answer, size, md5)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        where = path.relative_to(self.folder).as_posix()
        etag = str(answer["ETag"])
        return {"key": key, "file": where, "size": size, "etag": etag, "sha256": sha256, "put": self._put(key, answer)}

    def _write(self, file: Any, content: Iterable[bytes]) -> tuple[int, str, str]:
        size, md5, sha256 = 0, hashlib.md5(usedforsecurity=False), hashlib.sha256()
        for piece in content:
            file.write(piece)
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
            self.saved(0, 0)
        return size, md5.hexdigest(), sha256.hexdigest()

    def _put(self, key: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that put it back as it was."""
        found = {"Key": key, **{name: answer[name] for name in KEPT if answer.get(name)}}
        if answer.get("ExpiresString"):
            found["Expires"] = answer["ExpiresString"]
        if answer.get("TagCount"):
            tags = self.aws.call("s3.GetObjectTagging", Bucket=self.bucket, Key=key)["TagSet"]
            found["Tagging"] = urlencode({one["Key"]: one["Value"] for one in tags})
        return found


def save(aws: Aws, name: str, folder: Path, saved: Callable[[int, int], None]) -> Saved:
    """Copies all current objects, then looks again. Raises SlxError when the bucket changed meanwhile."""
    copying = _Copying(aws, name, folder, saved)
    listed = (str(one["Key"]) for one in aws.pages("s3.ListObjectsV2", "Contents", Bucket=name))
    with lines(folder / FILE) as file:
        while keys := list(islice(listed, AT_ONCE)):
            for line in copying.batch(keys):
                file.add(line)
    now = _Sum()
    for one in aws.pages("s3.ListObjectsV2", "Contents", Bucket=name):
        now.add(one["Key"], one["ETag"], one["Size"])
    if now != copying.copied:
        raise SlxError(
            f"bucket {name} changed while it was saved",
            f"{copying.copied.count} objects were copied, and the bucket has {now.count}, or others, now",
            "stop what writes to it, then run the command again",
        )
    return Saved("objects", file.count, copying.size, FILE, file.sha256, WITHOUT)


def _compare(bucket: str, key: str, answer: Mapping[str, Any], size: int, md5: str) -> None:
    etag = str(answer["ETag"]).strip('"')
    plain = re.fullmatch("[0-9a-f]{32}", etag) and str(answer.get("ServerSideEncryption", "AES256")) == "AES256"
    encrypted = answer.get("SSECustomerAlgorithm")
    if size != answer["ContentLength"] or (plain and not encrypted and md5 != etag):
        raise AwsError("s3.GetObject", "Incomplete", f"{bucket}/{key} did not arrive as it was sent", lost=True)


def _place(folder: Path, key: str) -> tuple[int, Path]:
    """A new file for an object, under its own name if that can be."""
    if _is_plain(key):
        path = folder / OWN / key
        with contextlib.suppress(UnicodeError):
            try:
                return _new(path), path
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    path = folder / RENAMED / digest[:2] / digest
    return _new(path), path


def _new(path: Path) -> int:
    make(path.parent)
    return create(path)


def _is_plain(key: str) -> bool:
    """Whether a key is a path that every file system takes, and that stays below its folder."""
    parts = key.split("/")
    return len(key) <= 200 and len(parts) <= 16 and all(map(_is_name, parts))


def _is_name(part: str) -> bool:
    return (
        part not in ("", ".", "..")
        and part.isprintable()
        and not _FORBIDDEN.search(part)
        and not _RESERVED.fullmatch(part)
        and part[-1] not in ". "
        and part[0] != " "
    )

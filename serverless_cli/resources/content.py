"""The files uploaded into a bucket, compared with what is there by listing it: no file is read back.

AWS facts (S3 user guide; botocore's model):
- A listing gives each object's ETag. Unless it is encrypted with KMS, its bytes, and how they were divided, say what
  that is (`packaging.digests`).
- Without a content type S3 says binary/octet-stream, and browsers download the page instead of showing it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from serverless_cli.aws.body import pieces
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import SlxError
from serverless_cli.model import Change, Found, Late, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.packaging.digests import Digests
from serverless_cli.packaging.site import TEXT, cache_control, content_type, parts, walk
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.resources.buckets import SETTLING
from serverless_cli.resources.content_parts import abort_left, put_in_parts
from serverless_cli.wiring import Uploads, Wiring

MARK = "slx-id"
"""The metadata that says which `content` an object belongs to, for the day when the record is lost."""
IN_PARTS = ("s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload")


@dataclass(frozen=True, slots=True)
class File(Spec):
    """One uploaded file. `etag` is that of its bytes after filling; Late while a value to fill in is unknown."""

    etag: str
    size: int
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class ContentSpec(Spec):
    """`files` by key; `prepare` reads them from `folder`. Files that slx did not put are no part of it."""

    public: bool
    files: Mapping[str, File]
    folder: str = field(default="", compare=False)
    fill: Mapping[str, str] = field(default_factory=dict, compare=False)
    cache: Mapping[str, str] = field(default_factory=dict, compare=False)


class ContentWeaver(Weaver[Uploads]):
    """The files of each bucket that has content."""

    takes = Uploads

    def weave(self, wiring: tuple[Uploads, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            bucket = Ref("bucket", one.bucket)
            spec = ContentSpec(one.public, {}, one.folder, one.fill, one.cache)
            yield Resource(
                Ref("content", one.bucket),
                one.name,
                spec,
                frozenset({bucket}),
                inside=bucket,
                where=one.where,
                retain=one.retain,
            )


class ContentKind(Kind[ContentSpec]):
    kind = "content"
    doc = "uploaded files"
    spec = ContentSpec
    marked = False
    needs_only_ready = frozenset({"bucket", "http-api"})  # that takes public files; whose URL is known
    rank = 40
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("s3:ListBucket", "s3:GetObject", "s3:ListBucketMultipartUploads"),
        Verb.CREATE: ("s3:PutObject", "s3:PutObjectAcl", "s3:ListBucket", "s3:DeleteObject", *IN_PARTS),
        Verb.UPDATE: ("s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject", *IN_PARTS),
        Verb.DELETE: ("s3:DeleteObject",),
        Verb.SEARCH: (),
    }

    def prepare(self, spec: ContentSpec) -> ContentSpec:
        if not spec.folder:
            return spec
        digests = Digests(Path(spec.folder))
        files = {key: _local(entry, key, spec, digests) for key, entry in walk(Path(spec.folder))}
        digests.keep()
        return replace(spec, files=files)

    def read(self, aws: Aws, here: Here) -> Observed | None:
        listed = {one["Key"]: one for one in aws.pages("s3.ListObjectsV2", "Contents", Bucket=here.name)}
        recorded = here.recorded if isinstance(here.recorded, ContentSpec) else None
        begun = _begun(aws, here) if here.traces else {}
        if recorded is None:
            files = {**begun, **self._marked(aws, here, listed)}
            public = here.wish.public if isinstance(here.wish, ContentSpec) else False
            return Observed(ContentSpec(public, files)) if files else None
        # What a step put that never ended may have left the folder since.
        late = [key for key in here.traces if key in listed and key not in recorded.files]
        # Headers are not listed: they are what was recorded with these bytes.
        files = {
            key: replace(file, etag=listed[key]["ETag"].strip('"'), size=listed[key]["Size"])
            for key, file in recorded.files.items()
            if key in listed
        }
        files |= self._marked(aws, here, {key: listed[key] for key in late}) | begun
        return Observed(ContentSpec(recorded.public, files)) if files else None

    def _marked(self, aws: Aws, here: Here, listed: Mapping[str, Any]) -> dict[str, File]:
        return {
            key: File(
                listed[key]["ETag"].strip('"'), listed[key]["Size"], head["ContentType"], head.get("CacheControl", "")
            )
            for key, head in self._heads(aws, here, listed).items()
        }

    def _heads(self, aws: Aws, here: Here, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """What S3 says of those that are ours: without a record, only an object's metadata tells."""
        every = list(keys)
        heads = aws.map(lambda key: aws.find("s3.HeadObject", Bucket=here.name, Key=key), every)
        said = {key: head for key, head in zip(every, heads, strict=True) if head}
        return {key: head for key, head in said.items() if head.get("Metadata", {}).get(MARK) == here.ref.id}

    def traces(self, spec: ContentSpec, recorded: ContentSpec | None) -> Iterable[str]:
        """Without any record each object is asked, but that says nothing of uploads that never ended."""
        had = recorded.files if recorded else {}
        large = {key for key, file in spec.files.items() if file != had.get(key) and _is_large(spec, key)}
        return sorted(large | (spec.files.keys() - had.keys() if recorded else set()))

    def create(self, aws: Aws, here: Here, spec: ContentSpec) -> Outputs:
        if here.fresh:
            # Nobody looks at a site yet that never had a file.
            large = frozenset(key for key in spec.files if _is_large(spec, key))
            _upload_all(aws, here, spec.files, spec, left=large)
            return {}
        return self._put(aws, here, spec, spec.files, frozenset(spec.files))

    def update(self, aws: Aws, here: Here, spec: ContentSpec, changes: tuple[Change, ...]) -> Outputs:
        every = any(change.field == "public" or len(change.path) == 1 for change in changes)
        changed = {change.path[1] for change in changes if change.field == "files" and len(change.path) > 1}
        keys = spec.files if every else [key for key in spec.files if key in changed]
        large = (key for key in keys if _is_large(spec, key))
        self._put(aws, here, spec, keys, frozenset({*here.traces, *large}))
        for key in sorted(changed - set(spec.files)):
            aws.remove("s3.DeleteObject", Bucket=here.name, Key=key)
        return {}

    def _put(self, aws: Aws, here: Here, spec: ContentSpec, keys: Iterable[str], mine: frozenset[str]) -> Outputs:
        """Uploads: pages last, so that none names a file that is not there yet. At the keys that are `mine` an earlier
        run may have been stopped in the middle of a file."""
        pages = [key for key in keys if key.endswith((".html", ".htm"))]
        others = [key for key in keys if key not in set(pages)]
        first, *rest = [group for group in (others, pages) if group] or [[]]
        _upload_all(aws, here, first, spec, left=mine)
        for group in rest:
            _upload_all(aws, here, group, spec)
        return {}

    def delete(self, aws: Aws, here: Here) -> None:
        recorded = here.recorded if isinstance(here.recorded, ContentSpec) else None
        if recorded:
            for key in sorted(recorded.files.keys() | self._heads(aws, here, here.traces).keys()):
                aws.remove("s3.DeleteObject", Bucket=here.name, Key=key)

    def hold(self, aws: Aws, here: Here, spec: ContentSpec, changes: tuple[Change, ...], folder: Path) -> ContentSpec:
        """Keeps the files that are about to be written over, whoever put them there."""
        every = any(change.field == "public" or len(change.path) == 1 for change in changes) or not changes
        keys = {change.path[1] for change in changes if change.field == "files" and len(change.path) > 1}
        wanted = sorted(keys | set(spec.files) if every else keys)
        held = dict(zip(wanted, aws.map(lambda key: _held(aws, here.name, key, folder), wanted), strict=True))
        files = {**spec.files, **{key: file for key, file in held.items() if file}}
        return replace(spec, files=files, folder=str(folder), fill={})

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """Files are found, and go, with their bucket."""
        return iter(())


_A_PART = File("", 0, "", "")


def _begun(aws: Aws, here: Here) -> dict[str, File]:
    """What a step that never ended has left parts of, which no listing of objects shows."""
    uploads = aws.pages("s3.ListMultipartUploads", "Uploads", Bucket=here.name)
    return dict.fromkeys({one["Key"] for one in uploads} & set(here.traces), _A_PART)


def _held(aws: Aws, bucket: str, key: str, folder: Path) -> File | None:
    """Fetches an object below `folder`, under its own key; None when there is none."""
    path = folder / key
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SlxError(f"the object {key} cannot be kept as a file", "its key leads out of the folder")
    found = aws.find("s3.GetObject", Bucket=bucket, Key=key)
    if found is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(pieces("s3.GetObject", found))
    return File(found["ETag"].strip('"'), path.stat().st_size, found["ContentType"], found.get("CacheControl", ""))


def _local(entry: os.DirEntry[str], key: str, spec: ContentSpec, digests: Digests) -> File:
    kind, cache, about = content_type(key), cache_control(key, spec.cache), entry.stat()
    found = digests.of(key, entry.path, about, text=bool(spec.fill and TEXT.match(kind)))
    used = {name: spec.fill[name] for name in spec.fill if name in found.slots}
    if not used:
        return File(found.etag, about.st_size, kind, cache)
    late = [value for value in used.values() if isinstance(value, Late)]
    if late:
        return File(Late(tuple(part for value in late for part in value.parts)), about.st_size, kind, cache)
    filled = _filled(Path(entry.path).read_bytes(), used)
    return File(hashlib.md5(filled, usedforsecurity=False).hexdigest(), len(filled), kind, cache)


def _filled(data: bytes, fill: Mapping[str, str]) -> bytes:
    for name, value in fill.items():
        data = data.replace(b"{{" + name.encode() + b"}}", str.__str__(value).encode())
    return data


def _upload_all(
    aws: Aws, here: Here, keys: Iterable[str], spec: ContentSpec, *, left: frozenset[str] = frozenset()
) -> None:
    """Uploads small files all at once, and then the large ones, each with several of its parts at once. What is `left`
    of uploads at these keys is removed before the latter begin."""
    large = [key for key in keys if _is_large(spec, key)]
    small = [partial(_upload, aws, here, key, spec) for key in keys if key not in set(large)]
    first = [partial(abort_left, aws, here.name, left)] if left else []
    aws.map(lambda work: work(), [*first, *small])
    for key in large:
        put_in_parts(aws, Path(spec.folder) / key, spec.files[key].size, _settings(here, key, spec), SETTLING)


def _upload(aws: Aws, here: Here, key: str, spec: ContentSpec) -> None:
    path, settings = Path(spec.folder) / key, _settings(here, key, spec)
    if _is_filled(spec, key):
        body = _filled(path.read_bytes(), spec.fill)
        aws.call("s3.PutObject", passing=SETTLING, Body=body, **settings)
    else:
        with path.open("rb") as stream:
            aws.call("s3.PutObject", passing=SETTLING, Body=stream, **settings)


def _is_large(spec: ContentSpec, key: str) -> bool:
    return bool(parts(spec.files[key].size)) and not _is_filled(spec, key)


def _is_filled(spec: ContentSpec, key: str) -> bool:
    return bool(spec.fill and TEXT.match(spec.files[key].content_type))


def _settings(here: Here, key: str, spec: ContentSpec) -> dict[str, Any]:
    file = spec.files[key]
    settings: dict[str, Any] = {
        "Bucket": here.name,
        "Key": key,
        "ContentType": file.content_type,
        "CacheControl": file.cache_control,
        "Metadata": {MARK: here.ref.id},
    }
    return {**settings, "ACL": "public-read"} if spec.public else settings

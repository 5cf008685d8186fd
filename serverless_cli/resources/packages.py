"""The stack's bucket for packages that do not fit into a call, with these packages in it.

It is there only while something needs it, and goes with it. What is in it is a copy of what this machine can make
again, so that it holds no data of the user.

AWS facts (S3 user guide; Lambda developer guide):
- New buckets are private, encrypted and without ACLs; nothing of that needs to be said.
- Lambda copies the code while it handles the call, under the rights of the caller; the object may go afterwards.
- us-east-1 wants no location constraint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, ClassVar

from serverless_cli.aws.body import pieces
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import AwsError
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Stack, Verb
from serverless_cli.packaging import Package
from serverless_cli.records import dataclass
from serverless_cli.resources import buckets
from serverless_cli.resources.base import Here, Kind
from serverless_cli.resources.buckets import FRESH
from serverless_cli.resources.bundles import PACKAGES_ID, packages_bucket
from serverless_cli.resources.emptying import remove_bucket
from serverless_cli.resources.ownership import ForeignError, attempt, belongs, claim, hidden

REF = Ref("packages", PACKAGES_ID)


@dataclass(frozen=True, slots=True)
class PackagesSpec(Spec):
    """`files` are sizes by key; a key is the digest of its content. `paths` say where these files are."""

    files: Mapping[str, int]
    paths: Mapping[str, str] = field(default_factory=dict, compare=False, metadata={"transient": True})


def with_packages(stack: Stack) -> Stack:
    """The prepared stack, with the bucket for its large packages if there are any; who needs it waits for it."""
    large = {ref: code for ref, one in stack.resources.items() if (code := _large(one.spec))}
    if not large:
        return stack
    codes = {code.key: code for code in large.values()}
    files = {key: codes[key].size for key in sorted(codes)}
    spec = PackagesSpec(files, {key: codes[key].path for key in files})
    bucket = Resource(REF, packages_bucket(stack.place), spec)
    users = {ref: replace(one, needs=one.needs | {REF}) for ref, one in stack.resources.items() if ref in large}
    return replace(stack, resources={**stack.resources, **users, REF: bucket})


def _large(spec: Spec) -> Package | None:
    code = getattr(spec, "code", None)
    return code if isinstance(code, Package) and code.large else None


class PackagesKind(Kind[PackagesSpec]):
    kind = "packages"
    doc = "bucket for large packages"
    spec = PackagesSpec
    rank = 60
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("s3:GetBucketTagging", "s3:ListBucket", "s3:GetObject"),
        Verb.CREATE: ("s3:CreateBucket", "s3:TagResource", "s3:PutBucketTagging", "s3:GetBucketTagging",
                      "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"),
        Verb.UPDATE: ("s3:PutBucketTagging", "s3:GetBucketTagging", "s3:PutObject", "s3:DeleteObject"),
        Verb.DELETE: ("s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:DeleteObject",
                      "s3:DeleteObjectVersion", "s3:AbortMultipartUpload", "s3:DeleteBucket"),
        Verb.SEARCH: ("s3:ListAllMyBuckets", "s3:GetBucketTagging"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        try:
            tags = buckets.tags(aws, here.name)
        except AwsError as error:
            if not hidden(error):
                raise
            return Observed(PackagesSpec({}), note=f"it is not yours to read: {error.message}")
        if tags is None:
            return None
        objects = aws.pages("s3.ListObjectsV2", "Contents", Bucket=here.name)
        return Observed(PackagesSpec({one["Key"]: one["Size"] for one in objects}), mark=Mark.of(tags))

    def create(self, aws: Aws, here: Here, spec: PackagesSpec) -> Outputs:
        where: dict[str, Any] = {"Tags": here.mark.pairs}
        if here.place.region != "us-east-1":
            where["LocationConstraint"] = here.place.region
        try:
            made = attempt(
                aws, "s3.CreateBucket", "BucketAlreadyOwnedByYou", Bucket=here.name, CreateBucketConfiguration=where
            )
        except AwsError as error:
            if error.code != "BucketAlreadyExists":
                raise
            raise ForeignError(here, None, "somebody else has a bucket of that name") from error
        found = self.read(aws, here)
        if made is None:
            claim(here, found)
        # A new bucket may not be visible yet; then the tags that it was made with are not either.
        have = found.spec.files if found and isinstance(found.spec, PackagesSpec) else {}
        if found and found.mark is None:
            self._tag(aws, here)
        return self._put(aws, here, spec, have)

    def update(self, aws: Aws, here: Here, spec: PackagesSpec, changes: tuple[Change, ...]) -> Outputs:
        if any(change.field == "mark" for change in changes):
            self._tag(aws, here)
        files = [change for change in changes if change.field == "files" and len(change.path) > 1]
        before = {change.path[1]: change.before for change in files if change.before}
        same = {key: size for key, size in spec.files.items() if ("files", key) not in {one.path for one in changes}}
        return self._put(aws, here, spec, {**before, **same})

    def _put(self, aws: Aws, here: Here, spec: PackagesSpec, have: Mapping[str, object]) -> Outputs:
        """Uploads what is missing among `have`, then removes what nobody needs any more."""
        for key, size in spec.files.items():
            if have.get(key) != size:
                with Path(spec.paths[key]).open("rb") as stream:
                    aws.call("s3.PutObject", passing=FRESH, Bucket=here.name, Key=key, Body=stream)
        for key in sorted(set(have) - set(spec.files)):
            aws.remove("s3.DeleteObject", Bucket=here.name, Key=key)
        return {}

    def _tag(self, aws: Aws, here: Here) -> None:
        kept = {key: value for key, value in (buckets.tags(aws, here.name) or {}).items() if not key.startswith("aws:")}
        pairs = [{"Key": key, "Value": value} for key, value in (kept | here.mark.tags).items()]
        aws.call("s3.PutBucketTagging", passing=FRESH, Bucket=here.name, Tagging={"TagSet": pairs})

    def delete(self, aws: Aws, here: Here) -> None:
        remove_bucket(aws, here.name)

    def hold(self, aws: Aws, here: Here, spec: PackagesSpec, changes: tuple[Change, ...], folder: Path) -> PackagesSpec:
        return replace(spec, paths={key: _held(aws, here.name, key, folder) for key in spec.files})

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        names = [one["Name"] for one in buckets.listed(aws)]
        mine = [name for name in names if (name == packages_bucket(place) if place else name.startswith("slx-"))]
        for name in mine:
            try:
                mark = Mark.of(buckets.tags(aws, name) or {})
            except AwsError as error:
                if not hidden(error):
                    raise
                continue
            if mark and mark.id == REF.id and belongs(mark, place):
                yield Found(REF, name, mark)


def _held(aws: Aws, bucket: str, key: str, folder: Path) -> str:
    """Where a package of the bucket lies on this machine; fetched if need be."""
    path = folder / key.rpartition("/")[2]
    with path.open("wb") as file:
        file.writelines(pieces("s3.GetObject", aws.call("s3.GetObject", Bucket=bucket, Key=key)))
    return str(path)

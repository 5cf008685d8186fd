"""S3 buckets: ownership, public access, website hosting; their uploaded content is a kind of its own (content.py).

AWS facts (S3 user guide; botocore's model; the tools that code against them):
- Since April 2023 a new bucket has ACLs disabled and all of Block Public Access on. Public files need ACLs enabled
  first, then Block Public Access off; and the account has a block of its own, which wins.
- Two bucket-level writes at once answer 409 OperationAborted: they go one after the other; objects are free.
- us-east-1 wants no location constraint and answers 200 when our bucket exists; other regions want their own name.
- A new bucket may answer NoSuchBucket to the first settings. Tags can be given at create (newer API).
- DeleteBucket wants every version, delete marker and object gone; unfinished uploads cost money and go too.
- Whoever may not list a bucket is told 403 instead of 404 for what is not there; a website's unknown paths want the
  404, so the bucket's own ACL lets everybody list a public website. All that it holds is public anyhow.
- Dash or dot before the region in the website endpoint depends on the region (names.site_url).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.aws.calls import Aws
from serverless_cli.diff import changes as differences
from serverless_cli.errors import AwsError, Problem, SlxError
from serverless_cli.keys import Doc, Folder, KeyPattern, LateOk, Pattern
from serverless_cli.model import Change, Found, Loss, Mark, Observed, Outputs, Place, Ref, Resource, Saved, Spec, Verb
from serverless_cli.names import NameRule, site_url
from serverless_cli.records import dataclass
from serverless_cli.resources import bucket_copy, buckets
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, apart, together
from serverless_cli.resources.buckets import FRESH, SETTLING
from serverless_cli.resources.bundles import PACKAGES_ID
from serverless_cli.resources.content_folder import content_problems
from serverless_cli.resources.emptying import remove_bucket
from serverless_cli.resources.ownership import ForeignError, attempt, belongs, hidden
from serverless_cli.wiring import Statement, Uploads, Wiring

BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsiteKeys:
    """Static website hosting."""

    index: Annotated[str, Doc("The page that stands for a folder."), Pattern(r"[^/\s]+", "a file name without /")] = (
        "index.html"
    )
    error: Annotated[str | None, Doc("The page that is shown when there is none at a path.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKeys:
    """A bucket, and the files that are uploaded into it."""

    access: Annotated[
        Literal["private", "public-read"],
        Doc("`public-read`: ACLs enabled, Block Public Access off, and the uploaded files readable by everybody."),
    ] = "private"
    website: Annotated[WebsiteKeys | None, Doc("Serves the bucket as a website.")] = None
    content: Annotated[Folder | None, Doc("A folder whose files are uploaded.")] = None
    fill: Annotated[
        Mapping[str, str],
        Doc("`{{NAME}}` in uploaded text files becomes the value: `{API_URL: ${api.url}}`."),
        KeyPattern(r"[A-Z][A-Z0-9_]*", "capital letters, digits and _"),
        LateOk(),
    ] = field(default_factory=dict)
    cache: Annotated[
        Mapping[str, str], Doc("Cache-Control by file pattern, such as `{'*.png': max-age=86400}`; first match wins.")
    ] = field(default_factory=dict)  # fmt: skip
    versioning: Annotated[bool, Doc("Keeps every version of an object.")] = False


@dataclass(frozen=True, slots=True)
class BucketSpec(Spec):
    """`blocked` are the flags of Block Public Access that are on. `versioning` is `Enabled` or empty."""

    ownership: str
    blocked: tuple[str, ...]
    acl: str
    index: str | None
    error: str | None
    versioning: str


_UNKNOWN = BucketSpec("", (), "", None, None, "")


def bucket_arn(place: Place, name: str) -> str:
    return f"arn:{place.partition}:s3:::{name}"


def _get(target: str, prefix: str = "") -> tuple[Statement, ...]:
    return (Statement(("s3:GetObject",), (f"{target}/{prefix}*",)),)


def _read(target: str, prefix: str = "") -> tuple[Statement, ...]:
    below = {"StringLike": {"s3:prefix": (f"{prefix}*",)}} if prefix else {}
    return *_get(target, prefix), Statement(("s3:ListBucket",), (target,), below)


def _write(target: str, prefix: str = "") -> tuple[Statement, ...]:
    return (Statement(("s3:DeleteObject", "s3:PutObject"), (f"{target}/{prefix}*",)),)


def _both(target: str, prefix: str = "") -> tuple[Statement, ...]:
    return _read(target, prefix) + _write(target, prefix)


class BucketType(Type[BucketKeys]):
    type_name = "bucket"
    doc = "S3 bucket: files, public or not, and static websites."
    keys = BucketKeys
    name_rule = NameRule(
        63,
        r"(?!xn--|sthree-|amzn-s3-demo-|(?:\d+\.){3}\d+$)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]"
        r"(?<!-s3alias)(?<!--ol-s3)(?<!\.mrap)(?<!--x-s3)(?<!--table-s3)",
        scope="global",
        underscore=False,
        says="3 to 63 lower-case letters, digits, - and single dots, which begins and ends with a letter or digit; "
        "it is no IP address, and neither begins (xn--) nor ends (-s3alias) as AWS's own do",
    )
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The bucket's name.", lambda _, name: name),
        "arn": Attribute("The bucket's ARN.", bucket_arn),
        "url": Attribute("The website endpoint, without a slash at the end.", site_url),
        "origin": Attribute("The website's origin, as CORS wants it.", site_url),
    }
    grants: ClassVar = {"get": _get, "read": _read, "write": _write, "read-write": _both}
    narrow: ClassVar = {"get": _get, "read": _read, "write": _write, "read-write": _both}

    def problems(self, it: Declared[BucketKeys], scope: Scope) -> Iterable[Problem]:
        yield from apart(self._fill_problems(it), self._content_problems(it))

    def _fill_problems(self, it: Declared[BucketKeys]) -> Iterable[Problem]:
        if it.keys.fill and not it.keys.content:
            yield Problem(f"`fill` of {it.id} has nothing to fill", "there is no `content`", where=it.line("fill"))

    def _content_problems(self, it: Declared[BucketKeys]) -> Iterable[Problem]:
        keys = it.keys
        if keys.content:
            pages = {"index": keys.website.index, "error": keys.website.error} if keys.website else {}
            yield from content_problems(it, keys.content, pages)

    def expand(self, it: Declared[BucketKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref = it.keys, Ref("bucket", it.id)
        public = keys.access == "public-read"
        spec = BucketSpec(
            ownership="BucketOwnerPreferred" if public else "BucketOwnerEnforced",
            blocked=() if public else BLOCKS,
            acl="public-read" if public and keys.website else "private",
            index=keys.website.index if keys.website else None,
            error=keys.website.error if keys.website else None,
            versioning="Enabled" if keys.versioning else "",
        )
        yield Resource(ref, it.name, spec, where=it.where, retain=it.retain)
        if keys.content:
            yield Uploads(
                it.id, it.name, keys.content, public, dict(keys.fill), dict(keys.cache), it.retain, it.line("content")
            )


class BucketKind(Kind[BucketSpec]):
    kind = "bucket"
    doc = "S3 bucket"
    spec = BucketSpec
    data = True
    can_save = True
    rank = 60
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("s3:GetBucketTagging", "s3:GetBucketOwnershipControls", "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketWebsite", "s3:GetBucketVersioning", "s3:GetBucketAcl"),
        Verb.CREATE: ("s3:CreateBucket", "s3:TagResource", "s3:PutBucketTagging", "s3:PutBucketOwnershipControls",
                      "s3:PutBucketPublicAccessBlock", "s3:PutBucketWebsite", "s3:DeleteBucketWebsite",
                      "s3:PutBucketVersioning", "s3:GetBucketTagging", "s3:GetBucketOwnershipControls",
                      "s3:GetBucketPublicAccessBlock", "s3:GetBucketWebsite", "s3:GetBucketVersioning",
                      "s3:GetBucketAcl", "s3:PutBucketAcl"),
        Verb.UPDATE: ("s3:PutBucketTagging", "s3:GetBucketTagging", "s3:PutBucketOwnershipControls",
                      "s3:PutBucketPublicAccessBlock", "s3:PutBucketWebsite", "s3:DeleteBucketWebsite",
                      "s3:PutBucketVersioning", "s3:PutBucketAcl", "s3:GetBucketWebsite"),
        Verb.DELETE: ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:DeleteObject",
                      "s3:DeleteObjectVersion", "s3:AbortMultipartUpload", "s3:DeleteBucket"),
        Verb.SEARCH: ("s3:ListAllMyBuckets", "s3:GetBucketTagging"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        try:
            tags, owner, block, acl, website, version = together(
                aws,
                (
                    lambda: buckets.tags(aws, here.name),
                    lambda: aws.find("s3.GetBucketOwnershipControls", Bucket=here.name),
                    lambda: aws.find("s3.GetPublicAccessBlock", Bucket=here.name),
                    lambda: aws.find("s3.GetBucketAcl", Bucket=here.name),
                    lambda: aws.find("s3.GetBucketWebsite", Bucket=here.name),
                    lambda: aws.find("s3.GetBucketVersioning", Bucket=here.name),
                ),
            )
        except AwsError as error:
            return _elsewhere(error)
        if tags is None:
            return None
        rules = ((owner or {}).get("OwnershipControls") or {}).get("Rules") or [{}]
        flags = (block or {}).get("PublicAccessBlockConfiguration") or {}
        spec = BucketSpec(
            ownership=rules[0].get("ObjectOwnership", ""),
            blocked=tuple(flag for flag in BLOCKS if flags.get(flag)),
            acl=_read_acl((acl or {}).get("Grants") or []),
            index=(website or {}).get("IndexDocument", {}).get("Suffix"),
            error=(website or {}).get("ErrorDocument", {}).get("Key"),
            # What was enabled once can only be suspended: that is off.
            versioning="Enabled" if (version or {}).get("Status") == "Enabled" else "",
        )
        return Observed(spec, mark=Mark.of(tags))

    def exists(self, aws: Aws, here: Here) -> Observed | None:
        try:
            tags = buckets.tags(aws, here.name)
        except AwsError as error:
            return _elsewhere(error)
        return None if tags is None else Observed(_UNKNOWN, mark=Mark.of(tags))

    def create(self, aws: Aws, here: Here, spec: BucketSpec) -> Outputs:
        where: dict[str, Any] = {"Tags": here.mark.pairs}
        if here.place.region != "us-east-1":
            where["LocationConstraint"] = here.place.region
        settings = {"ObjectOwnership": spec.ownership, "CreateBucketConfiguration": where}
        made = self._make(aws, here, settings)
        if made and here.fresh and not spec.blocked:
            return self._open(aws, here, spec)
        found = self.read(aws, here)
        if found is None:
            # Not visible yet: a new bucket has AWS's defaults, and what is set twice does no harm.
            found = Observed(
                BucketSpec(spec.ownership, BLOCKS, "private", None, None, ""), mark=here.mark if made else None
            )
        elif not made and found.mark != here.mark and not (found.mark is None and here.expected):
            raise ForeignError(here, found.mark, found.note)
        todo = differences(spec, found.spec, self.create_only)
        if found.mark is None:
            todo = (*todo, Change(("mark",), None, here.mark))
        return self.update(aws, here, spec, todo)

    def _open(self, aws: Aws, here: Here, spec: BucketSpec) -> Outputs:
        """What a public bucket that has just been made still needs, without looking at the rest first.

        It is new even in us-east-1, which answers 200 for a bucket of ours: not to a CreateBucket with tags.
        """
        # Some emulators do not block public access of new buckets; that it is off must be said to AWS in any case.
        born = BucketSpec(spec.ownership, BLOCKS, "private", None, None, "")
        todo = differences(spec, born, self.create_only)

        first = ("blocked", "acl")

        def apply() -> None:
            self._apply(aws, here.name, spec, tuple(one for one in todo if one.field in first), fresh=True)
            here.ready({})  # not before its own ACL was taken: one refusal of public ACLs is enough
            self._apply(aws, here.name, spec, tuple(one for one in todo if one.field not in first), fresh=True)

        _, tags = together(aws, (apply, lambda: buckets.tags(aws, here.name)))
        if Mark.of(tags or {}) != here.mark:
            _tag(aws, here, tags or {})
        return {}

    def _make(self, aws: Aws, here: Here, settings: dict[str, Any]) -> bool:
        """True when the bucket is new; False when it was there already and belongs to this account."""
        try:
            made = attempt(aws, "s3.CreateBucket", "BucketAlreadyOwnedByYou", Bucket=here.name, **settings)
        except AwsError as error:
            if error.code == "BucketAlreadyExists":
                raise ForeignError(
                    here, None, "somebody else has a bucket of that name: names are shared by all of AWS"
                ) from error
            raise
        return made is not None

    def update(self, aws: Aws, here: Here, spec: BucketSpec, changes: tuple[Change, ...]) -> Outputs:
        if any(change.field == "mark" for change in changes):
            _tag(aws, here, buckets.tags(aws, here.name) or {})
        self._apply(aws, here.name, spec, changes)
        return {}

    def _apply(
        self, aws: Aws, name: str, spec: BucketSpec, changes: tuple[Change, ...], *, fresh: bool = False
    ) -> None:
        """One setting after the other, as AWS demands of one bucket. A fresh bucket has no settings of others."""
        fields = {change.field for change in changes}
        if "acl" in fields and spec.acl == "private":
            # Ownership cannot be enforced while the ACL still lets others in, and this one is always taken.
            aws.call("s3.PutBucketAcl", passing=FRESH, Bucket=name, ACL=spec.acl)
        if "ownership" in fields:
            rules = {"Rules": [{"ObjectOwnership": spec.ownership}]}
            aws.call("s3.PutBucketOwnershipControls", passing=FRESH, Bucket=name, OwnershipControls=rules)
        if "blocked" in fields:
            flags = {flag: flag in spec.blocked for flag in BLOCKS}
            aws.call("s3.PutPublicAccessBlock", passing=FRESH, Bucket=name, PublicAccessBlockConfiguration=flags)
        if "acl" in fields and spec.acl != "private":
            aws.call("s3.PutBucketAcl", passing=SETTLING, Bucket=name, ACL=spec.acl)
        if "versioning" in fields:
            # Versioning can never be unset again, only suspended.
            status = {"Status": spec.versioning or "Suspended"}
            aws.call("s3.PutBucketVersioning", passing=FRESH, Bucket=name, VersioningConfiguration=status)
        if fields & {"index", "error"}:
            _set_website(aws, name, spec, fresh=fresh)

    def delete(self, aws: Aws, here: Here) -> None:
        remove_bucket(aws, here.name)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        made = {one["Name"]: one.get("CreationDate") for one in buckets.listed(aws)}
        names = list(made)
        if place:
            prefix = f"{place.stack}-{place.stage}-".replace("_", "-")
            names = [name for name in names if name.startswith(prefix)]
        for name, tags in zip(names, aws.map(lambda name: _tags_or_none(aws, name), names), strict=True):
            # The bucket for large packages is of another kind.
            if (mark := Mark.of(tags or {})) and belongs(mark, place) and mark.id != PACKAGES_ID:
                yield Found(Ref("bucket", mark.id), name, mark, since=made[name])

    def preflight(self, aws: Aws, here: Here, spec: BucketSpec) -> Iterable[Problem]:
        """Block Public Access of the account wins over the bucket's: then no website of it can be public."""
        known = here.recorded
        if spec.blocked or (isinstance(known, BucketSpec) and not known.blocked):
            return
        try:
            found = aws.find("s3control.GetPublicAccessBlock", AccountId=here.place.account)
        except SlxError:
            return
        flags = (found or {}).get("PublicAccessBlockConfiguration") or {}
        on = [flag for flag in BLOCKS if flags.get(flag)]
        if on:
            yield Problem(
                f"{here.ref.id} cannot be public: the account's Block Public Access is on ({', '.join(on)})",
                "it wins over what a bucket says about itself",
                "have it switched off (S3 console, Block Public Access of the account), or set `access: private`",
            )

    def save(self, aws: Aws, here: Here, folder: Path, saved: Callable[[int, int], None]) -> Saved:
        return bucket_copy.save(aws, here.name, folder, saved)

    def loss(self, aws: Aws, here: Here) -> Iterable[Loss]:
        count = size = 0
        for one in aws.pages("s3.ListObjectVersions", "Versions", Bucket=here.name):
            count, size = count + 1, size + int(one.get("Size", 0))
        if count:
            yield Loss("objects", count, size)


def _elsewhere(error: AwsError) -> Observed:
    """What can be said of a bucket that is not ours to see. Raises the error where it says something else."""
    if not hidden(error):
        raise error
    denied = error.code in ("AccessDenied", "403")
    note = f"it is another account's, or you may not read it: {error.message}" if denied else ""
    return Observed(_UNKNOWN, note=note or "it is in another region")


def _tags_or_none(aws: Aws, name: str) -> dict[str, str] | None:
    """As `_tags`; a bucket whose policy keeps us out, or in another region, is none of ours."""
    try:
        return buckets.tags(aws, name)
    except AwsError as error:
        if not hidden(error):
            raise
        return None


def _read_acl(grants: list[dict[str, Any]]) -> str:
    """The canned ACL that these grants amount to, as far as everybody is concerned."""
    groups = {(str(one["Grantee"].get("URI", "")).rpartition("/")[2], one["Permission"]) for one in grants}
    public = {(group, permission) for group, permission in groups if group in ("AllUsers", "AuthenticatedUsers")}
    if public == {("AllUsers", "READ")}:
        return "public-read"
    return ", ".join(f"{group} {permission}" for group, permission in sorted(public)) or "private"


def _tag(aws: Aws, here: Here, have: Mapping[str, str]) -> None:
    """Puts the mark beside the tags that a bucket has: they are written as a whole."""
    kept = {key: value for key, value in have.items() if not key.startswith("aws:")}
    pairs = [{"Key": key, "Value": value} for key, value in (kept | here.mark.tags).items()]
    aws.call("s3.PutBucketTagging", passing=FRESH, Bucket=here.name, Tagging={"TagSet": pairs})


def _set_website(aws: Aws, name: str, spec: BucketSpec, *, fresh: bool) -> None:
    if spec.index is None:
        aws.remove("s3.DeleteBucketWebsite", Bucket=name)
        return
    # Written as a whole: the routing rules of others are written back.
    rules = None if fresh else (aws.find("s3.GetBucketWebsite", Bucket=name) or {}).get("RoutingRules")
    settings: dict[str, Any] = {"IndexDocument": {"Suffix": spec.index}}
    if spec.error:
        settings["ErrorDocument"] = {"Key": spec.error}
    if rules:
        settings["RoutingRules"] = rules
    aws.call("s3.PutBucketWebsite", passing=FRESH, Bucket=name, WebsiteConfiguration=settings)

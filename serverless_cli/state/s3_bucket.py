"""The bucket of a state: making one, and what makes one fit to keep a state in.

It is versioned, so that no mistake is final; nobody else can read it, whatever policy or ACL it may get; and it is
encrypted: by its own KMS key if it has one, else by S3's keys, which is asked for with each write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.aws.missing import gone
from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.state.address import S3Address
from serverless_cli.state.s3_explain import explained

MARK = {"Key": "slx:purpose", "Value": "state"}
"""no stack's mark: a state outlives its stacks, and is no orphan"""
KEPT_DAYS = 90
"""how long old versions stay: each run leaves one for each write of its journal, and one every few seconds of its lock
"""
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_CLOSING = ("IgnorePublicAcls", "RestrictPublicBuckets")
"""these two shut out everybody else at once; the other two only forbid to ask for it"""
_FRESH = (Passing("NoSuchBucket"),)
_LEAST_SIZE = "TransitionDefaultMinimumObjectSize"
"""goes with the rules of a life cycle, and back to its default where it is not sent along"""


def own_encryption(aws: Aws, where: Mapping[str, Any]) -> dict[str, Any]:
    """What a write must ask for to be encrypted: nothing where the bucket's default is a KMS key, or is not told.

    S3 encrypts by keys of its own then (the default since January 2023), so that not being told does no harm.
    """
    try:
        found = aws.find("s3.GetBucketEncryption", **where) or {}
    except AwsError as error:
        if error.exit_code is Exit.DENIED:
            return {}
        raise
    rules = found.get("ServerSideEncryptionConfiguration", {}).get("Rules") or [{}]
    algorithm = str(rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", ""))
    return {} if algorithm.startswith("aws:kms") else {"ServerSideEncryption": "AES256"}


def must_fit(aws: Aws, address: S3Address, account: str) -> None:
    """Raises SlxError that says what the bucket lacks, and the command that puts it right."""
    lacks = list(_lacks(aws, address, account))
    if lacks:
        what, hint = zip(*lacks, strict=True)
        raise SlxError(
            f"the bucket {address.bucket} is not fit to keep a state in",
            " and ".join(what),
            "; ".join(hint),
        )


def _lacks(aws: Aws, address: S3Address, account: str) -> Iterator[tuple[str, str]]:
    where: dict[str, Any] = {"Bucket": address.bucket, "ExpectedBucketOwner": address.owner or account}
    with explained(address, "check"):
        asked = ("s3.GetBucketVersioning", "s3.GetPublicAccessBlock")
        versioning, blocked = aws.map(lambda operation: _setting(aws, operation, where), asked)
    api, bucket = "aws s3api", f"--bucket {address.bucket}"
    if versioning.get("Status") != "Enabled":
        command = f"{api} put-bucket-versioning {bucket} --versioning-configuration Status=Enabled"
        yield "it is not versioned, so that what is overwritten or deleted by mistake is lost", f"`{command}`"
    flags = blocked.get("PublicAccessBlockConfiguration", {})
    if not all(flags.get(flag) for flag in _CLOSING):
        config = ",".join(f"{flag}=true" for flag in _BLOCKS)
        command = f"{api} put-public-access-block {bucket} --public-access-block-configuration {config}"
        yield "it can be made public: Block Public Access is off", f"`{command}`"


def _setting(aws: Aws, operation: str, where: Mapping[str, Any], passing: tuple[Passing, ...] = ()) -> dict[str, Any]:
    """Empty where it is not set."""
    try:
        return aws.call(operation, passing=passing, **where)
    except AwsError as error:
        if error.code != "NoSuchBucket" and gone(operation, error.code):
            return {}
        raise


def create(aws: Aws, address: S3Address, account: str, partition: str, *, tls: bool) -> bool:
    """Makes the bucket, or finishes one that slx began; False when it is there and fit, and not slx's: left as it is.

    With `tls` plain HTTP is refused from then on. Raises SlxError when it cannot be had or is not fit. May be repeated:
    what others have set beside slx's settings stays.
    """
    if address.owner not in ("", account):
        raise SlxError(
            f"{address.bucket} is to belong to account {address.owner}",
            f"these are credentials of account {account}",
            "use a profile of that account: --profile",
            exit_code=Exit.USAGE,
        )
    with explained(address, "make a place for"):
        tags = _tags(aws, address, account)
        if tags is not None and MARK not in tags:
            must_fit(aws, address, account)
            return False
        if tags is None:
            _make(aws, address)
        where: dict[str, Any] = {"Bucket": address.bucket, "ExpectedBucketOwner": account}
        for operation, setting in _missing(aws, where, f"arn:{partition}:s3:::{address.bucket}" if tls else ""):
            # One after the other: S3 refuses two settings of a bucket at once.
            aws.call(operation, passing=_FRESH, **where, **setting)
    return True


def _tags(aws: Aws, address: S3Address, account: str) -> list[dict[str, str]] | None:
    """None when there is no such bucket."""
    try:
        found = aws.call("s3.GetBucketTagging", Bucket=address.bucket, ExpectedBucketOwner=account)
    except AwsError as error:
        if error.code == "NoSuchTagSet":
            return []
        if error.code == "NoSuchBucket":
            return None
        raise
    return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in found["TagSet"]]


def _make(aws: Aws, address: S3Address) -> None:
    settings: dict[str, Any] = {"Tags": [MARK]}
    if aws.region != "us-east-1":
        settings["LocationConstraint"] = aws.region
    try:
        aws.call(
            "s3.CreateBucket",
            Bucket=address.bucket,
            ObjectOwnership="BucketOwnerEnforced",
            CreateBucketConfiguration=settings,
        )
    except AwsError as error:
        if error.code == "BucketAlreadyExists":
            raise SlxError(
                f"somebody else has a bucket {address.bucket}",
                "the names of buckets are shared by all of AWS",
                "choose another one, such as the company's name before it",
            ) from error
        if error.code != "BucketAlreadyOwnedByYou":  # our own, by a call whose answer was lost
            raise


def _missing(aws: Aws, where: Mapping[str, Any], arn: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls that the bucket is not as it should be without. Where S3 takes a setting as a whole, what is in it
    already stays; with an `arn`, which is the bucket's, plain HTTP is to be refused."""
    asked = ("s3.GetBucketTagging", "s3.GetPublicAccessBlock", "s3.GetBucketVersioning", "s3.GetBucketEncryption",
             "s3.GetBucketLifecycleConfiguration", "s3.GetBucketPolicy")  # fmt: skip
    tagging, blocked, versioning, encryption, lifecycle, policy = aws.map(
        lambda operation: _setting(aws, operation, where, _FRESH), asked
    )
    tags = tagging.get("TagSet", [])
    if MARK not in tags:
        others = [tag for tag in tags if tag["Key"] != MARK["Key"]]
        yield "s3.PutBucketTagging", {"Tagging": {"TagSet": [*others, MARK]}}
    closed = dict.fromkeys(_BLOCKS, True)
    if blocked.get("PublicAccessBlockConfiguration") != closed:
        yield "s3.PutPublicAccessBlock", {"PublicAccessBlockConfiguration": closed}
    if versioning.get("Status") != "Enabled":
        yield "s3.PutBucketVersioning", {"VersioningConfiguration": {"Status": "Enabled"}}
    if not encryption:  # a key of one's own is as good
        default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        yield "s3.PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [default]}}
    if rules := _with_expiry(lifecycle.get("Rules", [])):
        kept = {name: lifecycle[name] for name in (_LEAST_SIZE,) if name in lifecycle}
        yield "s3.PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": rules}, **kept}
    if arn and (text := _encrypted_only(arn, policy.get("Policy", "{}"))):
        yield "s3.PutBucketPolicy", {"Policy": text}


def _with_expiry(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rules of the bucket, with one that removes old versions; none where it is there. Somebody may have given it
    other days."""
    name = "slx-old-versions"
    if any(rule.get("ID") == name for rule in rules):
        return []
    expiry = {
        "ID": name,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    }
    return [*rules, expiry]


def _encrypted_only(arn: str, text: str) -> str:
    """The policy of a bucket, with a statement that nobody reads or writes a state over plain HTTP; empty where it is
    there."""
    policy = json.loads(text)
    every = policy.get("Statement", [])
    statements = every if isinstance(every, list) else [every]
    mine = {
        "Sid": "OnlyEncryptedConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    if mine in statements:
        return ""
    others = [one for one in statements if one.get("Sid") != mine["Sid"]]
    return json.dumps({"Version": "2012-10-17", **policy, "Statement": [*others, mine]})

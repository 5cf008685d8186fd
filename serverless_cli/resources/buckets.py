"""What all kinds that live in buckets share: lists, tags, and what S3 refuses for a moment only.

AWS facts (S3 user guide, API reference, troubleshooting of Access Denied; aws-semantics 5):
- An account that may have more than 10,000 buckets is refused a ListBuckets that does not ask for pages.
- For seconds after Block Public Access was loosened, a public ACL is still refused: with a bare `Access Denied`, or
  with the caller's name and `... are blocked by the BlockPublicAcls block public access setting`. A denial by IAM names
  the caller as well, and a policy as its reason.
- Just after ACLs were enabled, they may still be answered with AccessControlListNotSupported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.errors import AwsError

FRESH = (Passing("NoSuchBucket"),)
"""a bucket that was made a moment ago"""

SETTLING = (
    *FRESH,
    Passing("AccessDenied", "access denied", 60.0),
    Passing("AccessDenied", "block public access", 60.0),
    Passing("AccessControlListNotSupported", "", 60.0),
)
"""a bucket that was made public a moment ago, and whatever is put into it for everybody"""


def listed(aws: Aws) -> Iterator[dict[str, Any]]:
    """All buckets of the account, in any region."""
    return aws.pages("s3.ListBuckets", "Buckets", MaxBuckets=1000)


def tags(aws: Aws, name: str) -> dict[str, str] | None:
    """A bucket's tags, empty when it has none; None when there is no such bucket."""
    try:
        found = aws.call("s3.GetBucketTagging", Bucket=name)
    except AwsError as error:
        if error.code == "NoSuchTagSet":
            return {}
        if error.code == "NoSuchBucket":
            return None
        raise
    return {tag["Key"]: tag.get("Value", "") for tag in found["TagSet"]}

"""What an answer about a bucket hides, and what it does not: on that stands whose a bucket is taken to be."""

from __future__ import annotations

import pytest

from serverless_cli.errors import AwsError
from serverless_cli.resources.ownership import hidden

CALLER = "User: arn:aws:iam::1:user/ann is not authorized to perform: s3:GetBucketAcl on resource: arn:aws:s3:::b"


def answer(code: str, message: str) -> AwsError:
    return AwsError("s3.GetBucketAcl", code, message)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDenied", "Access Denied"),
        ("403", "Forbidden"),
        ("AccessDenied", CALLER + " with an explicit deny in a resource-based policy"),
        ("PermanentRedirect", "The bucket you are attempting to access must be addressed using the endpoint"),
        ("301", "Moved Permanently"),
    ],
)
def test_what_is_elsewhere_or_locked_by_its_own_policy_is_hidden(code: str, message: str):
    assert hidden(answer(code, message))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDenied", CALLER + " because no identity-based policy allows the s3:GetBucketAcl action"),
        ("AccessDenied", CALLER + " with an explicit deny in a service control policy"),
        ("InternalError", "We encountered an internal error. Please try again."),
        ("SlowDown", "Please reduce your request rate."),
    ],
)
def test_what_the_caller_lacks_or_aws_fails_at_hides_nothing(code: str, message: str):
    assert not hidden(answer(code, message))

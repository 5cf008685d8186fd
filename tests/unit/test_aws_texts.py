"""What a user is told of a failure, and what never leaks into it."""

from __future__ import annotations

import json

import pytest

from serverless_cli.aws.failure import Failure, Nature
from serverless_cli.aws.scrub import scrub
from serverless_cli.aws.translate import denied, translate
from serverless_cli.errors import AwsError, Exit
from serverless_cli.secret import Secret

CALLER = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "


def error_of(code: str, message: str = "", nature: Nature = Nature.REFUSED, operation: str = "lambda.X") -> AwsError:
    return translate(Failure(operation, nature, code, message))


def test_a_denial_names_the_missing_action():
    error = error_of("AccessDeniedException", CALLER + "iam:PassRole on resource: arn:aws:iam::1:role/r because no x")
    assert denied(error)
    assert error.exit_code is Exit.DENIED
    assert "iam:PassRole on arn:aws:iam::1:role/r" in error.hint
    assert error.message.endswith("because no x")


@pytest.mark.parametrize(
    ("tail", "hint"),
    [
        (" with an explicit deny in a service control policy", "service control policy"),
        (" with an explicit deny in an identity-based policy", "that statement must go"),
        (" because no permissions boundary allows the x action", "in the caller's permissions boundary"),
        (" because no identity-based policy allows the x action", "to the caller"),
    ],
)
def test_a_denial_says_where_the_permission_must_be_given(tail, hint):
    assert hint in error_of("AccessDenied", CALLER + "s3:CreateBucket on resource: b" + tail).hint


@pytest.mark.parametrize(
    ("code", "message", "operation", "hint"),
    [
        ("AccessDenied", "Access Denied", "s3.PutBucketPolicy", "lacks the permission s3:PutBucketPolicy"),
        ("403", "Forbidden", "s3.HeadBucket", "lacks the permission s3:ListBucket"),
        ("AccessDeniedException", "no", "apigatewayv2.CreateApi", "Allow apigateway:POST"),
        ("AccessDenied", "blocked by the BlockPublicPolicy setting", "s3.PutBucketPolicy", "S3 console"),
        ("AuthorizationError", "no", "sns.CreateTopic", "sns:CreateTopic"),
    ],
)
def test_a_denial_without_an_action(code, message, operation, hint):
    error = error_of(code, message, operation=operation)
    assert error.exit_code is Exit.DENIED
    assert hint in error.hint


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"]
)
def test_credentials_that_end_mid_run(code):
    error = error_of(code, "The security token included in the request is expired")
    assert error.exit_code is Exit.CREDENTIALS
    assert error.hint


@pytest.mark.parametrize(
    ("nature", "code", "exit_code"),
    [
        (Nature.CREDENTIALS, "NoCredentialsError", Exit.CREDENTIALS),
        (Nature.INVALID, "ParamValidationError", Exit.USAGE),
        (Nature.INVALID, "UnknownEndpointError", Exit.FAILED),
        (Nature.UNREACHABLE, "ProxyConnectionError", Exit.FAILED),
        (Nature.UNTRUSTED, "SSLError", Exit.FAILED),
        (Nature.LOST, "ReadTimeoutError", Exit.FAILED),
    ],
)
def test_failures_without_an_answer(nature, code, exit_code):
    error = error_of(code, "what", nature)
    assert error.exit_code is exit_code
    assert error.lost is (nature is Nature.LOST)


def test_quotas_and_regions_have_hints():
    assert "quota" in error_of("LimitExceeded", "Cannot exceed quota").hint
    assert "another region" in error_of("301", "Moved Permanently").hint
    assert error_of("Whatever", "x").hint == ""


def test_lambda_does_not_echo_the_environment():
    message = 'exceeded the 4KB limit. String measured: {"TOKEN":"hunter2","B":"\n}"} and more'
    assert scrub(message, {}) == "exceeded the 4KB limit. String measured: ***"
    message = "1 validation error detected: Value '{a b=hunter2}' at 'environment.variables' failed to satisfy"
    assert "hunter2" not in scrub(message, {})
    assert "failed to satisfy" in scrub(message, {})
    kept = "Value 'py' at 'runtime' failed; Value '{a=hunter2}' at 'environment.variables' failed"
    assert "hunter2" not in scrub(kept, {})


def test_botocore_does_not_echo_secrets():
    message = (
        "Invalid type for parameter Environment.Variables.KEY, value: hunter2, type: <class 'int'>, valid types: x"
    )
    assert "hunter2" not in scrub(message, {})
    message = "Invalid type for parameter Key, value: 5, type: <class 'int'>, valid types: <class 'str'>"
    assert scrub(message, {}) == message


def test_secrets_are_masked_wherever_they_appear():
    parameters = {"Environment": {"Variables": {"A": Secret("hunter2"), "B": Secret("hunter2long"), "C": Secret("")}},
                  "List": [Secret('q"uote'), ("x", Secret("deep"))]}  # fmt: skip
    message = "bad: hunter2long hunter2 " + json.dumps({"x": 'q"uote'}) + " deep"
    hidden = scrub(message, parameters)
    assert not any(secret in hidden for secret in ("hunter", "long", "uote", "deep"))
    assert scrub('as json: "q\\"uote"', parameters) == 'as json: "***"'

"""From a failure to what a user is told: what happened in AWS's words, why, and what to do."""

from __future__ import annotations

import re

from serverless_cli.aws.actions import iam_action
from serverless_cli.aws.failure import BAD_SIGNATURES, DENIALS, EXPIRED, UNKNOWN_KEYS, Failure, Nature
from serverless_cli.aws.rules import Rule
from serverless_cli.errors import AwsError, Exit, SlxError

_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)(?: on resource:? (\S+))?")


def translate(failure: Failure, gave_up: Rule | None = None) -> AwsError:
    """The error for a failure; `gave_up` is the rule whose deadline ended the attempts, if one did."""
    exit_code, hint = _explain(failure, gave_up)
    if gave_up is not None:
        hint = f"slx kept trying for {gave_up.deadline_s:g} s. {hint}".strip()
    return AwsError(
        failure.operation,
        failure.code,
        failure.message,
        hint=hint,
        lost=failure.nature is Nature.LOST,
        exit_code=exit_code,
    )


def denied(error: SlxError) -> bool:
    """Whether AWS refused for lack of permission."""
    return error.exit_code is Exit.DENIED


def _explain(failure: Failure, gave_up: Rule | None) -> tuple[Exit, str]:
    """Exit code and hint. What a rule knows about its own error comes before what the code alone tells."""
    unsent = _unsent(failure)
    if unsent is not None:
        return unsent
    if keys := keys_hint(failure.code):
        return Exit.CREDENTIALS, keys
    if gave_up is not None and gave_up.hint:
        return Exit.FAILED, gave_up.hint
    if failure.code in DENIALS:
        return Exit.DENIED, denial_hint(failure)
    return Exit.FAILED, _known(failure)


def _unsent(failure: Failure) -> tuple[Exit, str] | None:
    """Exit code and hint for what never reached AWS; None when it did, or may have."""
    if failure.nature is Nature.CREDENTIALS:
        return Exit.CREDENTIALS, sign_in_hint("")
    if failure.nature in (Nature.UNREACHABLE, Nature.UNTRUSTED):
        return Exit.FAILED, network_hint(failure)
    if failure.code == "ParamValidationError":
        return Exit.USAGE, "A value in the blueprint is probably of a form that AWS does not take there."
    return None


def sign_in_hint(profile: str) -> str:
    """How to get credentials."""
    option = f" --profile {profile}" if profile else ""
    return (
        f"Run `aws sso login{option}` (IAM Identity Center) or `aws configure{option}` (access keys), "
        "or set AWS_PROFILE. `--local` needs none."
    )


def keys_hint(code: str, profile: str = "", region: str = "") -> str:
    """What to do about keys that AWS does not accept; empty when the code is about something else."""
    option = f" --profile {profile}" if profile else ""
    if code in EXPIRED:
        return f"The credentials have expired. Run `aws sso login{option}`, or get new ones, then the command again."
    if code in UNKNOWN_KEYS:
        where = f"the region {region}" if region else "the region"
        return (
            "Either the access keys are wrong or deleted (`aws sts get-caller-identity --region us-east-1` tells), "
            f"or {where} is not enabled for this account (`aws account list-regions`)."
        )
    if code in BAD_SIGNATURES:
        return (
            "The secret access key does not belong to the access key id, or this computer's clock is wrong. "
            f"Run `aws configure{option}` to enter the keys again."
        )
    return ""


def network_hint(failure: Failure) -> str:
    """What to check when no connection comes about."""
    if failure.nature is Nature.UNTRUSTED:
        return (
            "If a proxy of your company re-signs traffic, set AWS_CA_BUNDLE to its certificate file; "
            "if the endpoint speaks plain HTTP, its URL must start with http://."
        )
    if failure.code == "ProxyConnectionError":
        return "Check HTTPS_PROXY and NO_PROXY, and that the proxy is up."
    return (
        "Check the network and the region's name; with an endpoint of your own (--endpoint-url, AWS_ENDPOINT_URL), "
        "that it is running at that address."
    )


def denial_hint(failure: Failure) -> str:
    """Which permission is missing, where AWS tells; else what the denial can mean."""
    if failure.says("block public access", "BlockPublicPolicy", "BlockPublicAcls"):
        return "Block Public Access of the bucket or of the whole account forbids it: see both in the S3 console."
    found = _ACTION.search(failure.message)
    if found:
        where = f" on {found[2].rstrip('.')}" if found[2] else ""
        return f"Allow {found[1]}{where} {_by_whom(failure)}, and run the same command again."
    action = iam_action(failure.operation)
    if failure.operation.startswith("s3."):
        return (
            f"One of three: the caller lacks the permission {action}; Block Public Access of bucket or account "
            "forbids it; or a policy of the bucket or the organisation does."
        )
    return f"Allow {action} to the caller, or ask who manages the account; AWS names no permission."


def _by_whom(failure: Failure) -> str:
    """Where the permission has to be given, from AWS's "because ..." at the end of newer messages."""
    if failure.says("explicit deny"):
        for what in ("service control policy", "permissions boundary", "resource-based policy", "session policy"):
            if failure.says(what):
                return f"(a {what} denies it explicitly, which no other policy can lift)"
        return "(a policy denies it explicitly: that statement must go)"
    if failure.says("permissions boundary"):
        return "in the caller's permissions boundary"
    return "to the caller"


def _known(failure: Failure) -> str:
    if failure.nature is Nature.LOST:
        return "It may have been carried out all the same. Run the command again: it looks first."
    if failure.code in ("301", "PermanentRedirect", "AuthorizationHeaderMalformed"):
        return "The bucket is in another region."
    if failure.code in ("LimitExceeded", "LimitExceededException", "ServiceQuotaExceededException"):
        return "A quota of the account is used up: remove something, or ask AWS for more in Service Quotas."
    return ""

"""What S3 and KMS say about the state's bucket, in words that lead on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.state.address import S3Address

_AGAIN = "then run the same command again: nothing is lost"
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "403", "Forbidden"})
_ELSEWHERE = frozenset(
    {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
RIGHTS = (
    "s3:ListBucket, s3:GetBucketVersioning, s3:GetBucketPublicAccessBlock and s3:GetEncryptionConfiguration on the "
    "bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject on what is below the prefix"
)


@contextmanager
def explained(address: S3Address, verb: str) -> Iterator[None]:
    """Turns an AwsError into one that names the state and leads on; missing or expired credentials stay as they are."""
    try:
        yield
    except AwsError as error:
        if error.exit_code is Exit.CREDENTIALS:
            raise
        why, hint, exit_code = _told(address, error)
        raise SlxError(f"cannot {verb} the state at {address}", why, hint, exit_code=exit_code) from error


def _told(address: S3Address, error: AwsError) -> tuple[str, str, Exit]:
    said = f"{error.message} ({error.code})"
    if error.code == "NoSuchBucket":
        return f"there is no bucket {address.bucket}", f"`slx state create {address}` makes it, {_AGAIN}", Exit.FAILED
    if error.code.startswith("KMS.") or "kms:" in error.message:
        hint = f"allow kms:Decrypt and kms:GenerateDataKey on the bucket's key, and see that it is enabled; {_AGAIN}"
        return f"the bucket's KMS key refuses: {said}", hint, Exit.DENIED
    if error.code in _DENIED:
        return said, _denied(address, error), Exit.DENIED
    if error.code in _ELSEWHERE:
        return f"the bucket is in another region: {said}", f"give its region with --region; {_AGAIN}", Exit.FAILED
    return said, error.hint or f"see to that, {_AGAIN}", error.exit_code


def _denied(address: S3Address, error: AwsError) -> str:
    if "is not authorized to perform" in error.message:
        return error.hint
    owner = f"account {address.owner}" if address.owner else "your account"
    return (
        f"either the bucket is not of {owner} (then say whose it is: "
        f"s3://{address.bucket}{f'/{address.prefix}' if address.prefix else ''}?owner=ACCOUNT), or one of these is "
        f"not allowed: {RIGHTS}"
    )

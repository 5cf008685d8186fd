"""What can come back from one attempt at a call, without botocore's classes: retries and texts are decided on it."""

from __future__ import annotations

from enum import Enum, auto


class Nature(Enum):
    """How far a failed attempt got. Only after LOST may the call have been carried out."""

    REFUSED = auto()
    """AWS answered that it did nothing (4xx, and throttles whatever their status)"""
    LOST = auto()
    """the answer never arrived or was a 5xx"""
    UNREACHABLE = auto()
    """no connection came about"""
    UNTRUSTED = auto()
    """the other end's certificate is not trusted, or it speaks no TLS: trying again changes nothing"""
    CREDENTIALS = auto()
    """no usable credentials on this machine; nothing was sent"""
    INVALID = auto()
    """botocore refused to send such parameters"""


class Failure(Exception):  # noqa: N818 - becomes an AwsError once no retry helps
    """One failed attempt. `status` is the HTTP status, 0 without an answer. The message has been scrubbed."""

    def __init__(self, operation: str, nature: Nature, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{operation}: {message} ({code})")
        self.operation = operation
        self.nature = nature
        self.code = code
        self.message = message
        self.status = status

    def says(self, *fragments: str) -> bool:
        """Whether the message holds one of the fragments, in any case: AWS changes its wording."""
        text = self.message.lower()
        return any(fragment.lower() in text for fragment in fragments)


THROTTLES = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "TooManyRequestsException", "RequestLimitExceeded", "ProvisionedThroughputExceededException",
    "BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException",
})  # fmt: skip
"""As botocore's retries/standard.py, without LimitExceededException: that is mostly a quota, which no waiting lifts."""

DENIALS = frozenset({
    "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "Forbidden",
    "UnauthorizedOperation", "NotAuthorized", "403",
})  # fmt: skip

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})

UNKNOWN_KEYS = frozenset({
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "InvalidToken",
})  # fmt: skip
"""Wrong keys, or a region that the account has not switched on (aws-semantics 1.6): AWS answers the same."""

BAD_SIGNATURES = frozenset({
    "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "RequestTimeTooSkewed",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException",
})  # fmt: skip


def throttled(code: str, message: str, status: int) -> bool:
    """Whether an answer means "too fast". Many JSON and query services say so with HTTP 400 (aws-semantics 1.1)."""
    return code in THROTTLES or status == 429 or message.lower().startswith(("rate exceeded", "too many requests"))

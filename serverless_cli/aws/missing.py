"""Which of AWS's codes say that a thing, or that setting of it, does not exist (aws-semantics 14.3 and 5.3).

403 is none of them: it hides whether there is something.
"""

from __future__ import annotations

_NOT_FOUND = frozenset({"ResourceNotFoundException"})

_GONE: dict[str, frozenset[str]] = {
    "apigatewayv2": frozenset({"NotFoundException"}),
    "cloudfront": frozenset({
        "NoSuchDistribution", "NoSuchOriginAccessControl", "NoSuchInvalidation", "NoSuchResource",
        "NoSuchCachePolicy", "NoSuchResponseHeadersPolicy", "NoSuchFunctionExists",
    }),
    "cloudwatch": _NOT_FOUND | {"ResourceNotFound"},
    # moto's DescribeTimeToLive says ResourceNotFound, where AWS says ResourceNotFoundException.
    "dynamodb": _NOT_FOUND | {"TableNotFoundException", "PolicyNotFoundException", "ResourceNotFound"},
    "events": _NOT_FOUND,
    "firehose": _NOT_FOUND,
    "iam": frozenset({"NoSuchEntity"}),
    "kinesis": _NOT_FOUND,
    "kms": frozenset({"NotFoundException"}),
    "lambda": _NOT_FOUND | {"ProvisionedConcurrencyConfigNotFoundException"},
    "logs": _NOT_FOUND,
    "pipes": frozenset({"NotFoundException"}),
    "s3": frozenset({
        "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchVersion",
        # A setting of a bucket that is not set.
        "NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration", "NoSuchTagSet",
        "NoSuchPublicAccessBlockConfiguration", "NoSuchWebsiteConfiguration", "NoSuchConfiguration",
        "OwnershipControlsNotFoundError", "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError",
    }),
    "s3control": frozenset({"NoSuchPublicAccessBlockConfiguration"}),
    "scheduler": _NOT_FOUND,
    "secretsmanager": _NOT_FOUND,
    "sns": frozenset({"NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"}),
    "sqs": frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}),
    "ssm": frozenset({"ParameterNotFound"}),
    "stepfunctions": frozenset({"StateMachineDoesNotExist", "ExecutionDoesNotExist", "ResourceNotFound"}),
}  # fmt: skip


def gone(operation: str, code: str) -> bool:
    """Whether `code`, answered to `service.Operation`, means that there is nothing."""
    service, _, name = operation.partition(".")
    if code == "404":
        # An answer to HEAD has no body, so that botocore makes the code from the status.
        return name.startswith("Head")
    return code in _GONE.get(service, frozenset())

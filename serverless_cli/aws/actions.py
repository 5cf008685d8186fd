"""From the name of an operation to the IAM action that allows it (service authorization reference)."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

_PREFIXES = MappingProxyType({"apigatewayv2": "apigateway", "dynamodbstreams": "dynamodb", "stepfunctions": "states"})

_HTTP_METHODS = MappingProxyType({"Get": "GET", "Create": "POST", "Update": "PATCH", "Delete": "DELETE"})
"""API Gateway's actions are named after what its own API is asked with"""

_DIFFERENT = MappingProxyType({
    "lambda.Invoke": "lambda:InvokeFunction",
    "lambda.InvokeWithResponseStream": "lambda:InvokeFunction",
    "s3.CompleteMultipartUpload": "s3:PutObject",
    "s3.CreateMultipartUpload": "s3:PutObject",
    "s3.DeleteObjects": "s3:DeleteObject",
    "s3.GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3.GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3.HeadBucket": "s3:ListBucket",
    "s3.HeadObject": "s3:GetObject",
    "s3.ListBuckets": "s3:ListAllMyBuckets",
    "s3.ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3.ListObjectVersions": "s3:ListBucketVersions",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3.PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3.UploadPart": "s3:PutObject",
    "s3control.GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
})  # fmt: skip


_SERVICES = {prefix: service for service, prefix in _PREFIXES.items()}


def services(actions: Iterable[str]) -> frozenset[str]:
    """The services, as boto3 spells them, whose clients calls that need these IAM actions go through."""
    prefixes = {action.partition(":")[0] for action in actions}
    return frozenset(_SERVICES.get(prefix, prefix) for prefix in prefixes)


def iam_action(operation: str) -> str:
    """The action that a caller of `service.Operation` must be allowed; most have the operation's own name."""
    if operation in _DIFFERENT:
        return _DIFFERENT[operation]
    service, _, name = operation.partition(".")
    if service == "apigatewayv2":
        for verb, method in _HTTP_METHODS.items():
            if name.startswith(verb):
                return f"apigateway:{method}"
    return f"{_PREFIXES.get(service, service)}:{name}"

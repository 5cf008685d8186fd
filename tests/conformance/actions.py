"""From the name of an operation to the IAM action that allows it, where the two differ (service authorization
reference)."""

from __future__ import annotations

_SERVICES = {"apigatewayv2": "apigateway", "stepfunctions": "states"}

_DIFFERENT = {
    "s3.HeadBucket": "s3:ListBucket",
    "s3.HeadObject": "s3:GetObject",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.ListObjectVersions": "s3:ListBucketVersions",
    "s3.ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3.ListBuckets": "s3:ListAllMyBuckets",
    "s3.DeleteObjects": "s3:DeleteObject",
    "s3.GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3.PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3.GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3.PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3control.GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}

_HTTP_METHODS = {"Get": "GET", "Create": "POST", "Update": "PATCH", "Delete": "DELETE"}


def action(operation: str) -> str:
    """The IAM action that a caller of `service.Operation` needs."""
    if operation in _DIFFERENT:
        return _DIFFERENT[operation]
    service, _, name = operation.partition(".")
    if service == "apigatewayv2":
        for verb, method in _HTTP_METHODS.items():
            if name.startswith(verb):
                return f"apigateway:{method}"
    return f"{_SERVICES.get(service, service)}:{name}"

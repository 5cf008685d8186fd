"""The IAM actions that each probe and each expectation takes; who runs checks needs them, the stack does not."""

from __future__ import annotations

from collections.abc import Mapping

from serverless_cli.model import Check

PROBES: Mapping[str, tuple[str, ...]] = {
    "put_object": ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"),
    "send_message": ("sqs:GetQueueUrl", "sqs:SendMessage"),
    "publish": ("sns:Publish",),
    "put_event": ("events:PutEvents",),
    "put_record": ("kinesis:PutRecords", "firehose:PutRecordBatch"),
    "put_records": ("kinesis:PutRecords", "firehose:PutRecordBatch"),
    "start_execution": ("states:DescribeStateMachine", "states:StartExecution", "states:StartSyncExecution",
                        "states:DescribeExecution"),
    "invoke": ("lambda:InvokeFunction",),
    "put_item": ("dynamodb:DescribeTable", "dynamodb:PutItem", "dynamodb:DeleteItem"),
}  # fmt: skip
"""probes that are not here (requests) take none"""

_MESSAGES = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage")

EXPECTATIONS: Mapping[str, tuple[str, ...]] = {
    "object": ("s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"),
    "no_object": ("s3:GetObject", "s3:ListBucket"),
    "objects": ("s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"),
    "row": ("dynamodb:GetItem", "dynamodb:DeleteItem"),
    "no_row": ("dynamodb:GetItem",),
    "rows": ("dynamodb:Scan", "dynamodb:DescribeTable", "dynamodb:DeleteItem"),
    "message": _MESSAGES,
    "no_message": _MESSAGES,
    "log": ("logs:FilterLogEvents",),
}


def needed(check: Check) -> tuple[str, ...]:
    """The actions that a check takes, sorted."""
    found = set(PROBES.get(check.probe, ()))
    for name in check.expect:
        found.update(EXPECTATIONS.get(name, ()))
    other = {"stream": "firehose:PutRecordBatch", "delivery_stream": "kinesis:PutRecords"}
    found -= {action for key, action in other.items() if key in check.arguments}
    return tuple(sorted(found))

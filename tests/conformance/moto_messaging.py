"""What moto lacks of DynamoDB, SQS and SNS: moto_gaps.py takes GAPS in, asks `refusal` before a call of these services,
and `complete` after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from serverless_cli.aws.failure import Failure, Nature

COMPLETED = "conformance, by moto_messaging.py"
TABLES = "unit/test_table.py"
STRICT = "tests/faults"
OWN_KEY = "alias/aws/dynamodb"
GAPS = (
    ("dynamodb.UpdateTable", "keeps only the attributes that are declared again, and takes no encryption", COMPLETED),
    ("dynamodb.UpdateTable", "does not switch a stream on again once it was off", COMPLETED),
    ("dynamodb.DescribeTimeToLive", "has a code of its own for a table that is not there", "aws/missing.py knows it"),
    ("dynamodb.UpdateTimeToLive", "is never refused, neither for the same state nor for changes in a row", TABLES),
    ("dynamodb.*", "is never CREATING, UPDATING or DELETING, and locks no tags", TABLES),
    ("kms.DescribeKey", "takes AWS's own keys for a user's", COMPLETED),
    ("sqs.CreateQueue", "gives the queue the tags of whoever asks; a name is free at once", STRICT),
    ("sqs.*", "knows no queue that is found although it is deleted, and shows changes at once", STRICT),
    ("sqs.SetQueueAttributes", "forgets the policy where it is not given again", COMPLETED),
    ("sqs.SetQueueAttributes", "takes two kinds of encryption at once", COMPLETED),
    ("sns.CreateTopic", "answers 200 for a topic with other attributes or tags", COMPLETED),
    ("sns.Subscribe", "answers 200 for a subscription with other attributes, and none awaits confirmation", COMPLETED),
    ("sns.SetTopicAttributes", "takes an empty policy", "unit/test_topic.py"),
)
"""(operation, what it lacks, where that is covered)"""


def refusal(region: str, operation: str, parameters: Mapping[str, Any]) -> Failure | None:
    """What AWS would refuse and moto does not."""
    differs = {"sns.CreateTopic": _topic_differs, "sns.Subscribe": _subscription_differs}.get(operation)
    if differs and (what := differs(region, **parameters)):
        return Failure(operation, Nature.REFUSED, "InvalidParameter", f"Invalid parameter: {what}", 400)
    attributes = parameters.get("Attributes", {}) if operation.startswith("sqs.") else {}
    if attributes.get("KmsMasterKeyId") and attributes.get("SqsManagedSseEnabled") == "true":
        text = "You can use one type of server-side encryption (SSE) at one time."
        return Failure(operation, Nature.REFUSED, "InvalidAttributeName", text, 400)
    return None


def complete(region: str, operation: str, parameters: Mapping[str, Any], answer: dict[str, Any]) -> None:
    """What moto forgets to do."""
    if operation == "dynamodb.UpdateTable":
        table = _backend("dynamodb", region).tables[parameters["TableName"]]
        if "SSESpecification" in parameters:
            encrypt(region, table, **parameters["SSESpecification"])
    kms = _backend("kms", region)
    if operation == "kms.DescribeKey" and kms.alias_exists(OWN_KEY):
        answer["KeyMetadata"]["KeyManager"] = (
            "AWS" if answer["KeyMetadata"]["KeyId"] == kms.describe_key(OWN_KEY).id else "CUSTOMER"
        )


def remember(region: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with what moto would forget if it were not given again."""
    if operation == "dynamodb.UpdateTable" and "StreamSpecification" in parameters:
        table = _backend("dynamodb", region).tables[parameters["TableName"]]
        if not table.stream_specification["StreamEnabled"]:
            table.latest_stream_label = None
    if operation == "dynamodb.UpdateTable" and "AttributeDefinitions" in parameters:
        have = {one["AttributeName"]: one for one in _backend("dynamodb", region).tables[parameters["TableName"]].attr}
        new = {one["AttributeName"]: one for one in parameters["AttributeDefinitions"]}
        return {**parameters, "AttributeDefinitions": list({**new, **have}.values())}
    if operation == "sqs.SetQueueAttributes":
        queue = _backend("sqs", region).queues.get(parameters["QueueUrl"].rpartition("/")[2])
        if queue and queue.policy:
            return {**parameters, "Attributes": {"Policy": queue.policy, **parameters["Attributes"]}}
    return dict(parameters)


def encrypt(region: str, table: Any, *, Enabled: bool, KMSMasterKeyId: str = "", **_: object) -> None:
    """As an UpdateTable that moto does not know."""
    key = KMSMasterKeyId or table._get_default_encryption_key(DEFAULT_ACCOUNT_ID, region)
    table.sse_specification = {"Enabled": Enabled, "KMSMasterKeyId": key}


def _backend(service: str, region: str) -> Any:
    return get_backend(service)[DEFAULT_ACCOUNT_ID][region]


def _topic_differs(
    region: str, *, Name: str, Attributes: Mapping[str, str], Tags: list[dict[str, str]]
) -> str:  # fmt: skip
    sns = _backend("sns", region)
    topic = next((one for one in sns.topics.values() if one.name == Name), None)
    if topic is None:
        return ""
    have = {
        "FifoTopic": topic.fifo_topic,
        "ContentBasedDeduplication": topic.content_based_deduplication,
        "KmsMasterKeyId": topic.kms_master_key_id,
    }
    if any(str(have[key]).lower() != value.lower() for key, value in Attributes.items()):
        return "Attributes Reason: Topic already exists with different attributes"
    if {one["Key"]: one["Value"] for one in Tags} != topic._tags:
        return "Tags Reason: Topic already exists with different tags"
    return ""


def _subscription_differs(
    region: str, *, TopicArn: str, Protocol: str, Endpoint: str, Attributes: Mapping[str, str], **_: object
) -> str:  # fmt: skip
    have = _backend("sns", region)._find_subscription(TopicArn, Endpoint, Protocol)
    if have is None:
        return ""
    given = {"RawMessageDelivery": "false", "FilterPolicy": "{}", **Attributes}
    raw = str(have.attributes.get("RawMessageDelivery", False)).lower()
    policy = json.loads(have.attributes.get("FilterPolicy") or "{}")
    if (raw, policy) == (given["RawMessageDelivery"], json.loads(given["FilterPolicy"])):
        return ""
    return "Attributes Reason: Subscription already exists with different attributes"

"""What Lambda refuses when a mapping is created, and ministack accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import calls, engine, permits, sources

_NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)


def refusal(data: Mapping[str, Any]) -> Any:
    """ministack's form of the error that Lambda answers with; None when the mapping may be created."""
    functions = engine.Part("services.lambda_svc")
    source, reference = str(data.get("EventSourceArn", "")), str(data.get("FunctionName", ""))
    _, config, _ = functions["_get_func_record_for_ref"](reference)
    if config is None:
        return _invalid("Function does not exist")
    if len(source.split(":")) < 6 or source.split(":")[2] not in ("sqs", "kinesis", "dynamodb"):
        return None
    existing = _duplicate(source, config)
    if existing:
        return functions["error_response_json"]("ResourceConflictException", existing, 409)
    why = _queue(source, config) if source.split(":")[2] == "sqs" else _stream(source, data)
    return _invalid(why) if why else _permission(source, config)


def _invalid(message: str) -> Any:
    return engine.Part("services.lambda_svc")["error_response_json"]("InvalidParameterValueException", message, 400)


def _duplicate(source: str, config: Mapping[str, Any]) -> str:
    for mapping in engine.Part("services.lambda_svc")["_esms"].values():
        if mapping["EventSourceArn"] == source and mapping["FunctionName"] == config["FunctionName"]:
            kind = {"sqs": "An event source mapping with SQS arn"}.get(source.split(":")[2], "The event source arn")
            return (
                f'{kind} (" {source} ") and function (" {config["FunctionName"]} ") provided mapping already exists. '
                f"Please update or delete the existing mapping with UUID {mapping['UUID']}"
            )
    return ""


def _queue(source: str, config: Mapping[str, Any]) -> str:
    place = calls.place_of(source)
    with engine.Part("core.responses")["request_scope"](place.account, place.region):
        queue = engine.Part("services.sqs")["_queue_by_arn"](source)
    if queue is None:
        return _NO_QUEUE
    hidden, limit = int(queue["attributes"].get("VisibilityTimeout", 30)), int(config.get("Timeout", 3))
    if hidden < limit:
        return f"Queue visibility timeout: {hidden} seconds is less than Function timeout: {limit} seconds"
    return ""


def _stream(source: str, data: Mapping[str, Any]) -> str:
    if not data.get("StartingPosition"):
        return (
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if not sources.stream_of(source, "").shards():
        return f"Stream not found: {source}"
    return ""


def _permission(source: str, config: Mapping[str, Any]) -> Any:
    """Lambda tries the role's permissions before it accepts the mapping."""
    for action in sources.reading(source):
        if not permits.role_allows(str(config.get("Role", "")), action, source, calls.place_of(source).region):
            service, _, operation = action.partition(":")
            if service == "sqs":
                return _invalid(f"The provided execution role does not have permissions to call {operation} on SQS")
            kind = {"kinesis": "Kinesis", "dynamodb": "DynamoDB"}[service]
            return _invalid(
                f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                f"DescribeStream, and ListStreams Actions on your stream in IAM. ({kind}: {operation})"
            )
    return None

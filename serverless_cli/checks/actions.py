"""What each probe does. It is repeated until nothing is wrong with its own answer; effects are looked for after."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from serverless_cli.checks import web
from serverless_cli.checks.compare import differs, short
from serverless_cli.checks.items import typed_item
from serverless_cli.checks.trial import Seen, Trial

Action = Callable[[Trial, Mapping[str, Any]], Seen]


def text(value: object) -> str:
    """What is sent for a JSON value: a text as it is, anything else as JSON."""
    found = json.loads(str(value))
    return found if isinstance(found, str) else str(value)


def _request(method: str, trial: Trial, it: Mapping[str, Any]) -> Seen:
    return Seen(*web.request(method, it, trial.check.expect))


def _put_object(trial: Trial, it: Mapping[str, Any]) -> Seen:
    bucket, key = trial.name(it["bucket"]), str(it["key"])
    try:
        content = Path(it["file"]).read_bytes() if "file" in it else text(it["body"]).encode()
    except OSError as error:
        return Seen(f"{it['file']} cannot be read: {error.strerror}", final=True)
    kind = it.get("content_type") or mimetypes.guess_type(key)[0] or "application/octet-stream"
    made = trial.aws.call("s3.PutObject", Bucket=bucket, Key=key, Body=content, ContentType=kind)
    if trial.marks(key):
        trial.remove_object(bucket, key, made.get("VersionId"))
    return Seen(saw=f"{it['bucket']}/{key} was put")


def _send_message(trial: Trial, it: Mapping[str, Any]) -> Seen:
    queue = trial.name(it["queue"])
    url = trial.aws.call("sqs.GetQueueUrl", QueueName=queue)["QueueUrl"]
    trial.aws.call("sqs.SendMessage", QueueUrl=url, MessageBody=text(it["body"]), **_fifo(trial, queue, it))
    return Seen(saw=f"sent to {it['queue']}")


def _fifo(trial: Trial, name: str, it: Mapping[str, Any]) -> dict[str, Any]:
    """What FIFO queues and topics want beside the message: a trial sends one, so that its id tells it apart."""
    if not name.endswith(".fifo"):
        return {}
    return {"MessageGroupId": str(it.get("group") or trial.id), "MessageDeduplicationId": trial.id}


def _publish(trial: Trial, it: Mapping[str, Any]) -> Seen:
    topic = trial.name(it["topic"])
    more: dict[str, Any] = {"Subject": it["subject"]} if "subject" in it else {}
    if attributes := it.get("attributes"):
        more["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": str(value)} for name, value in attributes.items()
        }
    trial.aws.call("sns.Publish", TopicArn=topic, Message=text(it["message"]), **more, **_fifo(trial, topic, it))
    return Seen(saw=f"published to {it['topic']}")


def _put_event(trial: Trial, it: Mapping[str, Any]) -> Seen:
    entry = {"Source": str(it["source"]), "DetailType": str(it["detail_type"]), "Detail": str(it["detail"]),
             "EventBusName": trial.name(it["bus"])}  # fmt: skip
    answer = trial.aws.call("events.PutEvents", Entries=[entry])
    return _in_part(answer, "FailedEntryCount", answer.get("Entries") or (), f"put on {it['bus']}")


def _put_records(trial: Trial, it: Mapping[str, Any]) -> Seen:
    records = [text(one).encode() for one in (it["records"] if "records" in it else [it["data"]])]
    if "delivery_stream" in it:
        answer = trial.aws.call(
            "firehose.PutRecordBatch",
            DeliveryStreamName=trial.name(it["delivery_stream"]),
            Records=[{"Data": one} for one in records],
        )
        entries, failed, to = answer.get("RequestResponses") or (), "FailedPutCount", it["delivery_stream"]
    else:
        key = str(it.get("partition_key") or trial.id)
        answer = trial.aws.call(
            "kinesis.PutRecords",
            StreamName=trial.name(it["stream"]),
            Records=[{"Data": one, "PartitionKey": key} for one in records],
        )
        entries, failed, to = answer.get("Records") or (), "FailedRecordCount", it["stream"]
    many = f"{len(records)} records" if len(records) > 1 else "1 record"
    return _in_part(answer, failed, entries, f"{many} put into {to}")


def _in_part(answer: Mapping[str, Any], count: str, entries: Any, saw: str) -> Seen:
    """Batches are answered 200 even where a part of them failed."""
    if not answer.get(count):
        return Seen(saw=saw)
    why = next((one.get("ErrorMessage") or one["ErrorCode"] for one in entries if one.get("ErrorCode")), "no reason")
    return Seen(f"AWS took not all of it: {why}")


def _start_execution(trial: Trial, it: Mapping[str, Any]) -> Seen:
    machine, given = trial.name(it["state_machine"]), str(text(it["input"]))
    name = f"check-{trial.id}"  # of one name and input, AWS starts one execution, however often it is told to
    kind = trial.aws.call("stepfunctions.DescribeStateMachine", stateMachineArn=machine).get("type")
    if kind == "EXPRESS":
        # Of express executions AWS keeps nothing that could be asked for later.
        ended = trial.aws.call("stepfunctions.StartSyncExecution", stateMachineArn=machine, name=name, input=given)
        trial.memory["ended"] = ended
    else:
        made = trial.aws.call("stepfunctions.StartExecution", stateMachineArn=machine, name=name, input=given)
        trial.memory["execution"] = made["executionArn"]
    return Seen(saw=f"{it['state_machine']} was started")


def _invoke(trial: Trial, it: Mapping[str, Any]) -> Seen:
    call: dict[str, Any] = {"FunctionName": trial.name(it["function"]), "Payload": text(it["event"]).encode()}
    if it.get("asynchronous"):
        trial.aws.call("lambda.Invoke", InvocationType="Event", **call)
        return Seen(saw=f"{it['function']} was called")
    answer = trial.aws.call("lambda.Invoke", InvocationType="RequestResponse", **call)
    returned = answer["Payload"].read().decode("utf-8", "replace")
    return _returned(it["function"], bool(answer.get("FunctionError")), returned, trial.check.expect)


def _returned(function: str, failed: bool, returned: str, expect: Mapping[str, Any]) -> Seen:
    wanted = expect.get("error")
    if failed and wanted is None:
        return Seen(f"{function} failed: {short(returned)}")
    if wanted is not None and (not failed or wanted not in returned):
        return Seen(f"{function} did not fail with {wanted!r} but returned {short(returned)}")
    if "payload" in expect and (wrong := differs(json.loads(expect["payload"]), _parsed(returned))):
        return Seen(f"what {function} returned: {wrong}")
    return Seen(saw=f"{function} returned {short(returned, 80)}")


def _parsed(returned: str) -> Any:
    return json.loads(returned) if returned else None


def _put_item(trial: Trial, it: Mapping[str, Any]) -> Seen:
    table, item = trial.name(it["table"]), typed_item(json.loads(it["item"]))
    trial.aws.call("dynamodb.PutItem", TableName=table, Item=item)
    key = {name: item[name] for name in keys_of(trial, table) if name in item}
    if trial.marks(json.dumps(key)):
        trial.remove_item(table, key)
    return Seen(saw=f"an item was put into {it['table']}")


def keys_of(trial: Trial, table: str) -> tuple[str, ...]:
    """The names of the attributes that are a table's key."""
    if table not in trial.memory:
        schema = trial.aws.call("dynamodb.DescribeTable", TableName=table)["Table"]["KeySchema"]
        trial.memory[table] = tuple(one["AttributeName"] for one in schema)
    found: tuple[str, ...] = trial.memory[table]
    return found


ACTIONS: Mapping[str, Action] = {
    **{method: partial(_request, method.upper()) for method in ("get", "head", "delete", "post", "put", "patch")},
    "put_object": _put_object,
    "send_message": _send_message,
    "publish": _publish,
    "put_event": _put_event,
    "put_record": _put_records,
    "put_records": _put_records,
    "start_execution": _start_execution,
    "invoke": _invoke,
    "put_item": _put_item,
}
"""one for each probe of blueprint/probes.py"""

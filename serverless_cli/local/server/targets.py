"""Hands a payload to whatever an ARN names, as rules, pipes and destinations do: permission first, then the call."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any
from uuid import uuid4

from serverless_cli.local.server import acting, calls, engine
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Parcel:
    """A payload as text, with what some targets want to know beside it."""

    text: str
    group: str = ""
    deduplication: str = ""
    partition_key: str = ""
    source: str = ""
    detail_type: str = ""
    resources: tuple[str, ...] = ()
    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


class UndeliverableError(Exception):
    """The target took nothing; the text says why."""


_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "states": "states:StartExecution",
    "events": "events:PutEvents",
    "kinesis": "kinesis:PutRecord",
    "firehose": "firehose:PutRecord",
}
# These can let a service in by a policy of their own; the others are reached through a role only.
BY_POLICY = ("lambda", "sqs", "sns")


def service_of(arn: str) -> str:
    """The service that an ARN belongs to; empty for what is no ARN."""
    parts = arn.split(":", 5)
    return parts[2] if len(parts) == 6 else ""


def permit(here: Here, actor: Actor, arn: str) -> None:
    """Raise ForbiddenError unless the actor may use the target: by its role, or by the target's policy without one."""
    service = service_of(arn)
    if actor.role:
        acting.check(here, actor, _ACTIONS[service], arn)
    elif service in BY_POLICY:
        acting.check_resource_policy(here, actor, _ACTIONS[service], arn)


def deliver(here: Here, actor: Actor, arn: str, parcel: Parcel) -> None:
    """Hand over one parcel; raises ForbiddenError, or UndeliverableError when the target refuses or is gone."""
    send = _SENDERS.get(service_of(arn))
    if send is None:
        raise UndeliverableError(f"{arn} is not a target that runs locally")
    permit(here, actor, arn)
    try:
        send(arn, parcel)
    except calls.CallError as error:
        raise UndeliverableError(f"{arn}: {error}") from error
    here.changed()


def _function(arn: str, parcel: Parcel) -> None:
    calls.invoke_later(arn, event_of(parcel.text))


def event_of(text: str) -> Any:
    """What a function gets for a text: its JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def queue_url(arn: str) -> str:
    """A URL by which the SQS of this server finds the queue of an ARN."""
    _, _, _, _, account, name = arn.split(":", 5)
    return f"http://localhost/{account}/{name}"


def _queue(arn: str, parcel: Parcel) -> None:
    message: dict[str, Any] = {"QueueUrl": queue_url(arn), "MessageBody": parcel.text}
    if arn.endswith(".fifo"):
        message["MessageGroupId"] = parcel.group
        if parcel.deduplication:
            message["MessageDeduplicationId"] = parcel.deduplication
    if parcel.attributes:
        message["MessageAttributes"] = dict(parcel.attributes)
    calls.call(calls.place_of(arn), "sqs", "SendMessage", message)


def _topic(arn: str, parcel: Parcel) -> None:
    sns, place = engine.Part("services.sns"), calls.place_of(arn)
    with engine.Part("core.responses")["request_scope"](place.account, place.region):
        try:
            done = sns["publish_internal"](
                arn,
                parcel.text,
                message_attributes=dict(parcel.attributes),
                message_group_id=parcel.group,
                message_deduplication_id=parcel.deduplication,
            )
        except sns["SnsPublishError"] as error:
            raise UndeliverableError(f"{arn}: {error}") from error
    if done is None:
        raise UndeliverableError(f"{arn} does not exist")


def _machine(arn: str, parcel: Parcel) -> None:
    asked = {"stateMachineArn": arn, "input": parcel.text}
    calls.call(calls.place_of(arn), "states", "StartExecution", asked | ({"name": parcel.name} if parcel.name else {}))


def _bus(arn: str, parcel: Parcel) -> None:
    entry = {
        "EventBusName": arn.rpartition("event-bus/")[2],
        "Source": parcel.source,
        "DetailType": parcel.detail_type,
        "Detail": parcel.text,
        "Resources": list(parcel.resources),
    }
    answer = calls.call(calls.place_of(arn), "events", "PutEvents", {"Entries": [entry]})
    if answer.get("FailedEntryCount"):
        raise UndeliverableError(f"{arn}: {answer['Entries'][0].get('ErrorMessage')}")


def _stream(arn: str, parcel: Parcel) -> None:
    data = base64.b64encode(parcel.text.encode()).decode()
    key = parcel.partition_key or str(uuid4())
    calls.call(calls.place_of(arn), "kinesis", "PutRecord", {"StreamARN": arn, "Data": data, "PartitionKey": key})


def _delivery_stream(arn: str, parcel: Parcel) -> None:
    record = {"Data": base64.b64encode(parcel.text.encode()).decode()}
    name = arn.rpartition("/")[2]
    calls.call(calls.place_of(arn), "firehose", "PutRecord", {"DeliveryStreamName": name, "Record": record})


_SENDERS: Mapping[str, Callable[[str, Parcel], None]] = {
    "lambda": _function,
    "sqs": _queue,
    "sns": _topic,
    "states": _machine,
    "events": _bus,
    "kinesis": _stream,
    "firehose": _delivery_stream,
}

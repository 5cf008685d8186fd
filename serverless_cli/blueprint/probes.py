"""What a check can do and what it can expect of it: the keys of every probe, and of every thing to look for.

Texts may hold `${check.id}`, which is another one each time a check runs: what it makes is told from all else by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from serverless_cli.keys import Doc, FileName, Json, LateOk, Pattern, Range
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class IdOf:
    """The key names a resource of that type by its id. `attribute` is what the check calls AWS with."""

    type: str
    attribute: str = "name"


@dataclass(frozen=True, slots=True)
class IsObject:
    """The JSON value must be a mapping."""


Bucket = Annotated[str, Doc("The id of a bucket."), IdOf("bucket")]
Table = Annotated[str, Doc("The id of a table."), IdOf("table")]
Queue = Annotated[str, Doc("The id of a queue."), IdOf("queue")]
Function = Annotated[str, Doc("The id of a function."), IdOf("function")]
Stream = Annotated[str | None, Doc("The id of a Kinesis stream."), IdOf("stream")]
Delivery = Annotated[str | None, Doc("The id of a delivery stream."), IdOf("delivery-stream")]
Topic = Annotated[str, Doc("The id of a topic."), IdOf("topic", "arn")]
Machine = Annotated[str, Doc("The id of a state machine."), IdOf("state-machine", "arn")]
Bus = Annotated[str, Doc("The id of an event bus, or `default`."), IdOf("event-bus")]

_EMPTY = Json("{}")
Text = Annotated[str, LateOk()]
Anything = Annotated[Json, LateOk()]
"""a text counts as it is, anything else as JSON"""
Contains = Annotated[str | None, Doc("Text that is in it."), LateOk()]
Like = Annotated[Json | None, Doc("It as JSON; a mapping may leave keys out."), LateOk()]
Item = Annotated[Json | None, Doc("Attributes and their values; others are not looked at."), LateOk(), IsObject()]


# What can be expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageKeys:
    """What a picture is like."""

    format: Annotated[Literal["jpeg", "png", "gif", "webp"] | None, Doc("Its format.")] = None
    width: Annotated[int | None, Doc("Its width in pixels."), Range(1)] = None
    height: Annotated[int | None, Doc("Its height in pixels."), Range(1)] = None
    max_width: Annotated[int | None, Doc("Its greatest width in pixels."), Range(1)] = None
    max_height: Annotated[int | None, Doc("Its greatest height in pixels."), Range(1)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKeys:
    """An object in a bucket."""

    bucket: Bucket
    key: Annotated[Text, Doc("The object's key.")]
    content_type: Annotated[str | None, Doc("Its content type.")] = None
    contains: Contains = None
    json: Like = None
    image: Annotated[ImageKeys | None, Doc("What it is like as a picture.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoObjectKeys:
    """An object that must not be there."""

    bucket: Bucket
    key: Annotated[Text, Doc("The object's key.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectsKeys:
    """Objects that were written since the check began, whatever their keys are (archives, error prefixes)."""

    bucket: Bucket
    prefix: Annotated[Text, Doc("How their keys begin.")] = ""
    contains: Annotated[
        str | None, Doc("Text that is in them; gzip, and what Firehose has in base64, is unpacked."), LateOk()
    ] = None
    at_least: Annotated[int, Doc("How many there must be."), Range(1, 1000)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKeys:
    """An item of a table."""

    table: Table
    key: Annotated[Json, Doc("Its key: `{id: ...}`."), LateOk(), IsObject()]
    item: Item = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRowKeys:
    """An item that must not be there."""

    table: Table
    key: Annotated[Json, Doc("Its key: `{id: ...}`."), LateOk(), IsObject()]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsKeys:
    """Items of a table that have something in common; the table is searched as a whole."""

    table: Table
    item: Annotated[Json, Doc("Attributes and values that they have."), LateOk(), IsObject()]
    at_least: Annotated[int, Doc("How many there must be."), Range(1, 10000)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKeys:
    """A message in a queue. It is taken out; others are left. An envelope of SNS is opened."""

    queue: Queue
    contains: Contains = None
    json: Like = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeys:
    """A line in a function's log, written since the check began."""

    function: Function
    contains: Annotated[Text, Doc("Text that is in the line.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKeys:
    """What becomes of a probe; each is one or a list. The `no_` ones are looked at once all others are there."""

    object: Annotated[ObjectKeys | tuple[ObjectKeys, ...] | None, Doc("An object in a bucket.")] = None
    objects: Annotated[
        ObjectsKeys | tuple[ObjectsKeys, ...] | None, Doc("Objects below a prefix, written since the check began.")
    ] = None
    row: Annotated[RowKeys | tuple[RowKeys, ...] | None, Doc("An item of a table, by its key.")] = None
    rows: Annotated[RowsKeys | tuple[RowsKeys, ...] | None, Doc("Items of a table, by what they hold.")] = None
    message: Annotated[MessageKeys | tuple[MessageKeys, ...] | None, Doc("A message in a queue.")] = None
    log: Annotated[LogKeys | tuple[LogKeys, ...] | None, Doc("A line in a function's log.")] = None
    no_object: Annotated[NoObjectKeys | tuple[NoObjectKeys, ...] | None, Doc("No object of that key.")] = None
    no_row: Annotated[NoRowKeys | tuple[NoRowKeys, ...] | None, Doc("No item with that key.")] = None
    no_message: Annotated[MessageKeys | tuple[MessageKeys, ...] | None, Doc("No such message in a queue.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKeys(EffectKeys):
    """What is expected of the answer to a request, and what becomes of it; without `status`, any that is no error."""

    status: Annotated[int | None, Doc("The status code."), Range(100, 599)] = None
    contains: Annotated[str | None, Doc("Text that is in the body."), LateOk()] = None
    json: Annotated[Json | None, Doc("The body as JSON; a mapping may leave keys out."), LateOk()] = None
    header: Annotated[Mapping[str, str], Doc("Headers of the answer and their values."), LateOk()] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionKeys(EffectKeys):
    """How an execution ends, and what becomes of it."""

    status: Annotated[
        Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"], Doc("How it ends.")
    ] = "SUCCEEDED"  # fmt: skip
    output: Annotated[Json | None, Doc("Its output; a mapping may leave keys out."), LateOk()] = None
    error: Annotated[str | None, Doc("Text that is in its error or cause.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnKeys(EffectKeys):
    """What a function returns, and what becomes of the call; without `error`, it must not fail."""

    payload: Annotated[Json | None, Doc("What it returns; a mapping may leave keys out."), LateOk()] = None
    error: Annotated[str | None, Doc("Text that is in its error's type or message.")] = None


# What can be done


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKeys:
    """What all probes have in common."""

    keep: Annotated[bool, Doc("Leaves the objects and items that the check made and found by its id.")] = False


Url = Annotated[str, Pattern(r"https?://\S+", "a URL that begins with http:// or https://"), LateOk()]
Headers = Annotated[Mapping[str, str], Doc("Request headers."), LateOk()]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKeys(ProbeKeys):
    """A request without a body."""

    url: Annotated[Url, Doc("Where the request goes.")]
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKeys(AskKeys):
    """A request with a body: `body` is sent as it is, `json` as JSON with its content type."""

    body: Annotated[str | None, Doc("Text to send."), LateOk()] = None
    json: Annotated[Json | None, Doc("A value to send as JSON."), LateOk()] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutObjectKeys(ProbeKeys):
    """An object for a bucket: a file of the blueprint's folder, or what `body` says."""

    bucket: Bucket
    key: Annotated[Text, Doc("The object's key.")]
    file: Annotated[FileName | None, Doc("A file to upload, relative to the blueprint.")] = None
    body: Annotated[Json | None, Doc("What to upload; all but a text as JSON."), LateOk()] = None
    content_type: Annotated[str | None, Doc("Its content type; else it is guessed from the key.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageKeys(ProbeKeys):
    """A message for a queue."""

    queue: Queue
    body: Annotated[Anything, Doc("The message; all but a text as JSON.")]
    group: Annotated[str | None, Doc("FIFO: its group.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishKeys(ProbeKeys):
    """A message for a topic."""

    topic: Topic
    message: Annotated[Anything, Doc("The message; all but a text as JSON.")]
    subject: Annotated[str | None, Doc("Its subject.")] = None
    attributes: Annotated[Mapping[str, str], Doc("Attributes, by which subscriptions filter."), LateOk()] = field(
        default_factory=dict
    )
    group: Annotated[str | None, Doc("FIFO: its group.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutEventKeys(ProbeKeys):
    """An event for a bus."""

    bus: Bus = "default"
    source: Annotated[Text, Doc("Where it says that it comes from.")]
    detail_type: Annotated[Text, Doc("What it says that it is.")]
    detail: Annotated[Json, Doc("What it tells."), LateOk(), IsObject()]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRecordKeys(ProbeKeys):
    """A record for a Kinesis stream or a delivery stream."""

    stream: Stream = None
    delivery_stream: Delivery = None
    data: Annotated[Anything, Doc("The record; all but a text as JSON.")]
    partition_key: Annotated[str | None, Doc("stream: which records go to one shard; else the check's id.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRecordsKeys(ProbeKeys):
    """Records for a Kinesis stream or a delivery stream, in one call."""

    stream: Stream = None
    delivery_stream: Delivery = None
    records: Annotated[tuple[Anything, ...], Doc("The records; all but a text as JSON."), Range(1, 500)]
    partition_key: Annotated[str | None, Doc("stream: which records go to one shard; else the check's id.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExecutionKeys(ProbeKeys):
    """An execution of a state machine."""

    state_machine: Machine
    input: Annotated[Anything, Doc("Its input.")] = _EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeKeys(ProbeKeys):
    """A call of a function."""

    function: Function
    event: Annotated[Anything, Doc("The event.")] = _EMPTY
    asynchronous: Annotated[
        bool, Doc("Does not wait for what it returns; then Lambda itself repeats and reports what fails.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PutItemKeys(ProbeKeys):
    """An item for a table."""

    table: Table
    item: Annotated[Json, Doc("Its attributes."), LateOk(), IsObject()]


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of probe: what it takes and what can be expected. `short` is the key that a bare text stands for.

    `of` are keys of which it takes exactly one. `answers` says that it proves something without any `expect`.
    `unique` is the key that must hold `${check.id}`, so that nothing of the user's is written over and removed.
    """

    doc: str
    takes: type[Any]
    expect: type[Any]
    short: str = ""
    of: tuple[str, ...] = ()
    answers: bool = False
    unique: str = ""


def _request(doc: str, takes: type[Any]) -> Probe:
    return Probe(doc, takes, AnswerKeys, "url", answers=True)


_STREAMS = ("stream", "delivery_stream")

PROBES: Mapping[str, Probe] = {
    "get": _request("Sends a GET request.", AskKeys),
    "head": _request("Sends a HEAD request.", AskKeys),
    "delete": _request("Sends a DELETE request.", SendKeys),
    "post": _request("Sends a POST request.", SendKeys),
    "put": _request("Sends a PUT request.", SendKeys),
    "patch": _request("Sends a PATCH request.", SendKeys),
    "put_object": Probe("Puts an object into a bucket.", PutObjectKeys, EffectKeys, of=("file", "body"), unique="key"),
    "send_message": Probe("Sends a message to a queue.", SendMessageKeys, EffectKeys),
    "publish": Probe("Publishes a message to a topic.", PublishKeys, EffectKeys),
    "put_event": Probe("Puts an event on a bus.", PutEventKeys, EffectKeys),
    "put_record": Probe("Puts a record into a stream.", PutRecordKeys, EffectKeys, of=_STREAMS),
    "put_records": Probe("Puts records into a stream.", PutRecordsKeys, EffectKeys, of=_STREAMS),
    "start_execution": Probe("Starts a state machine and waits for its end.", StartExecutionKeys, ExecutionKeys,
                             "state_machine", answers=True),
    "invoke": Probe("Calls a function.", InvokeKeys, ReturnKeys, "function", answers=True),
    "put_item": Probe("Puts an item into a table.", PutItemKeys, EffectKeys, unique="item"),
}  # fmt: skip
"""A new probe is one line here, its keys class, and its runner in checks/actions.py."""
